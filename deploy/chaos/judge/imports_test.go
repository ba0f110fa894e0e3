package judge

import (
	"testing"

	"chatlog/deploy/audit"
	"chatlog/deploy/chaos/history"
)

// brought is a history that was imported as it must be, one record of it twice, with
// one that never can be.
func brought() ([]history.Import, []audit.Entry, map[audit.Place]int) {
	list := []history.Import{
		{ID: "a", Op: history.CreateApplication, App: "x", Username: "u"},
		{ID: "b", Op: history.CreateChat, App: "x", Chat: 1},
		{ID: "w", Op: history.CreateMessage, App: "x", Chat: 1, Number: 9, Text: "wrong", Wrong: true},
		{ID: "c", Op: history.CreateMessage, App: "x", Chat: 1, Number: 1, Text: "one"},
		{ID: "b", Op: history.CreateChat, App: "x", Chat: 1, Again: true},
	}
	for n := range list {
		list[n].Offset = int64(n)
	}
	return list, []audit.Entry{
		{Offset: 11, ID: "a", Op: "application.create", Application: "x", Username: "u"},
		{Offset: 12, ID: "b", Op: "chat.create", Application: "x", Chat: 1},
		{Offset: 14, ID: "c", Op: "message.create", Application: "x", Chat: 1, Number: 1, Message: "one"},
	}, map[audit.Place]int{{Offset: 2}: 1}
}

func TestImports(t *testing.T) {
	for name, c := range map[string]struct {
		tell func([]history.Import, []audit.Entry, map[audit.Place]int) []audit.Entry
		want int
	}{
		"as it must be": {func(_ []history.Import, e []audit.Entry, _ map[audit.Place]int) []audit.Entry { return e }, 0},
		"one is not in the log": {func(_ []history.Import, e []audit.Entry, _ map[audit.Place]int) []audit.Entry {
			return e[:2]
		}, 1},
		"one counts twice": {func(_ []history.Import, e []audit.Entry, _ map[audit.Place]int) []audit.Entry {
			again := e[2]
			again.Offset = 15
			return append(e, again)
		}, 1},
		"one has another number": {func(_ []history.Import, e []audit.Entry, _ map[audit.Place]int) []audit.Entry {
			e[2].Number = 2
			return e
		}, 1},
		"one overtakes another": {func(_ []history.Import, e []audit.Entry, _ map[audit.Place]int) []audit.Entry {
			e[0].Offset = 13
			return e
		}, 1},
		"a wrong one counts": {func(_ []history.Import, e []audit.Entry, _ map[audit.Place]int) []audit.Entry {
			return append(e, audit.Entry{Offset: 15, ID: "w"})
		}, 1},
		"a wrong one is not told of": {func(_ []history.Import, e []audit.Entry, told map[audit.Place]int) []audit.Entry {
			clear(told)
			return e
		}, 1},
		"a wrong one is told of twice": {func(_ []history.Import, e []audit.Entry, told map[audit.Place]int) []audit.Entry {
			told[audit.Place{Offset: 2}] = 2
			return e
		}, 1},
		"a good one is refused as well": {func(_ []history.Import, e []audit.Entry, told map[audit.Place]int) []audit.Entry {
			told[audit.Place{Offset: 3}] = 1
			return e
		}, 1},
	} {
		list, entries, told := brought()
		entries = c.tell(list, entries, told)
		log, v := NewLog(), &Verdict{}
		for _, e := range entries {
			log.Add(e)
		}
		imports(v, list, log, told)
		if v.Count(Imported) != c.want || v.Imported != 4 || v.Told != 1 {
			t.Errorf("%s: %d and %d, %v", name, v.Imported, v.Told, v.Findings)
		}
	}
}

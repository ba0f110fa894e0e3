// Package searchviewtest is the conformance suite of the search view: every
// engine passes all of it, with the same answers.
package searchviewtest

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"chatlog/shared/analysis"
	"chatlog/shared/command"
	"chatlog/shared/position"
	"chatlog/shared/searchview"
	"chatlog/shared/view"
)

// Fixture opens one and the same empty index; Lose deletes it behind the
// view's back (nil: the engine cannot lose it while it is open).
type Fixture struct {
	Open func() searchview.Index
	Lose func()
}

const (
	app   = "0123456789abcdef0123456789abcdef"
	other = "ffffffffffffffffffffffffffffffff"
	log   = position.LogID("00000000000000a1")
)

var start = time.Date(2026, 11, 23, 19, 0, 0, 0, time.UTC)

// Run runs the suite; fresh gives a new empty index each time.
func Run(t *testing.T, fresh func(t *testing.T) Fixture) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, *suite)
	}{
		{"words, parts and order", find},
		{"exact words, then parts, then typos", ranks},
		{"other forms, and typos in every script", forms},
		{"words of strangers", strangers},
		{"the newest, and between two times", times},
		{"pages to the last one", paging},
		{"what is found can be marked", highlights},
		{"whatever is asked", anything},
		{"edits, deletes and replays", replay},
		{"a tombstone is final", tombstone},
		{"a hole and another log are refused", refusals},
		{"two workers with the same batch", zombies},
		{"applications and chats are kept apart", apart},
		{"texts come back byte for byte, whatever their size", texts},
		{"all documents are listed", scans},
		{"documents are removed as they were seen", removals},
		{"a lost index starts from the beginning", lost},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := fresh(t)
			x := f.Open()
			t.Cleanup(func() { x.Close() })
			for range 2 { // a second time changes nothing
				if err := x.Prepare(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
			test.run(t, &suite{T: t, x: x, f: f})
		})
	}
}

type suite struct {
	*testing.T
	x    searchview.Index
	f    Fixture
	next int64
}

func id(n int64) string { return fmt.Sprintf("00000000-0000-7000-8000-%012x", n) }

func (s *suite) batch(commands ...command.Command) view.Batch {
	b := view.Batch{From: s.next}
	for _, c := range commands {
		c.ID, c.Time = id(s.next), start.Add(time.Duration(s.next)*time.Second)
		if c.Application == "" {
			c.Application = app
		}
		if c.Chat == 0 {
			c.Chat = 1
		}
		b.Entries = append(b.Entries, view.Entry{Offset: s.next, Command: c})
		s.next++
	}
	b.To = view.Progress{Log: log, Generation: 1, Next: s.next, LastID: id(s.next - 1), LastOffset: s.next - 1}
	return b
}

func (s *suite) apply(b view.Batch) view.Batch {
	s.Helper()
	if rejections, err := s.x.Apply(s.Context(), b); err != nil || len(rejections) > 0 {
		s.Fatal(rejections, err)
	}
	if p, found, err := s.x.Progress(s.Context(), 0); err != nil || !found || p.Next < b.To.Next {
		s.Fatal(p, found, err)
	}
	return b
}

func create(number int64, text string) command.Command {
	return command.Command{Op: command.MessageCreate, Number: number, Message: text}
}

// search gives the numbers that a text finds in a chat, in order.
func (s *suite) search(application string, chat int64, text string) []int64 {
	s.Helper()
	if err := s.x.Refresh(s.Context()); err != nil {
		s.Fatal(err)
	}
	clauses, ok := analysis.Query(text)
	if !ok {
		s.Fatalf("query %.40q is too long", text)
	}
	hits, err := s.x.Search(s.Context(), searchview.Query{Application: application, Chat: chat, Clauses: clauses, Limit: 100})
	if err != nil {
		s.Fatal(err)
	}
	numbers := []int64{}
	for _, h := range hits {
		numbers = append(numbers, h.Number)
	}
	return numbers
}

func (s *suite) finds(text string, want ...int64) {
	s.Helper()
	if want == nil {
		want = []int64{}
	}
	if got := s.search(app, 1, text); !reflect.DeepEqual(got, want) {
		s.Errorf("%.60q finds %v, want %v", text, got, want)
	}
}

func find(t *testing.T, s *suite) {
	long := strings.Repeat("abcdefghij", 6554)[:65536]
	s.apply(s.batch(create(1, "Hello, World"), create(2, "hello there"), create(3, "Othello and the world"), create(4, "日本語のテキスト"),
		create(5, "crème brûlée"), create(6, "Привет, мир"), create(7, "xab abc"), create(8, long), create(9, "السَّلامُ عليكم"),
		create(10, "한국어를 공부한다"), create(11, "ship 🚀"), create(12, "world says hello"), create(13, "C:\\temp \"quoted\" {json:[1]}")))
	s.finds("hello", 12, 2, 1, 3) // exact before part, newest first
	s.finds("HELLO world", 12, 1, 3)
	s.finds("ell", 12, 3, 2, 1)
	s.finds(`"hello world"`, 1)
	s.finds("日本", 4)
	s.finds("本日")
	s.finds("語", 4)
	s.finds("てきすと", 4)
	s.finds("creme", 5)
	s.finds("рив", 6)
	s.finds("xabc")
	s.finds(long[100:160], 8)
	s.finds(long[:3000], 8)
	s.finds("السلام", 9)
	s.finds("국어", 10)
	s.finds("🚀", 11)
	s.finds("quoted json", 13)
	for _, odd := range []string{"*", "hel*", "(", `\`, "a AND", "/.*/", "{}", "\x00", "field:hello", "~2", "^5", " "} {
		s.search(app, 1, odd)
	}
	s.finds("field:hello")
	if hits, err := s.x.Search(s.Context(), searchview.Query{Application: app, Chat: 1, Clauses: []analysis.Clause{{Words: []string{"hello"}}}, Limit: 2}); err != nil || len(hits) != 2 || hits[0].Text != "world says hello" {
		t.Fatal(hits, err)
	}
}

func replay(t *testing.T, s *suite) {
	first := s.apply(s.batch(create(1, "old words"), create(2, "gone words"), create(3, "kept words")))
	second := s.apply(s.batch(command.Command{Op: command.MessageUpdate, Number: 1, Message: "new words", Created: start},
		command.Command{Op: command.MessageDelete, Number: 2, Created: start.Add(time.Second)}))
	for range 2 {
		s.finds("old")
		s.finds("gone")
		s.finds("words", 3, 1)
		s.finds("new", 1)
		s.apply(first) // the past may come again at any time
		s.finds("words", 3, 1)
		s.finds("old")
		s.finds("new", 1)
		s.apply(second)
	}
	if p, _, err := s.x.Progress(s.Context(), 0); err != nil || p != second.To {
		t.Fatal(p, err)
	}
	keys := []view.MessageKey{{Application: app, Chat: 1, Number: 2}, {Application: app, Chat: 1, Number: 9}, {Application: app, Chat: 1, Number: 1}}
	got, err := s.x.Messages(s.Context(), keys)
	if err != nil || len(got) != 2 {
		t.Fatal(got, err)
	}
	edited, deleted := got[keys[2]], got[keys[0]]
	if edited.Text != "new words" || edited.Deleted || edited.Edited.IsZero() || edited.Created != start || edited.Version != position.Version(1, second.Entries[0].Offset) {
		t.Errorf("the edited one is %+v", edited)
	}
	if deleted.Text != "" || !deleted.Deleted || deleted.Version != position.Version(1, second.Entries[1].Offset) {
		t.Errorf("the deleted one is %+v", deleted)
	}
}

// tombstone: no edit brings a deleted text back, in a batch with the delete or
// in a later one.
func tombstone(t *testing.T, s *suite) {
	gone := func(number int64) command.Command {
		return command.Command{Op: command.MessageDelete, Number: number, Created: start}
	}
	back := func(number int64) command.Command {
		return command.Command{Op: command.MessageUpdate, Number: number, Message: "words back", Created: start}
	}
	s.apply(s.batch(create(1, "words"), create(2, "words"), create(3, "words"), gone(1), back(1)))
	s.apply(s.batch(gone(2)))
	s.apply(s.batch(back(2), back(3)))
	s.finds("words", 3)
	s.finds("back", 3)
}

func refusals(t *testing.T, s *suite) {
	if p, found, err := s.x.Progress(s.Context(), 0); found || err != nil {
		t.Fatal(p, found, err)
	}
	s.apply(s.batch(create(1, "one")))
	before, err := s.x.Standing(s.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	second, third := s.batch(create(2, "two")), s.batch(create(3, "three"))
	if _, err := s.x.Apply(s.Context(), third); !errors.Is(err, view.ErrHole) {
		t.Fatalf("a hole: %v", err)
	}
	foreign := second
	foreign.To.Log = "00000000000000b2"
	if _, err := s.x.Apply(s.Context(), foreign); !errors.Is(err, view.ErrOtherLog) {
		t.Fatalf("another log: %v", err)
	}
	s.apply(second)
	s.apply(third)
	all, err := s.x.Progresses(s.Context())
	if err != nil || len(all) != 1 || all[0] != third.To {
		t.Fatal(all, err)
	}
	for range 2 {
		if at, err := s.x.Standing(s.Context(), 0); err != nil || at.Progress != third.To || at.Index != before.Index {
			t.Fatal(at, before, err)
		}
	}
}

func zombies(t *testing.T, s *suite) {
	s.apply(s.batch(create(1, "same")))
	for n := int64(2); n < 8; n++ {
		b := s.batch(create(n, "same"))
		var group sync.WaitGroup
		errs := make([]error, 3)
		for i := range errs {
			group.Go(func() { _, errs[i] = s.x.Apply(s.Context(), b) })
		}
		group.Wait()
		for _, err := range errs {
			if err != nil && !errors.Is(err, view.ErrHole) { // the loser reads the progress again
				t.Fatal(err)
			}
		}
		if p, _, err := s.x.Progress(s.Context(), 0); err != nil || p != b.To {
			t.Fatal(p, err)
		}
	}
	s.finds("same", 7, 6, 5, 4, 3, 2, 1)
}

func apart(t *testing.T, s *suite) {
	in := func(application string, chat, number int64) command.Command {
		return command.Command{Op: command.MessageCreate, Application: application, Chat: chat, Number: number, Message: "shared secret"}
	}
	s.apply(s.batch(in(app, 1, 1), in(app, 2, 2), in(app, 12, 3), in(other, 1, 4)))
	for _, test := range []struct {
		application string
		chat        int64
		want        []int64
	}{{app, 1, []int64{1}}, {app, 2, []int64{2}}, {app, 12, []int64{3}}, {app, 0, []int64{3, 2, 1}}, {other, 1, []int64{4}}, {other, 2, []int64{}}, {"none", 0, []int64{}}} {
		if got := s.search(test.application, test.chat, "secret"); !reflect.DeepEqual(got, test.want) {
			t.Errorf("%s/%d: %v, want %v", test.application, test.chat, got, test.want)
		}
	}
}

func texts(t *testing.T, s *suite) {
	list := []string{"marker a\x00b", "marker  trailing  ", "marker \ufeff\u200d😀é\u0301", "marker <script>&amp;\"'\\\u2028", "marker " + strings.Repeat("ü", 32000)}
	var commands []command.Command
	for i, text := range list {
		commands = append(commands, create(int64(i+1), text))
	}
	for i := range 40 { // more than one request's worth
		commands = append(commands, create(int64(i+100), strings.Repeat(fmt.Sprintf("w%d ", i), 13000)))
	}
	s.apply(s.batch(commands...))
	if err := s.x.Refresh(s.Context()); err != nil {
		t.Fatal(err)
	}
	hits, err := s.x.Search(s.Context(), searchview.Query{Application: app, Chat: 1, Clauses: []analysis.Clause{{Words: []string{"marker"}}}, Limit: 100})
	if err != nil || len(hits) != len(list) {
		t.Fatal(len(hits), err)
	}
	for _, h := range hits {
		if h.Text != list[h.Number-1] || h.Application != app || h.Chat != 1 {
			t.Errorf("message %d is %.40q", h.Number, h.Text)
		}
	}
	s.finds("w39", 139)
}

func lost(t *testing.T, s *suite) {
	first := s.apply(s.batch(create(1, "again")))
	second := s.apply(s.batch(create(2, "again")))
	if s.f.Lose == nil {
		t.Skip("this engine cannot lose an open index")
	}
	before, err := s.x.Standing(s.Context(), 0)
	if err != nil || before.Progress != second.To {
		t.Fatal(before, err)
	}
	s.f.Lose()
	third := s.batch(create(3, "again"))
	if _, err := s.x.Apply(s.Context(), third); err == nil {
		t.Fatal("a lost index takes a batch")
	}
	if err := s.x.Prepare(s.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := s.x.Apply(s.Context(), third); !errors.Is(err, view.ErrHole) {
		t.Fatalf("a new index takes a batch from the middle: %v", err)
	}
	if p, found, err := s.x.Progress(s.Context(), 0); found || err != nil {
		t.Fatal(p, found, err)
	}
	for _, b := range []view.Batch{first, second, third} {
		s.apply(b)
	}
	if now, err := s.x.Standing(s.Context(), 0); err != nil || now.Progress != third.To || now.Index == before.Index {
		t.Errorf("another index was %+v and is %+v, %v", before, now, err)
	}
	s.finds("again", 3, 2, 1)
}

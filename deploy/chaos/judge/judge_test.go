package judge

import (
	"fmt"
	"testing"

	"chatlog/deploy/audit"
	"chatlog/deploy/chaos/history"
)

const id = "0123456789abcdef"

// scene is a history that keeps every promise: an application, a chat, two
// messages, the second edited and deleted, and reads of them.
func scene() ([]history.Call, []audit.Entry, *audit.Truth) {
	const app = "a1"
	token := func(offset int) string { return fmt.Sprintf("%s-3-%d", id, offset) }
	text := func(what string) string { return "of " + app + " chat 1: " + what }
	entries := []audit.Entry{
		{Partition: 3, Offset: 1, Op: "application.create", Application: app, Username: "u"},
		{Partition: 3, Offset: 2, Op: "chat.create", Application: app, Chat: 1},
		{Partition: 3, Offset: 3, Op: "message.create", Application: app, Chat: 1, Number: 1, Message: text("one")},
		{Partition: 3, Offset: 4, Op: "message.create", Application: app, Chat: 1, Number: 2, Message: text("two")},
		{Partition: 3, Offset: 5, Op: "message.update", Application: app, Chat: 1, Number: 2, Message: text("edit")},
		{Partition: 3, Offset: 6, Op: "message.delete", Application: app, Chat: 1, Number: 2},
	}
	calls := []history.Call{
		{Kind: history.CreateApplication, App: app, Text: "u", Key: "k0", Token: token(1)},
		{Kind: history.CreateChat, App: app, Chat: 1, Token: token(2)},
		{Kind: history.CreateMessage, App: app, Chat: 1, Number: 1, Text: text("one"), Key: "k1", Token: token(3)},
		{Kind: history.CreateMessage, App: app, Chat: 1, Number: 2, Text: text("two"), Token: token(4)},
		{Kind: history.GetMessage, App: app, Chat: 1, Number: 2, Got: text("two"), After: token(4)},
		{Kind: history.Update, App: app, Chat: 1, Number: 2, Text: text("edit"), Token: token(5)},
		{Kind: history.GetMessage, App: app, Chat: 1, Number: 2, Got: text("edit"), After: token(5)},
		{Kind: history.GetChat, App: app, Chat: 1, Count: 2, After: token(5)},
		{Kind: history.Search, App: app, Chat: 1, Number: 1, Text: "one", Hits: []history.Hit{{App: app, Chat: 1, Number: 1, Text: text("one")}}, After: token(5)},
		{Kind: history.Delete, App: app, Chat: 1, Number: 2, Token: token(6)},
		{Kind: history.GetMessage, App: app, Chat: 1, Number: 2, Outcome: history.NotFound},
		{Kind: history.CreateMessage, App: app, Chat: 1, Number: 1, Text: text("one"), Key: "k1", Token: token(3), Repeat: true},
	}
	for i := range calls {
		calls[i].Begin, calls[i].End = int64(10*i), int64(10*i+5)
		if calls[i].Outcome == "" {
			calls[i].Outcome = history.OK
		}
	}
	return calls, entries, &audit.Truth{Log: audit.Log{ID: id}}
}

func verdict(calls []history.Call, entries []audit.Entry, truth *audit.Truth, windows ...history.Window) *Verdict {
	l := NewLog()
	for _, e := range entries {
		l.Add(e)
	}
	return Judge(calls, nil, l, truth, windows)
}

func TestGoodHistory(t *testing.T) {
	v := verdict(scene())
	if len(v.Findings) > 0 {
		t.Fatal(v.Findings)
	}
	if v.Acked != 6 || v.Reads != 5 || v.Tokens != 4 || v.Repeats != 1 || v.Ordered != 2 || v.Open != 0 {
		t.Errorf("%+v", v)
	}
}

// TestLies changes one thing after the other: each must be found, as what it is.
func TestLies(t *testing.T) {
	lies := []struct {
		name    string
		promise Promise
		tell    func(calls []history.Call, entries []audit.Entry, truth *audit.Truth) ([]history.Call, []audit.Entry)
	}{
		{"an acked message is not in the log", Lost, func(c []history.Call, e []audit.Entry, _ *audit.Truth) ([]history.Call, []audit.Entry) {
			e[2].Op = "chat.create"
			return c, e
		}},
		{"an acked edit is not in the log", Lost, func(c []history.Call, e []audit.Entry, _ *audit.Truth) ([]history.Call, []audit.Entry) {
			return c, append(e[:4], e[5:]...)
		}},
		{"an acked delete is not in the log", Lost, func(c []history.Call, e []audit.Entry, _ *audit.Truth) ([]history.Call, []audit.Entry) {
			return c, e[:5]
		}},
		{"a message is in the log twice", Twice, func(c []history.Call, e []audit.Entry, _ *audit.Truth) ([]history.Call, []audit.Entry) {
			again := e[2]
			again.Offset, again.Number = 7, 3
			return c, append(e, again)
		}},
		{"a number is given to two calls", Twice, func(c []history.Call, e []audit.Entry, _ *audit.Truth) ([]history.Call, []audit.Entry) {
			return append(c, c[2]), e
		}},
		{"another number is acked than the log has", Changed, func(c []history.Call, e []audit.Entry, _ *audit.Truth) ([]history.Call, []audit.Entry) {
			c[2].Number = 9
			return c, e
		}},
		{"a refused write is in the log", Ghost, func(c []history.Call, e []audit.Entry, _ *audit.Truth) ([]history.Call, []audit.Entry) {
			c[3].Outcome = history.Fail
			return c, e
		}},
		{"a repeated key gives another number", Repeat, func(c []history.Call, e []audit.Entry, _ *audit.Truth) ([]history.Call, []audit.Entry) {
			c[11].Number = 3
			return c, e
		}},
		{"a repeated key with another body is taken", Repeat, func(c []history.Call, e []audit.Entry, _ *audit.Truth) ([]history.Call, []audit.Entry) {
			c[11].Text = "another"
			return c, e
		}},
		{"a read is behind its token", Stale, func(c []history.Call, e []audit.Entry, _ *audit.Truth) ([]history.Call, []audit.Entry) {
			c[6].Got = c[4].Got
			return c, e
		}},
		{"a count is behind its token", Stale, func(c []history.Call, e []audit.Entry, _ *audit.Truth) ([]history.Call, []audit.Entry) {
			c[7].Count = 1
			return c, e
		}},
		{"a search is behind its token", Stale, func(c []history.Call, e []audit.Entry, _ *audit.Truth) ([]history.Call, []audit.Entry) {
			c[8].Hits = nil
			return c, e
		}},
		{"what exists is denied", Denied, func(c []history.Call, e []audit.Entry, _ *audit.Truth) ([]history.Call, []audit.Entry) {
			c[4].Outcome = history.NotFound
			return c, e
		}},
		{"a chat that exists is denied", Denied, func(c []history.Call, e []audit.Entry, _ *audit.Truth) ([]history.Call, []audit.Entry) {
			c[7].Outcome = history.NotFound
			return c, e
		}},
		{"a read gives what the message never was", Crossed, func(c []history.Call, e []audit.Entry, _ *audit.Truth) ([]history.Call, []audit.Entry) {
			c[4].Got = "of another application"
			return c, e
		}},
		{"a search gives another application's message", Crossed, func(c []history.Call, e []audit.Entry, _ *audit.Truth) ([]history.Call, []audit.Entry) {
			c[8].Hits[0].App = "b2"
			return c, e
		}},
		{"the log has a gap", Gap, func(c []history.Call, e []audit.Entry, truth *audit.Truth) ([]history.Call, []audit.Entry) {
			truth.Findings = append(truth.Findings, audit.Finding{Where: "log", What: "the next message is 4"})
			return c, e
		}},
		{"an edit follows a delete", Reverted, func(c []history.Call, e []audit.Entry, truth *audit.Truth) ([]history.Call, []audit.Entry) {
			truth.Findings = append(truth.Findings, audit.Finding{Where: "log", What: "message.update: the message is deleted"})
			return c, e
		}},
		{"a view differs", Differs, func(c []history.Call, e []audit.Entry, truth *audit.Truth) ([]history.Call, []audit.Entry) {
			truth.Findings = append(truth.Findings, audit.Finding{Where: "rows"})
			return c, e
		}},
		{"500", Wrong, func(c []history.Call, e []audit.Entry, _ *audit.Truth) ([]history.Call, []audit.Entry) {
			return append(c, history.Call{Kind: history.CreateChat, Outcome: history.Fail, Detail: `500 {"error":"oops"}`}), e
		}},
		{"numbers are given against the order of time", Order, func(c []history.Call, e []audit.Entry, _ *audit.Truth) ([]history.Call, []audit.Entry) {
			c[2].Begin, c[2].End, c[3].Begin, c[3].End = c[3].Begin, c[3].End, c[2].Begin, c[2].End
			return c, e
		}},
		{"an edit succeeds after the delete was acked", Order, func(c []history.Call, e []audit.Entry, _ *audit.Truth) ([]history.Call, []audit.Entry) {
			c[5].Begin, c[5].End = 1000, 1001
			return c, e
		}},
		{"404 before anybody deleted it", Order, func(c []history.Call, e []audit.Entry, _ *audit.Truth) ([]history.Call, []audit.Entry) {
			c[10].Begin, c[10].End = 61, 62
			return c, e
		}},
	}
	for _, lie := range lies {
		t.Run(lie.name, func(t *testing.T) {
			calls, entries, truth := scene()
			calls, entries = lie.tell(calls, entries, truth)
			if v := verdict(calls, entries, truth); v.Count(lie.promise) == 0 {
				t.Errorf("found only %v", v.Findings)
			}
		})
	}
}

func TestUnavailable(t *testing.T) {
	calls, entries, truth := scene()
	calls[3].Tries = []history.Try{{Begin: 30, End: 34, Status: 503}}
	on := history.Window{Begin: 20, Settled: 31, Disturbs: []history.Kind{history.CreateMessage}}
	if v := verdict(calls, entries, truth, on); len(v.Findings) > 0 {
		t.Error("a fault that is on excuses: ", v.Findings)
	}
	for name, w := range map[string]history.Window{
		"over":                {Begin: 1, Settled: 29, Disturbs: on.Disturbs},
		"not begun":           {Begin: 35, Settled: 50, Disturbs: on.Disturbs},
		"disturbs only reads": {Begin: 20, Settled: 31, Disturbs: []history.Kind{history.GetMessage}},
	} {
		if v := verdict(calls, entries, truth, w); v.Count(Unavailable) != 1 {
			t.Error(name, v.Findings)
		}
	}
}

// TestUnknown lets a client never learn what became of its write.
func TestUnknown(t *testing.T) {
	calls, entries, truth := scene()
	calls[3].Outcome, calls[3].Number, calls[3].Token = history.Unknown, 0, ""
	v := verdict(calls, entries, truth)
	if len(v.Findings) > 0 || v.Unknown != 1 || v.Resolved != 1 {
		t.Errorf("%+v", v)
	}
}

// Package sqlviewtest is the conformance suite of the relational view: every
// engine passes all of it.
package sqlviewtest

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"chatlog/shared/command"
	"chatlog/shared/position"
	"chatlog/shared/sqlview"
	"chatlog/shared/view"
)

// Fixture is one empty database. Exec runs SQL behind the view's back.
type Fixture struct {
	Open func() *sqlview.View
	Exec func(query string)
}

const (
	app = "0123456789abcdef0123456789abcdef"
	log = position.LogID("00000000000000a1")
)

var start = time.Date(2026, 11, 23, 19, 0, 0, 123456000, time.UTC)

// Run runs the suite; fresh gives a new empty database each time.
func Run(t *testing.T, fresh func(t *testing.T) Fixture) {
	for _, test := range []struct {
		name string
		run  func(*testing.T, *suite)
	}{
		{"texts are kept byte for byte", texts},
		{"a history may begin in 1970", epoch},
		{"replay changes nothing", replay},
		{"replay mends what is missing or altered", mend},
		{"a hole and another log are refused", refusals},
		{"a tombstone is final", tombstone},
		{"keyed commands", keyed},
		{"two workers with the same batch", zombies},
		{"row and progress are of one moment", snapshots},
		{"pages", pages},
		{"data that cannot be stored is told apart", invalid},
		{"many rows in one batch", large},
		{"all rows are listed", scans},
		{"rows are corrected as they were seen", corrections},
		{"no batch comes between a correction's progress and its rows", exclusive},
		{"migrations at once", migrations},
	} {
		t.Run(test.name, func(t *testing.T) {
			f := fresh(t)
			v := f.Open()
			t.Cleanup(func() { v.Close() })
			if err := v.Migrate(t.Context()); err != nil {
				t.Fatal(err)
			}
			test.run(t, &suite{T: t, v: v, f: f})
		})
	}
}

type suite struct {
	*testing.T
	v    *sqlview.View
	f    Fixture
	next int64
}

func id(n int64) string { return fmt.Sprintf("00000000-0000-7000-8000-%012x", n) }

// batch makes a batch of commands from the log's current end on.
func (s *suite) batch(commands ...command.Command) view.Batch {
	b := view.Batch{From: s.next}
	for _, c := range commands {
		c.ID, c.Application = id(s.next), app
		if c.Time.IsZero() {
			c.Time = start.Add(time.Duration(s.next) * time.Second)
		}
		b.Entries = append(b.Entries, view.Entry{Offset: s.next, Command: c})
		s.next++
	}
	b.To = view.Progress{Log: log, Generation: 1, Next: s.next, LastID: id(s.next - 1), LastOffset: s.next - 1}
	return b
}

func (s *suite) apply(b view.Batch) {
	s.Helper()
	if err := s.v.Apply(s.Context(), b); err != nil {
		s.Fatal(err)
	}
}

func (s *suite) message(number int64) view.Message {
	s.Helper()
	m, found, _, err := s.v.Message(s.Context(), 0, view.MessageKey{Application: app, Chat: 1, Number: number})
	if err != nil || !found {
		s.Fatalf("message %d: found %v, %v", number, found, err)
	}
	return m
}

func create(number int64, text string) command.Command {
	return command.Command{Op: command.MessageCreate, Chat: 1, Number: number, Message: text}
}

func (s *suite) begin() view.Batch {
	b := s.batch(command.Command{Op: command.ApplicationCreate, Username: "Zoë 😀 " + strings.Repeat("ü", 240)},
		command.Command{Op: command.ChatCreate, Chat: 1}, create(1, "one"), create(2, "two"))
	s.apply(b)
	return b
}

func texts(t *testing.T, s *suite) {
	s.begin()
	list := []string{" ", "  trailing  ", "a\x00b", "\x00", "😀é\u0301\u200d", "\ufeff bom", "x\r\n\t'\"\\;--%_", strings.Repeat("ü", 32768), strings.Repeat("\U0001F600", 16384), "\uffff\ufffd"}
	for i, text := range list {
		s.apply(s.batch(create(int64(3+i), text)))
	}
	for i, text := range list {
		if m := s.message(int64(3 + i)); m.Text != text {
			t.Errorf("text %d: %d bytes came back as %d", i, len(text), len(m.Text))
		}
	}
	a, found, p, err := s.v.Application(s.Context(), 0, app)
	if err != nil || !found || a.Chats != 1 || a.Username != "Zoë 😀 "+strings.Repeat("ü", 240) || !a.Created.Equal(start) {
		t.Errorf("application %+v %v %v", a, found, err)
	}
	if want := (view.Progress{Log: log, Generation: 1, Next: s.next, LastID: id(s.next - 1), LastOffset: s.next - 1}); p != want {
		t.Errorf("progress %+v, want %+v", p, want)
	}
	c, found, _, err := s.v.Chat(s.Context(), 0, app, 1)
	if err != nil || !found || c.Messages != int64(2+len(list)) || !c.Created.Equal(start.Add(time.Second)) {
		t.Errorf("chat %+v %v %v", c, found, err)
	}
	if _, found, _, err := s.v.Chat(s.Context(), 0, app, 2); found || err != nil {
		t.Errorf("chat 2: %v %v", found, err)
	}
}

// dump reads everything there is.
func (s *suite) dump() any {
	s.Helper()
	a, _, p, err := s.v.Application(s.Context(), 0, app)
	if err != nil {
		s.Fatal(err)
	}
	chats, _, _, err := s.v.Chats(s.Context(), 0, app, sqlview.Page{Limit: 100})
	if err != nil {
		s.Fatal(err)
	}
	var messages []view.Message
	for n := range int64(20) {
		m, _, _, err := s.v.Message(s.Context(), 0, view.MessageKey{Application: app, Chat: 1, Number: n + 1})
		if err != nil {
			s.Fatal(err)
		}
		messages = append(messages, m)
	}
	return []any{a, chats, messages, p}
}

func (s *suite) history() []view.Batch {
	return []view.Batch{s.begin(),
		s.once(s.batch(create(3, "three"), command.Command{Op: command.MessageUpdate, Chat: 1, Number: 1, Message: "one again", Created: start.Add(2 * time.Second)})),
		s.once(s.batch(command.Command{Op: command.MessageDelete, Chat: 1, Number: 2, Created: start.Add(3 * time.Second)}, command.Command{Op: command.ChatCreate, Chat: 2})),
		s.once(s.batch(command.Command{Op: command.MessageUpdate, Chat: 1, Number: 3, Message: "3", Created: start.Add(4 * time.Second)}))}
}

func (s *suite) once(b view.Batch) view.Batch {
	s.apply(b)
	return b
}

func replay(t *testing.T, s *suite) {
	history := s.history()
	want := s.dump()
	for range 2 {
		for _, b := range history {
			s.apply(b)
			if got := s.dump(); !reflect.DeepEqual(got, want) {
				t.Fatalf("after replay:\n%v\nwant\n%v", got, want)
			}
		}
	}
}

func mend(t *testing.T, s *suite) {
	history := s.history()
	want := s.dump()
	for _, damage := range []string{
		"DELETE FROM message WHERE number = 1", "UPDATE message SET message = 'x' WHERE number = 1",
		"UPDATE message SET message = 'x', deleted = 0 WHERE number = 2", "UPDATE message SET created = 1, edited = 7 WHERE number = 3",
		"UPDATE chat SET messages = 1, created = 5 WHERE number = 1", "UPDATE application SET username = 'x', chats = 0",
		"DELETE FROM message", "DELETE FROM message; DELETE FROM chat; DELETE FROM application",
	} {
		for _, statement := range strings.Split(damage, "; ") {
			s.f.Exec(statement)
		}
		for _, b := range history {
			s.apply(b)
		}
		if got := s.dump(); !reflect.DeepEqual(got, want) {
			t.Fatalf("%s was not mended:\n%v\nwant\n%v", damage, got, want)
		}
	}
}

func refusals(t *testing.T, s *suite) {
	first := s.begin()
	second, third := s.batch(create(3, "three")), s.batch(create(4, "four"))
	if err := s.v.Apply(s.Context(), third); !errors.Is(err, view.ErrHole) {
		t.Fatalf("a hole: %v", err)
	}
	other := second
	other.To.Log = "00000000000000b2"
	if err := s.v.Apply(s.Context(), other); !errors.Is(err, view.ErrOtherLog) {
		t.Fatalf("another log: %v", err)
	}
	s.apply(second)
	s.apply(third)
	s.apply(first) // the past may come again at any time
	if p, err := s.v.Progress(s.Context(), 0); err != nil || p != third.To {
		t.Fatalf("progress %+v %v", p, err)
	}
	if p, err := s.v.Progress(s.Context(), 7); err != nil || p.Next != 0 || p.LastOffset != -1 {
		t.Fatalf("unknown partition: %+v %v", p, err)
	}
	all, err := s.v.Progresses(s.Context())
	if err != nil || len(all) != 1 || all[0] != third.To {
		t.Fatalf("progresses %+v %v", all, err)
	}
}

func tombstone(t *testing.T, s *suite) {
	first := s.begin()
	s.apply(s.batch(command.Command{Op: command.MessageDelete, Chat: 1, Number: 1, Created: start.Add(2 * time.Second)}))
	s.apply(first)
	s.apply(s.batch(command.Command{Op: command.MessageUpdate, Chat: 1, Number: 1, Message: "back", Created: start}))
	m := s.message(1)
	if !m.Deleted || m.Text != "" || !m.Created.Equal(start.Add(2*time.Second)) {
		t.Fatalf("%+v", m)
	}
	list, found, _, err := s.v.Messages(s.Context(), 0, view.ChatKey{Application: app, Number: 1}, sqlview.Page{Limit: 10})
	if err != nil || !found || len(list) != 1 || list[0].Number != 2 {
		t.Fatalf("%v %v %v", list, found, err)
	}
	if c, _, _, err := s.v.Chat(s.Context(), 0, app, 1); err != nil || c.Messages != 2 {
		t.Fatalf("count %d %v", c.Messages, err)
	}
}

func keyed(t *testing.T, s *suite) {
	s.begin()
	c := create(3, "keyed")
	c.Keyed, c.Fingerprint = true, strings.Repeat("ab", 32)
	b := s.batch(c)
	s.apply(b)
	s.apply(b)
	k := b.Entries[0].Command.ID
	got, err := s.v.Load(s.Context(), 0, sqlview.Keys{Applications: []string{app, "x"}, Chats: []view.ChatKey{{Application: app, Number: 1}, {Application: app, Number: 9}},
		Messages: []view.MessageKey{{Application: app, Chat: 1, Number: 3}, {Application: app, Chat: 1, Number: 4}}, Commands: []string{k, id(99)}})
	if err != nil {
		t.Fatal(err)
	}
	want := view.KeyedCommand{ID: k, Application: app, Op: command.MessageCreate, Chat: 1, Number: 3, Fingerprint: c.Fingerprint, Offset: s.next - 1}
	if len(got.Commands) != 1 || got.Commands[k] != want || len(got.Applications) != 1 || len(got.Chats) != 1 || len(got.Messages) != 1 || got.Progress != b.To {
		t.Fatalf("%+v", got)
	}
	if empty, err := s.v.Load(s.Context(), 3, sqlview.Keys{}); err != nil || empty.Progress.LastOffset != -1 || empty.Progress.Partition != 3 {
		t.Fatalf("%+v %v", empty, err)
	}
}

func zombies(t *testing.T, s *suite) {
	s.begin()
	for range 10 {
		b := s.batch(create(s.next-1, "same"))
		var group sync.WaitGroup
		errs := make([]error, 4)
		for i := range errs {
			group.Go(func() { errs[i] = s.v.Apply(s.Context(), b) })
		}
		group.Wait()
		if err := errors.Join(errs...); err != nil {
			t.Fatal(err)
		}
	}
	if c, _, p, err := s.v.Chat(s.Context(), 0, app, 1); err != nil || c.Messages != 12 || p.Next != s.next {
		t.Fatalf("%+v %+v %v", c, p, err)
	}
}

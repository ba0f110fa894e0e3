package read

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"chatlog/shared/command"
	"chatlog/shared/fault"
	"chatlog/shared/position"
	"chatlog/shared/sqlview"
	"chatlog/shared/sqlview/sqlite"
	"chatlog/shared/view"
)

const (
	app       = "0123456789abcdef0123456789abcdef"
	ours      = position.LogID("00000000000000a1")
	other     = position.LogID("00000000000000b2")
	partition = 3
)

var began = time.Date(2026, 11, 23, 19, 0, 0, 0, time.UTC)

func here([]byte) int32 { return partition }

// fakeEnds is the log's end. do, if any, answers instead.
type fakeEnds struct {
	end   int64
	asked int
	do    func() (int64, error)
}

func (e *fakeEnds) Do(_ context.Context, p int32) (int64, error) {
	if p != partition {
		return 0, fmt.Errorf("asked for the end of partition %d", p)
	}
	e.asked++
	if e.do != nil {
		return e.do()
	}
	return e.end, nil
}

// fakeWaiter remembers what was waited for. do is what happens meanwhile.
type fakeWaiter struct {
	waited []int64
	do     func(ctx context.Context, next int64) error
}

func (w *fakeWaiter) Wait(ctx context.Context, p int32, next int64) error {
	if p != partition {
		return fmt.Errorf("waited for partition %d", p)
	}
	w.waited = append(w.waited, next)
	if w.do == nil {
		return errors.New("nobody should have waited")
	}
	return w.do(ctx, next)
}

// stand is a reader over a SQLite view, and a log whose records reach the view
// only when the test says so.
type stand struct {
	*testing.T
	rows   *sqlview.View
	reader *Reader
	ends   *fakeEnds
	waiter *fakeWaiter
	counts map[string]int
	next   int64 // the end of what was made so far
}

func newStand(t *testing.T) *stand {
	rows, err := sqlite.Open(filepath.Join(t.TempDir(), "view.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { rows.Close() })
	if err := rows.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	s := &stand{T: t, rows: rows, ends: &fakeEnds{}, waiter: &fakeWaiter{}, counts: map[string]int{}}
	s.reader = NewReader(rows, s.freshness(), here)
	return s
}

func (s *stand) freshness() *Freshness {
	return &Freshness{Waiter: s.waiter, Ends: s.ends, Limit: 20 * time.Second, Count: func(outcome string) { s.counts[outcome]++ }}
}

// batch makes the next batch of the log; without commands it is a record that
// does not count.
func (s *stand) batch(commands ...command.Command) view.Batch {
	b := view.Batch{From: s.next, To: view.Progress{Partition: partition, Log: ours, Generation: 1, LastOffset: -1}}
	for _, c := range commands {
		c.ID, c.Application = fmt.Sprintf("00000000-0000-7000-8000-%012x", s.next), app
		c.Time = began.Add(time.Duration(s.next) * time.Second)
		b.Entries = append(b.Entries, view.Entry{Offset: s.next, Command: c})
		b.To.LastID, b.To.LastOffset = c.ID, s.next
		s.next++
	}
	if len(commands) == 0 {
		s.next++
	}
	b.To.Next = s.next
	s.ends.end = s.next
	return b
}

func (s *stand) apply(batches ...view.Batch) {
	s.Helper()
	for _, b := range batches {
		if err := s.rows.Apply(context.WithoutCancel(s.Context()), b); err != nil {
			s.Fatal(err)
		}
	}
}

// arrive makes the view take batches while somebody waits.
func (s *stand) arrive(batches ...view.Batch) {
	s.waiter.do = func(context.Context, int64) error {
		s.apply(batches...)
		return nil
	}
}

func newApplication() command.Command {
	return command.Command{Op: command.ApplicationCreate, Username: "Zoë"}
}

func newChat(number int64) command.Command {
	return command.Command{Op: command.ChatCreate, Chat: number}
}

func newMessage(number int64, text string) command.Command {
	return command.Command{Op: command.MessageCreate, Chat: 1, Number: number, Message: text}
}

func edit(number int64, text string) command.Command {
	return command.Command{Op: command.MessageUpdate, Chat: 1, Number: number, Message: text, Created: began}
}

func remove(number int64) command.Command {
	return command.Command{Op: command.MessageDelete, Chat: 1, Number: number, Created: began}
}

// begin gives the view an application with chat 1 and two messages.
func (s *stand) begin() {
	s.Helper()
	s.apply(s.batch(newApplication(), newChat(1), newMessage(1, "one"), newMessage(2, "two")))
}

func token(offset int64) *position.Token {
	return &position.Token{Log: ours, Partition: partition, Offset: offset}
}

// says fails unless err is of a kind and tells a client some words.
func (s *stand) says(err error, kind fault.Kind, public string) {
	s.Helper()
	if !fault.Is(err, kind) || fault.PublicOf(err) != public {
		s.Errorf("got %v of kind %v, want %q", err, fault.KindOf(err), public)
	}
	if retry := fault.RetryAfterOf(err); (retry > 0) != (kind == fault.Transient) {
		s.Errorf("%v: to be tried again after %v", err, retry)
	}
}

var message1 = view.MessageKey{Application: app, Chat: 1, Number: 1}

func message(number int64) view.MessageKey {
	return view.MessageKey{Application: app, Chat: 1, Number: number}
}

var chat1 = view.ChatKey{Application: app, Number: 1}

package letters

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"chatlog/shared/command"
	"chatlog/shared/deadletter"
	"chatlog/shared/fault"
)

const log = "00000000000000a1"

var told = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// desk is a desk over a topic, a view and imports in memory.
type desk struct {
	*testing.T
	entries []deadletter.Entry
	book    *deadletter.Book
	whole   map[string][]byte // values of truncated letters, by name
	refuses map[int64]string  // by offset of the record
	down    error
	done    []string // in the order in which it was done
	told    []Outcome
	between func() // what others do before a letter is settled
}

func newDesk(t *testing.T, all ...deadletter.Letter) *desk {
	d := &desk{T: t, book: deadletter.NewBook(), whole: map[string][]byte{}, refuses: map[int64]string{}}
	for _, l := range all {
		d.add(deadletter.Entry{Letter: l})
	}
	return d
}

func (d *desk) add(e deadletter.Entry) {
	e.Offset = int64(len(d.entries))
	d.entries = append(d.entries, e)
}

// letter makes a letter of mysql of partition 3, told at told plus its offset in
// hours.
func letter(class string, offset int64, key, value string) deadletter.Letter {
	return deadletter.Letter{View: "mysql", Class: class, Reason: "Too " + class, Log: log, Topic: "chat.commands", Partition: 3, Offset: offset,
		Time: told.Add(time.Duration(offset) * time.Hour).Format(time.RFC3339Nano), Key: []byte(key), Value: []byte(value), Headers: []deadletter.Header{}}
}

func (d *desk) desk() *Desk {
	return &Desk{Topic: d, Settler: d, Views: d, Imports: d, By: "me", Tell: func(o Outcome) { d.told = append(d.told, o) }}
}

func (d *desk) Read(_ context.Context, visit func(deadletter.Entry) error) error {
	for _, e := range d.entries {
		if err := visit(e); err != nil {
			return err
		}
	}
	return nil
}

func (d *desk) One(_ context.Context, offset int64) (deadletter.Entry, error) {
	return d.entries[offset], nil
}

func (d *desk) Whole(_ context.Context, l deadletter.Letter) (deadletter.Letter, error) {
	value, found := d.whole[l.Name()]
	if !found {
		return l, fault.New(fault.NotFound, "it is gone")
	}
	return l.With(command.Record{Key: l.Key, Value: value}), nil
}

func (d *desk) CatchUp(context.Context, func(deadletter.Entry)) error {
	d.book = deadletter.NewBook()
	for _, e := range d.entries {
		d.book.Take(e)
	}
	return nil
}

func (d *desk) Book() *deadletter.Book { return d.book }

func (d *desk) Settle(ctx context.Context, letter int64, s deadletter.Settlement) error {
	if d.between != nil {
		d.between()
		d.between = nil
	}
	d.CatchUp(ctx, nil)
	if state, _, known := d.book.State(letter); !known || state != deadletter.Open {
		return fault.New(fault.Conflict, "it is settled already")
	}
	d.add(deadletter.Entry{Settlement: &s})
	d.done = append(d.done, fmt.Sprintf("%d %s", letter, s.State))
	return nil
}

func (d *desk) Names() []string { return []string{"mysql", "search"} }

func (d *desk) Again(_ context.Context, l deadletter.Letter) (string, error) {
	if d.down != nil {
		return "", d.down
	}
	d.done = append(d.done, fmt.Sprintf("again %s %d", l.View, l.Offset))
	return d.refuses[l.Offset], nil
}

func (d *desk) Put(_ context.Context, r command.Record) (string, error) {
	if d.down != nil {
		return "", d.down
	}
	var headers []string
	for _, h := range r.Headers {
		headers = append(headers, h.Key+"="+string(h.Value))
	}
	d.done = append(d.done, fmt.Sprintf("put %s %s [%s]", r.Key, bytes.TrimSpace(r.Value), strings.Join(headers, " ")))
	return "imports", nil
}

func (d *desk) Place([]byte) string { return "imports" }

func (d *desk) did(want ...string) {
	d.Helper()
	if got := strings.Join(d.done, "; "); got != strings.Join(want, "; ") {
		d.Errorf("done: %s\nwant: %s", got, strings.Join(want, "; "))
	}
	d.done = nil
}

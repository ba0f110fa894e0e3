package letters

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"chatlog/shared/command"
	"chatlog/shared/deadletter"
	"chatlog/shared/fault"
)

// Topic is where letters and their settlements lie.
type Topic interface {
	// Read visits all that lies there, in order.
	Read(ctx context.Context, visit func(deadletter.Entry) error) error
	// One gives the entry at an offset; fault.NotFound when there is none.
	One(ctx context.Context, offset int64) (deadletter.Entry, error)
	// Whole gives a letter with the bytes that were too large for it, from where
	// its record lies; fault.NotFound when it does not lie there any more, or another
	// one does.
	Whole(ctx context.Context, l deadletter.Letter) (deadletter.Letter, error)
}

// Settler records what has become of letters; deadletter.Settler is one.
type Settler interface {
	CatchUp(ctx context.Context, odd func(deadletter.Entry)) error
	Book() *deadletter.Book
	Settle(ctx context.Context, letter int64, what deadletter.Settlement) error
}

// Views are the views that letters can be applied to again.
type Views interface {
	Names() []string
	// Again applies a letter's command again. refused says why the view does not
	// have it now.
	Again(ctx context.Context, l deadletter.Letter) (refused string, err error)
}

// Imports takes records that ingest is to append. It gives where one lies.
type Imports interface {
	Put(ctx context.Context, r command.Record) (place string, err error)
	// Place says where a record of that key would lie.
	Place(key []byte) string
}

// Outcome is what has become of one letter.
type Outcome struct {
	ID   string // as it was asked for
	Name string // of the letter, if there is one
	Done bool
	Text string
}

// Desk lists and settles letters.
type Desk struct {
	Topic   Topic
	Settler Settler
	Views   Views
	Imports Imports
	Dry     bool // nothing is applied, written or settled
	By      string
	Tell    func(Outcome)
	Odd     func(deadletter.Entry) // hears of what is neither letter nor settlement
}

// Each visits the letters that a filter means, in the order in which they were told.
func (d *Desk) Each(ctx context.Context, f Filter, visit func(Item) error) error {
	if err := d.Settler.CatchUp(ctx, d.Odd); err != nil {
		return err
	}
	return d.Topic.Read(ctx, func(e deadletter.Entry) error {
		if e.Odd != nil || e.Settlement != nil {
			return nil
		}
		state, _, known := d.Settler.Book().State(e.Offset)
		if i := (Item{ID: e.Offset, Letter: e.Letter, State: state}); known && f.Matches(i) {
			return visit(i)
		}
		return nil
	})
}

// Find gives the letter that somebody means by its offset or its name, whole and with
// its settlement; fault.NotFound when there is none.
func (d *Desk) Find(ctx context.Context, id string) (i Item, err error) {
	if err := d.Settler.CatchUp(ctx, d.Odd); err != nil {
		return i, err
	}
	book := d.Settler.Book()
	offset, known := book.Find(id)
	if !known {
		if offset, err = strconv.ParseInt(id, 10, 64); err != nil {
			return i, fault.New(fault.NotFound, "there is no such letter")
		}
	}
	state, settled, known := book.State(offset)
	if !known {
		return i, fault.New(fault.NotFound, "there is no such letter")
	}
	e, err := d.Topic.One(ctx, offset)
	if err != nil {
		return i, err
	}
	i = Item{ID: offset, Letter: e.Letter, State: state}
	if state == deadletter.Open {
		return i, nil
	}
	e, err = d.Topic.One(ctx, settled)
	i.Settlement = e.Settlement
	return i, err
}

// Retry retries the letters that were named, or else those that a filter means and
// that are open. It gives how many of them are left as they were. mended, if not nil,
// is what is retried instead of the record's value.
func (d *Desk) Retry(ctx context.Context, ids []string, f Filter, mended []byte) (left int, err error) {
	retry := func(id string, i Item) error {
		text, err := d.retry(ctx, i, mended)
		if err == nil {
			err = d.settle(ctx, i, deadletter.Retried, text)
		}
		return d.tell(id, i, text, err, &left)
	}
	if len(ids) > 0 {
		err = d.named(ctx, ids, &left, retry)
		return left, err
	}
	f.State = Open
	err = d.Each(ctx, f, func(i Item) error { return retry(strconv.FormatInt(i.ID, 10), i) })
	return left, err
}

// Drop settles letters that were named without doing anything about them.
func (d *Desk) Drop(ctx context.Context, ids []string, why string) (left int, err error) {
	err = d.named(ctx, ids, &left, func(id string, i Item) error {
		text := "dropped: " + why
		if d.Dry {
			text = "would be " + text
		}
		return d.tell(id, i, text, d.settle(ctx, i, deadletter.Dropped, why), &left)
	})
	return left, err
}

func (d *Desk) named(ctx context.Context, ids []string, left *int, do func(id string, i Item) error) error {
	for _, id := range ids {
		i, err := d.Find(ctx, id)
		if err == nil && i.State != deadletter.Open {
			err = fault.New(fault.Conflict, "it is settled already: "+string(i.State))
		}
		if err == nil {
			err = do(id, i)
		} else {
			err = d.tell(id, i, "", err, left)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// retry does what a letter's way is, and says what was done.
func (d *Desk) retry(ctx context.Context, i Item, mended []byte) (string, error) {
	way, err := WayOf(i.Letter, d.Views.Names(), mended != nil)
	if err != nil {
		return "", err
	}
	if way == ByView {
		if d.Dry {
			return "would be applied again to " + i.View, nil
		}
		refused, err := d.Views.Again(ctx, i.Letter)
		if err == nil && refused != "" {
			err = fault.New(fault.Invalid, "not taken: "+refused)
		}
		return i.View + " has it now", err
	}
	record, what, err := d.record(ctx, i.Letter, mended)
	if err != nil {
		return "", err
	}
	if d.Dry {
		return what + " would be written to " + d.Imports.Place(record.Key), nil
	}
	place, err := d.Imports.Put(ctx, record)
	return what + " was written to " + place, err
}

// record is what imports are given for a letter: its own bytes, or a mended command
// under the key that this one names. Where it was written for is left out: imports
// are written for nowhere.
func (d *Desk) record(ctx context.Context, l deadletter.Letter, mended []byte) (r command.Record, what string, err error) {
	if mended != nil {
		application := ApplicationOf(mended)
		if application == "" {
			return r, "", fault.New(fault.Invalid, "the mended value names no application")
		}
		return command.Record{Key: []byte(application), Value: mended}, "the mended value", nil
	}
	if l.Truncated {
		if l, err = d.Topic.Whole(ctx, l); err != nil {
			return r, "", err
		}
	}
	r.Key, r.Value = l.Key, l.Value
	for _, h := range l.Headers {
		key := h.Key
		if h.KeyBytes != nil {
			key = string(h.KeyBytes)
		}
		if key != command.HeaderAt {
			r.Headers = append(r.Headers, command.Header{Key: key, Value: h.Value})
		}
	}
	return r, "it", nil
}

func (d *Desk) settle(ctx context.Context, i Item, state deadletter.State, why string) error {
	if d.Dry {
		return nil
	}
	return d.Settler.Settle(ctx, i.ID, deadletter.Settlement{Letter: i.Name(), State: state, Why: why, By: d.By})
}

// tell passes on what has become of a letter. What is only about this letter leaves
// it as it was; every other error ends the work.
func (d *Desk) tell(id string, i Item, text string, err error, left *int) error {
	o := Outcome{ID: id, Done: err == nil, Text: text}
	if i.View != "" {
		o.Name = i.Name()
	}
	if err != nil {
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Invalid && f.Kind != fault.NotFound && f.Kind != fault.Conflict {
			return fmt.Errorf("letter %s: %w", id, err)
		}
		o.Text = f.Public
		*left++
	}
	d.Tell(o)
	return nil
}

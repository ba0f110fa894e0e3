package verify

import (
	"context"
	"fmt"
	"time"

	"chatlog/shared/command"
	"chatlog/shared/fault"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/view"
)

// Log is the log as it is audited.
type Log interface {
	Fetch(ctx context.Context, partition int32, offset int64, maxWait time.Duration) (kafkaconn.Page, error)
	Bounds(ctx context.Context, partition int32) (kafkaconn.Bounds, error)
}

// View is a view that is audited and, if wanted, mended.
type View interface {
	Name() string
	Progress(ctx context.Context, partition int32) (view.Progress, error)
	Look(ctx context.Context, partition int32, c view.Changes) (Found, error)
	Apply(ctx context.Context, b view.Batch) ([]view.Rejection, error)
	// Tables are what the view keeps, those that refer to others first.
	Tables() []Table
	// Scan lists a table, page by page.
	Scan(ctx context.Context, t Table, visit func([]Item) error) error
	// Correct makes items that still are as they were listed what the log says,
	// and removes those that it does not know.
	Correct(ctx context.Context, t *truth, wrong []Item) error
}

// Audit compares views with the log.
type Audit struct {
	Log         Log
	Views       []View
	PartitionOf func(key []byte) int32
	Repair      bool
	Patience    time.Duration                // that views have to come to the log's end
	Settle      time.Duration                // that the log's end may be told too early, after a change of leaders
	Tell        func(Difference)             // hears of each difference
	Passed      func(p int32, at, end int64) // hears how far it is
	Listed      func(view string, items int) // hears how much of a view was listed
	// Sums are what was found to be from the log, by view. An audit that is
	// resumed without those of the run before looks at all items one by one.
	Sums map[string]Sums

	passed map[int32]passed
}

// passed is what is known of a partition that was passed.
type passed struct {
	log  command.Log
	ends []int64 // up to where each view was compared
}

func (a *Audit) sums(v View) Sums {
	if len(a.Sums[v.Name()]) != sumsLength {
		if a.Sums == nil {
			a.Sums = map[string]Sums{}
		}
		a.Sums[v.Name()] = NewSums()
	}
	return a.Sums[v.Name()]
}

// most is how many commands are compared at once: it bounds the memory.
const most = 500

// Partition audits one partition from an offset on, up to the log's end as of
// now. An audit that was broken off is resumed at the offset that it had passed
// last.
func (a *Audit) Partition(ctx context.Context, p int32, from int64) error {
	bounds, err := a.Log.Bounds(ctx, p)
	if err != nil {
		return err
	}
	if bounds.Start > 0 {
		return fmt.Errorf("partition %d: the log does not start at its beginning but at offset %d", p, bounds.Start)
	}
	log, err := a.open(ctx, p, bounds.End)
	if err != nil {
		return err
	}
	for _, v := range a.Views {
		if err := a.belongs(ctx, v, p, log); err != nil {
			return err
		}
	}
	ends, err := a.caughtUp(ctx, p, bounds.End)
	if err != nil {
		return err
	}
	if a.passed == nil {
		a.passed = map[int32]passed{}
	}
	a.passed[p] = passed{log, ends}
	var entries []view.Entry
	for at := from; at < bounds.End; {
		page, err := a.Log.Fetch(ctx, p, at, time.Second)
		if err != nil {
			return err
		}
		for i := range page.Records {
			if r := &page.Records[i]; r.Offset < bounds.End {
				if reading := command.Read(log, r); reading.Verdict == command.Counts && reading.Command.Op != command.LogOpen {
					entries = append(entries, view.Entry{Offset: r.Offset, Command: reading.Command})
				}
			}
			if len(entries) == most {
				if entries, err = a.compare(ctx, p, log, entries, ends); err != nil {
					return err
				}
			}
		}
		at = page.Next
		if entries, err = a.compare(ctx, p, log, entries, ends); err != nil {
			return err
		}
		a.Passed(p, min(at, bounds.End), bounds.End)
	}
	return nil
}

// open finds the partition's log.open, wherever the audit begins.
func (a *Audit) open(ctx context.Context, p int32, end int64) (command.Log, error) {
	log := command.Log{Partition: p, PartitionOf: a.PartitionOf}
	for at := int64(0); at < end; {
		page, err := a.Log.Fetch(ctx, p, at, time.Second)
		if err != nil {
			return log, err
		}
		for i := range page.Records {
			if reading := command.Read(log, &page.Records[i]); reading.Verdict == command.Counts {
				log.ID, log.Generation = reading.Command.Log, reading.Command.Generation
				return log, nil
			}
		}
		at = page.Next
	}
	return log, nil
}

// caughtUp waits until the views have come to the log's end, and gives how far
// each of them is to be compared.
func (a *Audit) caughtUp(ctx context.Context, p int32, end int64) ([]int64, error) {
	ends := make([]int64, len(a.Views))
	for i, v := range a.Views {
		next, err := a.reach(ctx, v, p, end)
		if err != nil {
			return nil, err
		}
		if ends[i] = min(next, end); next < end {
			a.Tell(Difference{View: v.Name(), Kind: Lagging, Partition: p, Offset: next, What: fmt.Sprintf("partition %d", p),
				Detail: fmt.Sprintf("at offset %d, the log ends at %d", next, end)})
		}
	}
	return ends, nil
}

// reach waits until a view has come to an offset, as long as patience lasts,
// and gives how far it has come.
func (a *Audit) reach(ctx context.Context, v View, p int32, end int64) (int64, error) {
	for deadline := time.Now().Add(a.Patience); ; {
		progress, err := v.Progress(ctx, p)
		if err != nil || progress.Next >= end || time.Now().After(deadline) {
			return progress.Next, err
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// compare compares a run of commands with all views and gives an empty run.
func (a *Audit) compare(ctx context.Context, p int32, log command.Log, entries []view.Entry, ends []int64) ([]view.Entry, error) {
	for i, v := range a.Views {
		seen := entries
		for len(seen) > 0 && seen[len(seen)-1].Offset >= ends[i] {
			seen = seen[:len(seen)-1]
		}
		if len(seen) == 0 {
			continue
		}
		changes := view.Fold(log.Generation, seen)
		found, err := v.Look(ctx, p, changes)
		if err != nil {
			return nil, err
		}
		differences := compare(changes, found)
		if len(differences) > 0 && a.Repair {
			if differences, found, err = a.mend(ctx, v, p, log, seen, changes, differences); err != nil {
				return nil, err
			}
		}
		a.sums(v).confirm(changes, found)
		if err := a.tell(ctx, v, p, differences); err != nil {
			return nil, err
		}
	}
	return entries[:0], nil
}

// tell passes differences on, but for a message that is back at a version which
// is not from the log: that is told of, and mended, when extras are.
func (a *Audit) tell(ctx context.Context, v View, p int32, differences []Difference) error {
	for _, d := range differences {
		if d.undone != nil {
			suspects, err := a.suspects(ctx, p, []Item{*d.undone})
			if err != nil {
				return err
			}
			if len(suspects) > 0 {
				continue
			}
		}
		d.View, d.Partition = v.Name(), p
		a.Tell(d)
	}
	return nil
}

// mend applies a run again, which puts right what is missing, stale or altered
// and touches nothing else, and looks once more.
func (a *Audit) mend(ctx context.Context, v View, p int32, log command.Log, entries []view.Entry, c view.Changes, before []Difference) ([]Difference, Found, error) {
	last := entries[len(entries)-1]
	batch := view.Batch{From: entries[0].Offset, Entries: entries, To: view.Progress{Partition: p, Log: log.ID, Generation: log.Generation,
		Next: last.Offset + 1, LastOffset: last.Offset, LastID: last.Command.ID}}
	if _, err := v.Apply(ctx, batch); err != nil && !fault.Is(err, fault.Invalid) {
		return nil, Found{}, err // what can never be stored is in dead letters, and stays a difference
	}
	found, err := v.Look(ctx, p, c)
	if err != nil {
		return nil, Found{}, err
	}
	left := map[string]bool{}
	for _, d := range compare(c, found) {
		left[d.What] = true
	}
	for i := range before {
		before[i].Mended = !left[before[i].What]
	}
	return before, found, nil
}

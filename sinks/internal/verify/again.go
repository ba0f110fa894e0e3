package verify

import (
	"context"
	"fmt"
	"time"

	"chatlog/shared/command"
	"chatlog/shared/fault"
	"chatlog/shared/position"
	"chatlog/shared/view"
)

// At is where a command lies in the log.
type At struct {
	Log       position.LogID
	Partition int32
	Offset    int64
}

// Again applies one command that a view has not taken to it once more, guarded by
// versions, so that nothing later is undone and the view's progress stays where it is.
// refused says, for people, why the view does not have it now; an error that nothing
// could be found out or the view is of another log.
func (a *Audit) Again(ctx context.Context, v View, at At) (refused string, err error) {
	bounds, err := a.Log.Bounds(ctx, at.Partition)
	if err != nil {
		return "", err
	}
	log, err := a.open(ctx, at.Partition, bounds.End)
	switch {
	case err != nil:
		return "", err
	case log.ID != at.Log:
		return fmt.Sprintf("it is of log %s, and this is log %s", at.Log, log.ID), nil
	case at.Offset >= bounds.End:
		return fmt.Sprintf("the log ends at offset %d", bounds.End), nil
	}
	entry, refused, err := a.counting(ctx, log, at)
	if refused != "" || err != nil {
		return refused, err
	}
	if err := a.belongs(ctx, v, at.Partition, log); err != nil {
		return "", err
	}
	if next, err := a.reach(ctx, v, at.Partition, at.Offset+1); err != nil || next <= at.Offset {
		return fmt.Sprintf("%s has come to offset %d yet: its sink will try it", v.Name(), next), err
	}
	return a.applied(ctx, v, at.Partition, log, entry)
}

// counting reads the command at a place, or says why there is none.
func (a *Audit) counting(ctx context.Context, log command.Log, at At) (e view.Entry, refused string, err error) {
	for {
		page, err := a.Log.Fetch(ctx, at.Partition, at.Offset, time.Second)
		switch {
		case err != nil:
			return e, "", err
		case page.Next == at.Offset: // a busy broker may have nothing to say for a moment
			continue
		case page.Records[0].Offset != at.Offset:
			return e, "no record lies there", nil
		}
		reading := command.Read(log, &page.Records[0])
		if reading.Verdict != command.Counts || reading.Command.Op == command.LogOpen {
			return e, "its record is no command that counts: " + reading.Reason, nil
		}
		return view.Entry{Offset: at.Offset, Command: reading.Command}, "", nil
	}
}

// applied applies one command and looks whether the view has what it says.
func (a *Audit) applied(ctx context.Context, v View, p int32, log command.Log, e view.Entry) (refused string, err error) {
	batch := view.Batch{From: e.Offset, Entries: []view.Entry{e}, To: view.Progress{Partition: p, Log: log.ID, Generation: log.Generation,
		Next: e.Offset + 1, LastOffset: e.Offset, LastID: e.Command.ID}}
	rejections, err := v.Apply(ctx, batch)
	switch {
	case fault.Is(err, fault.Invalid):
		return err.Error(), nil
	case err != nil:
		return "", err
	case len(rejections) > 0:
		return rejections[0].Reason, nil
	}
	changes := view.Fold(log.Generation, batch.Entries)
	found, err := v.Look(ctx, p, changes)
	if err != nil {
		return "", err
	}
	for _, d := range compare(changes, found) {
		return fmt.Sprintf("%s does not have it: %s: %s: %s", v.Name(), d.Kind, d.What, d.Detail), nil
	}
	return "", nil
}

package verify

import (
	"context"
	"fmt"
	"time"

	"chatlog/shared/command"
	"chatlog/shared/position"
	"chatlog/shared/view"
)

// belongs makes sure that a view was built from this very log: against another
// one everything in it would be extra, and be removed.
func (a *Audit) belongs(ctx context.Context, v View, p int32, log command.Log) error {
	progress, err := v.Progress(ctx, p)
	if err != nil || progress.Next == 0 {
		return err
	}
	end, err := a.endBeyond(ctx, p, []Item{{Version: progress.Next - 1}})
	if err != nil {
		return err
	}
	if end < progress.Next || progress.Log != "" && progress.Log != log.ID {
		return fmt.Errorf("%w: %s has come to offset %d of log %q, this log is %q and ends at %d", view.ErrOtherLog,
			v.Name(), progress.Next, progress.Log, log.ID, end)
	}
	if progress.LastOffset < 0 {
		return nil
	}
	for {
		page, err := a.Log.Fetch(ctx, p, progress.LastOffset, time.Second)
		switch {
		case err != nil:
			return err
		case len(page.Records) == 0 && page.Next == progress.LastOffset: // a busy broker may have nothing to say for a moment
			continue
		case len(page.Records) == 0 || !last(&page.Records[0], progress):
			return fmt.Errorf("%w: at offset %d the log does not hold command %s, which %s has come to", view.ErrOtherLog,
				progress.LastOffset, progress.LastID, v.Name())
		}
		return nil
	}
}

// last reports whether a record is the last one that counted for a progress.
func last(r *command.Record, p view.Progress) bool {
	header, present := r.At()
	at, err := position.ParseAt(header)
	if !present || err != nil || r.Offset != p.LastOffset || at != (position.At{Log: p.Log, Offset: r.Offset}) {
		return false
	}
	c, err := command.Decode(r.Value)
	return err == nil && c.ID == p.LastID
}

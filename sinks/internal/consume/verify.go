package consume

import (
	"context"
	"errors"

	"chatlog/shared/command"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/position"
	"chatlog/shared/view"
)

// verify makes sure that the log is the one that the view was built from: it
// reaches as far, and the last record that counted for the view is still where
// it was.
func (w *worker) verify(ctx context.Context, p view.Progress) error {
	bounds, err := w.log.Bounds(ctx, w.partition)
	if err != nil {
		return err
	}
	if bounds.Start > 0 || bounds.End < p.Next {
		return w.short(bounds.Start, bounds.End, p.Next)
	}
	if p.LastOffset < 0 {
		w.status.long()
		return nil
	}
	page, err := w.log.Fetch(ctx, w.partition, p.LastOffset, idleWait)
	var out *kafkaconn.OutOfRangeError
	if errors.As(err, &out) {
		return w.short(out.Start, out.End, p.LastOffset+1)
	}
	if err != nil {
		return err
	}
	if len(page.Records) == 0 { // a busy broker may have nothing to say for a moment
		return w.short(bounds.Start, page.Next, p.LastOffset+1)
	}
	if !same(&page.Records[0], p) {
		return stopped("partition %d: at offset %d the log does not hold command %s of log %s, which the view %s was built from: "+
			"the topic was cut and has grown again, or is another one; %s", w.partition, p.LastOffset, p.LastID, p.Log, w.view.Name(), howToRebuild)
	}
	w.status.long()
	return nil
}

// same reports whether a record is the last one that counted for a progress.
func same(r *command.Record, p view.Progress) bool {
	header, present := r.At()
	if !present || r.Offset != p.LastOffset {
		return false
	}
	at, err := position.ParseAt(header)
	if err != nil || at.Log != p.Log || at.Offset != r.Offset {
		return false
	}
	c, err := command.Decode(r.Value)
	return err == nil && c.ID == p.LastID
}

// opened reports whether the log was opened before an offset that the view has
// seen. log.open is the first record, or follows a few that are not ours.
func (w *worker) opened(ctx context.Context, before int64) (bool, error) {
	log := command.Log{Partition: w.partition, PartitionOf: w.partitionOf}
	for from := int64(0); from < before; {
		page, err := w.log.Fetch(ctx, w.partition, from, idleWait)
		if err != nil {
			return false, w.outOfRange(err)
		}
		if page.Next == from { // a busy broker may have nothing to say for a moment
			return false, w.short(page.LogStart, page.Next, before)
		}
		for i := range page.Records {
			if r := &page.Records[i]; r.Offset < before && command.Read(log, r).Verdict == command.Counts {
				return true, nil
			}
		}
		from = page.Next
	}
	return false, nil
}

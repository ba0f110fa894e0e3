package verify

import (
	"cmp"
	"context"
	"slices"
	"time"

	"chatlog/shared/command"
	"chatlog/shared/view"
)

const (
	// mostDoubtful is how many items are compared with the log at once.
	mostDoubtful = 100_000
	// mostSuspects is how many of them are kept with what the log says of them,
	// which may be 64 KiB each.
	mostSuspects = 2000
)

// Extras looks the other way, after all partitions were passed: for what the
// views have and the log does not, and for versions and counts that are greater
// than the log's.
//
// A version names the one command that an item is from. All items that the
// passes found at their command's version are in Sums; so are, if all is well,
// all that a view lists with a version that was passed. Where the sums differ
// (something was changed since, or is not right), and for versions that lie
// beyond, the command is looked up in the log, which never changes: an item is
// suspected only if it is not from there, and told of only if the log, as of a
// moment after the item was listed, says less.
func (a *Audit) Extras(ctx context.Context) error {
	for n, v := range a.Views {
		doubtful, err := a.doubts(ctx, n, v)
		if err != nil {
			return err
		}
		if doubtful == nil {
			continue
		}
		for _, table := range v.Tables() {
			var items []Item
			err := v.Scan(ctx, table, func(page []Item) error {
				for _, i := range page {
					if doubtful(i) {
						items = append(items, i)
					}
				}
				if len(items) < mostDoubtful {
					return nil
				}
				full := items
				items = nil
				return a.settle(ctx, v, full)
			})
			if err != nil {
				return err
			}
			if err := a.settle(ctx, v, items); err != nil {
				return err
			}
		}
	}
	return nil
}

// doubts lists a whole view and tells which items have to be looked at; nil:
// none.
func (a *Audit) doubts(ctx context.Context, n int, v View) (func(Item) bool, error) {
	passed := func(i Item) bool {
		p := a.passed[a.PartitionOf([]byte(i.Application))]
		return i.from(p.log) && i.offset() < p.ends[n]
	}
	seen, confirmed, listed, doubt := NewSums(), a.sums(v), 0, false
	for _, table := range v.Tables() {
		err := v.Scan(ctx, table, func(page []Item) error {
			for _, i := range page {
				if passed(i) && !i.Stray {
					seen.add(i)
				}
				doubt = doubt || i.Bare || i.Stray || !passed(i)
			}
			listed += len(page)
			a.Listed(v.Name(), listed)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if !doubt && slices.Equal(seen, confirmed) {
		return nil, nil
	}
	return func(i Item) bool {
		at := seen.of(i.Key)
		return i.Bare || i.Stray || !passed(i) || seen[at] != confirmed[at]
	}, nil
}

// settle tells, and mends if wanted, which items are not from the log.
func (a *Audit) settle(ctx context.Context, v View, items []Item) error {
	byPartition := map[int32][]Item{}
	for _, i := range items {
		p := a.PartitionOf([]byte(i.Application))
		byPartition[p] = append(byPartition[p], i)
	}
	for p, list := range byPartition {
		suspects, err := a.suspects(ctx, p, list)
		if err != nil {
			return err
		}
		for some := range slices.Chunk(suspects, mostSuspects) {
			if err := a.resolve(ctx, v, p, some); err != nil {
				return err
			}
		}
	}
	return nil
}

// suspects gives the items of a partition that are not from the command that
// their versions name. The log is read in order, and only where items point to.
func (a *Audit) suspects(ctx context.Context, p int32, items []Item) (all []Item, err error) {
	log := a.passed[p].log
	var pointing []Item
	for _, i := range items {
		if i.Bare || i.Stray || !i.from(log) {
			all = append(all, i)
		} else {
			pointing = append(pointing, i)
		}
	}
	slices.SortFunc(pointing, func(x, y Item) int { return cmp.Compare(x.offset(), y.offset()) })
	end, err := a.endBeyond(ctx, p, pointing)
	if err != nil {
		return nil, err
	}
	for len(pointing) > 0 && pointing[0].offset() < end {
		page, err := a.Log.Fetch(ctx, p, pointing[0].offset(), time.Second)
		if err != nil {
			return nil, err
		}
		made := map[int64][]Key{}
		for i := range page.Records {
			if reading := command.Read(log, &page.Records[i]); reading.Verdict == command.Counts {
				made[page.Records[i].Offset] = makes(&reading.Command)
			}
		}
		for len(pointing) > 0 && pointing[0].offset() < min(page.Next, end) {
			if !slices.Contains(made[pointing[0].offset()], pointing[0].Key) {
				all = append(all, pointing[0])
			}
			pointing = pointing[1:]
		}
	}
	return append(all, pointing...), nil
}

// endBeyond gives the log's end. A new leader may know of an earlier one for a
// moment, so an end that does not lie beyond all items is asked for again.
func (a *Audit) endBeyond(ctx context.Context, p int32, sorted []Item) (end int64, err error) {
	for deadline := time.Now().Add(a.Settle); ; {
		bounds, err := a.Log.Bounds(ctx, p)
		if err != nil || len(sorted) == 0 || sorted[len(sorted)-1].offset() < bounds.End || time.Now().After(deadline) {
			return bounds.End, err
		}
		select {
		case <-time.After(a.Settle / 4):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
}

// resolve compares suspects with what the log says of them.
func (a *Audit) resolve(ctx context.Context, v View, p int32, suspects []Item) error {
	t := newTruth(a.Log, a.passed[p].log, p, suspects)
	if err := t.end(ctx); err != nil {
		return err
	}
	want := t.want()
	var differences []Difference
	var wrong []Item
	for _, i := range suspects {
		if kind, detail := judgeExtra(i, want); kind != "" {
			wrong = append(wrong, i)
			differences = append(differences, Difference{View: v.Name(), Kind: kind, Partition: p, Offset: i.offset(), What: i.String(), Detail: detail})
		}
	}
	if len(wrong) > 0 && a.Repair {
		mended, err := a.correct(ctx, v, t, wrong)
		if err != nil {
			return err
		}
		for i := range mended {
			differences[i].Mended = mended[i]
		}
	}
	for _, d := range differences {
		a.Tell(d)
	}
	return nil
}

// correct makes items what the log says and looks once more. The view has to
// have come as far as the log was read: what is beyond is the sink's to apply,
// not ours to know.
func (a *Audit) correct(ctx context.Context, v View, t *truth, wrong []Item) (mended []bool, err error) {
	mended = make([]bool, len(wrong))
	if next, err := a.reach(ctx, v, t.partition, t.at); err != nil || next < t.at {
		return mended, err
	}
	for some := range slices.Chunk(wrong, most) {
		if err := v.Correct(ctx, t, some); err != nil {
			return mended, err
		}
	}
	var keys view.Changes
	for _, i := range wrong {
		i.key(&keys)
	}
	found, err := v.Look(ctx, t.partition, keys)
	if err != nil {
		return mended, err
	}
	if err := t.end(ctx); err != nil {
		return mended, err
	}
	want := t.want()
	for n, i := range wrong {
		got, there := found.item(i.Key)
		_, known := want.item(i.Key)
		if kind, _ := judgeExtra(got, want); i.Stray || !there && !known || there && kind == "" {
			mended[n] = true
		}
	}
	return mended, nil
}

// key adds an item's key to those of changes.
func (i Item) key(c *view.Changes) {
	switch i.Table {
	case Keyed:
		c.Keyed = append(c.Keyed, view.KeyedCommand{ID: i.ID})
	case Messages:
		c.Messages = append(c.Messages, view.Message{Application: i.Application, Chat: i.Chat, Number: i.Number})
	case Chats:
		c.Chats = append(c.Chats, view.Chat{Application: i.Application, Number: i.Chat})
	case Applications:
		c.Applications = append(c.Applications, view.Application{Token: i.Application})
	}
}

package reindex

import (
	"context"
	"errors"

	"chatlog/shared/searchview/elastic"
	"chatlog/shared/view"
)

// shown is how many differences are told; the rest is counted.
const shown = 100

// compare tells whether the next index has what the one that is searched has.
func (r *Run) compare(ctx context.Context, crew Crew, f elastic.Family) error {
	if err := r.caughtUp(ctx, crew, f.Current); err != nil {
		return err
	}
	var count Count
	err := r.patiently(ctx, func() (err error) {
		count, err = r.count(ctx)
		return err
	})
	if err != nil {
		return err
	}
	r.Tell("%d messages in %s, %d in %s, %d records came meanwhile", count.Old, f.Current, count.New, f.Next, count.Moved)
	keys, wrong, err := r.sampled(ctx, crew, f.Next)
	if err != nil {
		return err
	}
	for _, d := range wrong[:min(len(wrong), shown)] {
		r.Tell("%s", d)
	}
	r.Tell("%d messages compared (seed %d), %d differ", keys, r.Seed, len(wrong))
	if !count.agrees() || len(wrong) > 0 {
		return ErrDiffer
	}
	return nil
}

// caughtUp waits for the sinks for a while: the more the index lacks that they
// fill, the less its count says. They may be stopped, too.
func (r *Run) caughtUp(ctx context.Context, crew Crew, name string) error {
	err := r.toEnd(ctx, r.Current, crew, name, r.Patience)
	if errors.Is(err, errStill) {
		r.Tell("the sinks have not come to the log's end: %s has not moved for %s", name, r.Patience)
		return nil
	}
	return err
}

// looks is how often counts that do not agree are taken again.
const looks = 3

// count counts both indices as of nearly the same moment.
func (r *Run) count(ctx context.Context) (c Count, err error) {
	for look := 1; ; look++ {
		if c, err = r.countOnce(ctx); err != nil || c.agrees() || look == looks {
			return c, err
		}
		if err := sleep(ctx, again); err != nil {
			return c, err
		}
	}
}

func (r *Run) countOnce(ctx context.Context) (c Count, err error) {
	var at [2]map[int32]view.Progress
	for i, x := range []Index{r.Current, r.Next} { // what they have before the refresh is counted
		if at[i], err = x.Progresses(ctx); err != nil {
			return c, err
		}
	}
	var counted [2]int64
	for i, x := range []Index{r.Current, r.Next} {
		if err := x.Refresh(ctx); err != nil {
			return c, err
		}
		if counted[i], err = x.Count(ctx); err != nil {
			return c, err
		}
	}
	c.Old, c.New = counted[0], counted[1]
	ends, err := r.ends(ctx)
	c.Moved = moved(at[0], at[1], ends)
	return c, err
}

// sampled compares messages that chance has chosen from the index that is
// searched. They are read there first, and in the next one once it has come to the
// log's end as of then: what is older there is not on its way, but missing.
func (r *Run) sampled(ctx context.Context, crew Crew, name string) (keys int, wrong []Difference, err error) {
	var chosen []view.MessageKey
	var old, next map[view.MessageKey]view.Message
	err = r.patiently(ctx, func() (err error) {
		if chosen, err = r.Current.Sample(ctx, r.Seed, r.Sample); err == nil {
			old, err = r.Current.Messages(ctx, chosen)
		}
		return err
	})
	if err != nil {
		return 0, nil, err
	}
	if err := r.fill(ctx, crew, name); err != nil {
		return 0, nil, err
	}
	err = r.patiently(ctx, func() (err error) {
		next, err = r.Next.Messages(ctx, chosen)
		return err
	})
	return len(old), differences(chosen, old, next), err
}

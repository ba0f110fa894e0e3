// Package reindex builds a new search index beside the one that is searched, and
// puts it in its place.
package reindex

import (
	"context"
	"errors"
	"fmt"
	"time"

	"chatlog/shared/kafkaconn"
	"chatlog/shared/searchview/elastic"
	"chatlog/shared/view"
)

// Indices are the index behind the alias and those beside it.
type Indices interface {
	Family(ctx context.Context) (elastic.Family, error)
	Begin(ctx context.Context, name string) error
	Swap(ctx context.Context, f elastic.Family) error
}

// Index is one of them as it is compared.
type Index interface {
	Progresses(ctx context.Context) (map[int32]view.Progress, error)
	Refresh(ctx context.Context) error
	Messages(ctx context.Context, keys []view.MessageKey) (map[view.MessageKey]view.Message, error)
	Count(ctx context.Context) (int64, error)
	Sample(ctx context.Context, seed int32, size int) ([]view.MessageKey, error)
}

// Log tells how long the log is.
type Log interface {
	Bounds(ctx context.Context, partition int32) (kafkaconn.Bounds, error)
}

// Crew is workers that fill an index.
type Crew interface {
	Err() error // why they cannot go on
	Stop()
}

// Run is one run, which goes on where the last one was broken off.
type Run struct {
	Indices    Indices
	Current    Index // whatever is behind the alias
	Next       Index // that is being built
	Log        Log
	Partitions int32
	FillNext   func(ctx context.Context) Crew
	FillRest   func(ctx context.Context) Crew // of the index behind the alias
	Sample     int                            // how many messages are compared
	Seed       int32                          // which ones
	Patience   time.Duration                  // with an index that others fill, and that does not move
	Dry        bool                           // stop before the swap
	Tell       func(format string, args ...any)
	Passed     func(index string, done, all int64) // hears how far it is
}

// ErrDiffer says that the new index does not have what the old one has.
var ErrDiffer = errors.New("the indices differ, and the old one stays: if it is the old one that is wrong, `sinks verify --repair` " +
	"mends it, and `sinks reindex` goes on")

const (
	poll  = 200 * time.Millisecond // between two looks at how far an index is
	again = time.Second            // until what failed is tried again
	tries = 10
)

// Do builds the next index, compares it with the one that is searched, and puts it
// in its place.
func (r *Run) Do(ctx context.Context) error {
	f, err := r.begin(ctx)
	if err != nil {
		return err
	}
	if err := r.build(ctx, f); err != nil {
		return err
	}
	if r.Dry {
		r.Tell("%s could take the place of %s; `sinks reindex` goes on from here", f.Next, f.Current)
		return nil
	}
	if err := r.swap(ctx, f); err != nil {
		return err
	}
	r.Tell("%s has taken the place of %s, which is kept until `sinks reindex --drop-old`", f.Next, f.Current)
	r.rest(ctx, f.Next)
	return nil
}

// begin finds the index that is being built, or makes one.
func (r *Run) begin(ctx context.Context) (f elastic.Family, err error) {
	if f, err = r.Indices.Family(ctx); err != nil {
		return f, err
	}
	fresh, err := plan(f)
	if err != nil {
		return f, err
	}
	if fresh {
		return r.make(ctx, f)
	}
	at, err := r.Next.Progresses(ctx)
	if err != nil {
		return f, err
	}
	ends, err := r.ends(ctx)
	if err != nil {
		return f, err
	}
	done, all := total(at, ends)
	r.Tell("going on with %s, which has %d of %d records", f.Next, done, all)
	return f, nil
}

// make makes the next index.
func (r *Run) make(ctx context.Context, f elastic.Family) (elastic.Family, error) {
	if err := r.Indices.Begin(ctx, f.Free); err != nil {
		return f, err
	}
	f, err := r.Indices.Family(ctx)
	if err == nil && f.Next == "" {
		err = errors.New("the index that was just made is gone")
	}
	if err == nil {
		r.Tell("%s is made, to take the place of %s", f.Next, f.Current)
	}
	return f, err
}

// build fills the next index and compares it, while its workers go on. They have
// ended when it returns, and what they have brought can be searched.
func (r *Run) build(ctx context.Context, f elastic.Family) error {
	crew := r.FillNext(ctx)
	defer crew.Stop()
	began := time.Now()
	if err := r.fill(ctx, crew, f.Next); err != nil {
		return err
	}
	r.Tell("%s is at the log's end after %s", f.Next, time.Since(began).Round(time.Millisecond))
	if err := r.compare(ctx, crew, f); err != nil {
		return err
	}
	// Comparing took its time. Who waits for a write must not wait for that.
	if err := r.fill(ctx, crew, f.Next); err != nil {
		return err
	}
	crew.Stop()
	return r.patiently(ctx, func() error { return r.Next.Refresh(ctx) })
}

// fill waits until the next index has come to the log's end as of now.
func (r *Run) fill(ctx context.Context, crew Crew, name string) error {
	return r.toEnd(ctx, r.Next, crew, name, 0)
}

// toEnd waits until an index has come to the log's end as of now, see await.
func (r *Run) toEnd(ctx context.Context, x Index, crew Crew, name string, patience time.Duration) error {
	var ends map[int32]int64
	err := r.patiently(ctx, func() (err error) {
		ends, err = r.ends(ctx)
		return err
	})
	if err != nil {
		return err
	}
	return r.await(ctx, x, ends, crew, name, patience)
}

// await waits until an index has come to ends: as long as it takes, or, with
// patience, as long as it moves. That it cannot be asked for a while is no reason to
// give up what may have taken hours.
func (r *Run) await(ctx context.Context, x Index, ends map[int32]int64, crew Crew, name string, patience time.Duration) error {
	furthest, moved := int64(-1), time.Now()
	for {
		if err := crew.Err(); err != nil {
			return err
		}
		at, err := x.Progresses(ctx)
		if err == nil {
			done, all := total(at, ends)
			if r.Passed(name, done, all); done == all {
				return nil
			}
			if done > furthest {
				furthest, moved = done, time.Now()
			}
		}
		if patience > 0 && time.Since(moved) >= patience {
			return errStill
		}
		if err := sleep(ctx, poll); err != nil {
			return err
		}
	}
}

var errStill = errors.New("it does not move")

// swap puts the next index in the other one's place, and looks whether it is there:
// an answer may be lost.
func (r *Run) swap(ctx context.Context, f elastic.Family) error {
	failed := r.Indices.Swap(ctx, f)
	var now elastic.Family
	err := r.patiently(context.WithoutCancel(ctx), func() (err error) {
		now, err = r.Indices.Family(context.WithoutCancel(ctx))
		return err
	})
	if err == nil && now.Current != f.Next {
		err = fmt.Errorf("%s has not taken the place of %s, which may have been replaced by another one", f.Next, f.Current)
	}
	if err != nil {
		return errors.Join(err, failed)
	}
	return nil
}

// rest brings what was written since the workers ended into the index that is
// searched now. The sinks do, too, but one that has nothing to do looks seldom, and
// a reader with a token waits for it.
func (r *Run) rest(ctx context.Context, name string) {
	crew := r.FillRest(ctx)
	defer crew.Stop()
	ends, err := r.ends(ctx)
	if err == nil {
		err = r.await(ctx, r.Current, ends, crew, name, r.Patience)
	}
	if err != nil {
		r.Tell("the sinks bring the rest into it: %v", err)
	}
}

// ends lists the log's ends as of now.
func (r *Run) ends(ctx context.Context) (map[int32]int64, error) {
	ends := map[int32]int64{}
	for p := range r.Partitions {
		b, err := r.Log.Bounds(ctx, p)
		if err != nil {
			return nil, err
		}
		ends[p] = b.End
	}
	return ends, nil
}

// patiently tries again what may only have failed for a moment.
func (r *Run) patiently(ctx context.Context, do func() error) error {
	for try := 1; ; try++ {
		err := do()
		if err == nil || try == tries {
			return err
		}
		if err := sleep(ctx, again); err != nil {
			return err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

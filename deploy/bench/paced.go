package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// paced is an open load: an operation begins when its time has come, whatever
// became of those before, and its duration counts from that time. A service
// that stands still is not asked less meanwhile (coordinated omission).
type paced struct {
	rate    float64 // operations per second
	workers int     // that may be under way at once
	one     func(context.Context, *rand.Rand) error
}

// times are how long operations took.
type times []time.Duration

// share gives the duration that this share of operations did not exceed.
func (t times) share(of float64) time.Duration {
	if len(t) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(t))
	return sorted[min(len(sorted)-1, int(of*float64(len(sorted))))]
}

// run keeps the pace for a time. It fails with the first operation that fails.
func (p paced) run(ctx context.Context, d time.Duration) (all times, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	took := make([]times, p.workers)
	began := time.Now()
	var group sync.WaitGroup
	for i := range p.workers {
		group.Go(func() {
			r := rand.New(rand.NewPCG(2, uint64(i)))
			for {
				due := time.Duration(float64(next.Add(1)-1) / p.rate * float64(time.Second))
				if due >= d || !waitUntil(ctx, began.Add(due)) {
					return
				}
				if err := p.one(ctx, r); err != nil {
					cancel(err)
					return
				}
				took[i] = append(took[i], time.Since(began.Add(due)))
			}
		})
	}
	group.Wait()
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) {
		return nil, err
	}
	return slices.Concat(took...), ctx.Err()
}

// waitUntil reports whether the time has come before ctx ended.
func waitUntil(ctx context.Context, t time.Time) bool {
	timer := time.NewTimer(time.Until(t))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

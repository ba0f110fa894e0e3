package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"chatlog/deploy/chaos/faults"
	"chatlog/deploy/chaos/history"
	"chatlog/deploy/chaos/world"
	"chatlog/deploy/system"
	"chatlog/shared/retry"
)

// leaseWait is how long leases may take to be where they belong.
const leaseWait = 30 * time.Second

// takeOvers ends one ingest after the other, by kill -9 and gracefully, and
// measures until the others hold all partitions, and until they take writes to
// all of them. The clock begins with the kill, or with the end of the stop.
func (c *campaign) takeOvers(ctx context.Context, times int) error {
	for _, graceful := range []bool{false, true} {
		name := "kill -9 of ingest"
		if graceful {
			name = "graceful stop of ingest"
		}
		var leased, written []time.Duration
		for i := range times {
			l, w, err := c.takeOver(ctx, name, c.world.Ingests[i%len(c.world.Ingests)], graceful)
			if err != nil {
				return err
			}
			leased, written = append(leased, l), append(written, w)
		}
		fmt.Fprintf(c.out, "%s, %d times: all partitions leased after %s (half) / %s (slowest); writes to all of them through each other instance after %s / %s\n",
			name, times, half(leased), slices.Max(leased).Round(time.Millisecond), half(written), slices.Max(written).Round(time.Millisecond))
	}
	return nil
}

func half(all []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(all))
	return sorted[len(sorted)/2].Round(time.Millisecond)
}

func (c *campaign) takeOver(ctx context.Context, name string, p *system.Program, graceful bool) (leased, written time.Duration, err error) {
	if err := world.Eventually(ctx, leaseWait, c.leased); err != nil {
		return 0, 0, err
	}
	retry.Wait(ctx, quiet)
	var disturbs []history.Kind
	if !graceful {
		disturbs = faults.Writes
	}
	at := c.open(history.Window{Fault: name, Lane: string(faults.Log), Detail: p.Name, Disturbs: disturbs, Begin: c.recorder.Now()})
	if graceful {
		err = p.Stop(20 * time.Second)
	} else {
		err = p.Kill()
	}
	began := time.Now()
	writes := make(chan error, 1)
	go func() {
		e := world.Eventually(ctx, leaseWait, c.world.Writable)
		written = time.Since(began)
		writes <- e
	}()
	err = errors.Join(err, world.Eventually(ctx, leaseWait, c.leased))
	leased = time.Since(began)
	err = errors.Join(err, <-writes)
	undone := c.recorder.Now()
	err = errors.Join(err, p.Start(), c.world.Ready(ctx))
	c.close(at, func(w *history.Window) { w.Undone, w.Settled = undone, c.recorder.Now() })
	return leased, written, err
}

// leased wants all partitions held by the instances that run.
func (c *campaign) leased(ctx context.Context) error {
	held := 0.0
	for i, p := range c.world.Ingests {
		if !p.Running() {
			continue
		}
		n, err := c.world.Writers()[i].Metric(ctx, "chatlog_partition_leased")
		if err != nil {
			return err
		}
		held += n
	}
	if held != 12 {
		return fmt.Errorf("%v of 12 partitions are leased", held)
	}
	return nil
}

package main

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"chatlog/deploy/chaos/faults"
	"chatlog/deploy/chaos/history"
	"chatlog/deploy/chaos/load"
	"chatlog/deploy/chaos/world"
	"chatlog/shared/progress"
	"chatlog/shared/retry"
)

// campaign breaks a world under load, round after round.
type campaign struct {
	world    *world.World
	load     *load.Load
	recorder *history.Recorder
	faults   []faults.Fault
	seed     uint64
	only     *regexp.Regexp
	length   time.Duration // no round begins after it
	apart    int           // so many first rounds break one thing at a time
	outage   time.Duration // of Redis, once; 0: like any other
	out      io.Writer
	far      *progress.Progress

	settling sync.Mutex // one fault after the other is found to be over
	mutex    sync.Mutex
	windows  []history.Window
	rounds   int
}

// quiet is how long nothing is broken in a lane between two faults: rates
// before and after a fault are taken in it.
const quiet = 2 * time.Second

// settleTime is how long everything may take to be well again by itself.
const settleTime = 90 * time.Second

// run goes on until the time is over. Every round is a whole one, so that every
// fault has its turn.
func (c *campaign) run(ctx context.Context) {
	began := time.Now()
	for c.rounds = 0; ctx.Err() == nil && (c.rounds == 0 || time.Since(began) < c.length); c.rounds++ {
		seed := roundSeed(c.seed, c.rounds)
		c.far.Tell(c.out, "round %d, seed %d", c.rounds+1, seed)
		over, all := atomic.Int64{}, c.planned(seed)
		c.far.Passed(fmt.Sprintf("round %d", c.rounds+1), 0, all)
		var group sync.WaitGroup
		for _, lane := range faults.Lanes {
			do := func() {
				for _, s := range plan(seed, lane, c.faults, c.only) {
					if c.outage > 0 && c.rounds == 0 && s.fault.Name == "Redis down" {
						s.hold = c.outage
					}
					c.turn(ctx, s)
					c.far.Passed(fmt.Sprintf("round %d", c.rounds+1), over.Add(1), all)
				}
			}
			if c.rounds < c.apart {
				do()
			} else {
				group.Go(do)
			}
		}
		group.Wait()
	}
}

// planned is how many faults a round has.
func (c *campaign) planned(seed uint64) (all int64) {
	for _, lane := range faults.Lanes {
		all += int64(len(plan(seed, lane, c.faults, c.only)))
	}
	return all
}

// turn carries out one fault and waits until all is well again.
func (c *campaign) turn(ctx context.Context, s step) {
	retry.Wait(ctx, quiet)
	if ctx.Err() != nil {
		return
	}
	at := c.open(history.Window{Fault: s.fault.Name, Lane: string(s.fault.Lane), Round: c.rounds + 1, Seed: s.seed, Disturbs: s.fault.Disturbs,
		Begin: c.recorder.Now()})
	t := faults.NewTurn(c.world, rand.New(rand.NewPCG(s.seed, 0)), s.hold, func(on bool) { c.load.Forced.Store(on) })
	if s.fault.Lane == faults.Log {
		c.world.KafkaFaults.Add(1)
		defer c.world.KafkaFaults.Add(-1)
	}
	err := s.fault.Run(ctx, t)
	undone := c.recorder.Now()
	waited := ""
	if err == nil {
		err = world.Eventually(ctx, settleTime, func(ctx context.Context) error {
			c.settling.Lock()
			defer c.settling.Unlock()
			err := c.well(ctx, at)
			if err == nil {
				c.close(at, func(w *history.Window) { w.Undone, w.Settled = undone, c.recorder.Now() })
			} else {
				waited = err.Error()
			}
			return err
		})
	}
	w := c.close(at, func(w *history.Window) {
		w.Detail = t.Note()
		if err != nil {
			w.Undone, w.Settled, w.Problem = undone, c.recorder.Now(), err.Error()
		}
	})
	if w.Settled-w.Undone < int64(8*time.Second) {
		waited = ""
	}
	waited = strings.ReplaceAll(waited, "\n", " ")
	c.far.Tell(c.out, "%7.1f s  %-48s on for %5.1f s, well %5.1f s later  %s %.600s %.300s", float64(w.Begin)/1e9, w.Fault,
		float64(w.Undone-w.Begin)/1e9, float64(w.Settled-w.Undone)/1e9, w.Detail, w.Problem, waited)
}

// well tries what a fault may have disturbed. What a fault that is on still may
// disturb as well is left to it: whichever of them ends last tries it all.
func (c *campaign) well(ctx context.Context, at int) error {
	left := map[history.Kind]bool{}
	c.mutex.Lock()
	for _, kind := range c.windows[at].Disturbs {
		left[kind] = true
	}
	for i, other := range c.windows {
		if i != at && other.Settled == 0 {
			for _, kind := range other.Disturbs {
				delete(left, kind)
			}
		}
	}
	c.mutex.Unlock()
	if left[history.CreateMessage] || left[history.GetMessage] || left[history.Search] { // reads are of what was just written
		if err := c.world.Writable(ctx); err != nil && left[history.CreateMessage] {
			return err
		}
	}
	if left[history.GetMessage] {
		if err := c.world.Readable(ctx); err != nil {
			return err
		}
	}
	if left[history.Search] {
		return c.world.Searchable(ctx)
	}
	return nil
}

func (c *campaign) open(w history.Window) int {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.windows = append(c.windows, w)
	return len(c.windows) - 1
}

func (c *campaign) close(at int, do func(*history.Window)) history.Window {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	do(&c.windows[at])
	return c.windows[at]
}

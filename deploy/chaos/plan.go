package main

import (
	"math/rand/v2"
	"regexp"
	"time"

	"chatlog/deploy/chaos/faults"
)

// step is one fault at its place in the plan.
type step struct {
	fault faults.Fault
	hold  time.Duration
	seed  uint64
}

// Bounds of how long a fault is held.
const (
	holdLeast = 1500 * time.Millisecond
	holdMost  = 5 * time.Second
)

// plan gives a round's faults of one lane: each once, in an order and for times
// that the round's seed decides, and nothing else.
func plan(seed uint64, lane faults.Lane, list []faults.Fault, only *regexp.Regexp) []step {
	r := rand.New(rand.NewPCG(seed, uint64(len(lane))))
	var steps []step
	for _, f := range list {
		s := step{f, holdLeast + time.Duration(r.Int64N(int64(holdMost-holdLeast))), r.Uint64()}
		if f.Lane == lane && only.MatchString(f.Name) {
			steps = append(steps, s)
		}
	}
	r.Shuffle(len(steps), func(i, j int) { steps[i], steps[j] = steps[j], steps[i] })
	return steps
}

// roundSeed is the seed of a round of a campaign.
func roundSeed(campaign uint64, round int) uint64 {
	return rand.New(rand.NewPCG(campaign, uint64(round))).Uint64()
}

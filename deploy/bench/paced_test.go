package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"
)

// A service that stands still for half a second is seen by everybody who would
// have asked meanwhile, not by one.
func TestPacedCountsFromWhenItWasDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		p := paced{rate: 100, workers: 4, one: func(context.Context, *rand.Rand) error {
			if at := time.Since(began); at >= time.Second && at < 1500*time.Millisecond {
				time.Sleep(1500*time.Millisecond - at)
			}
			return nil
		}}
		all, err := p.run(t.Context(), 2*time.Second)
		if err != nil || len(all) != 200 {
			t.Fatalf("%d operations, %v", len(all), err)
		}
		slow := 0
		for _, d := range all {
			if d > 10*time.Millisecond {
				slow++
			}
		}
		if slow < 48 || slow > 50 || all.share(1) != 500*time.Millisecond || all.share(.5) > time.Millisecond {
			t.Errorf("%d were slow, the slowest %s, half within %s", slow, all.share(1), all.share(.5))
		}
	})
}

func TestPacedFails(t *testing.T) {
	broken := errors.New("broken")
	p := paced{rate: 1000, workers: 4, one: func(context.Context, *rand.Rand) error { return broken }}
	if _, err := p.run(t.Context(), time.Minute); !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
}

package consume

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"chatlog/shared/deadletter"
	"chatlog/shared/position"
)

// letterBox counts letters.
type letterBox struct{ count int }

func (b *letterBox) Write(_ context.Context, _ position.LogID, letters []deadletter.Refused) error {
	b.count += len(letters)
	return nil
}

func held(committed int64) (h *holding, cancelled *atomic.Bool) {
	cancelled = new(atomic.Bool)
	h = newHolding(3, committed, func() { cancelled.Store(true) })
	close(h.ended)
	return h, cancelled
}

func TestAHoldingOutlivesItsGeneration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var commits []int64
		commit := func(next int64) error { commits = append(commits, next); return nil }
		h, cancelled := held(-1)
		if !h.give(-1, commit) {
			t.Fatal("not given at first")
		}
		h.progressed(5)
		h.progressed(6) // within a second
		h.lapse(lingerTime)
		h.progressed(9) // nobody takes a commit now
		time.Sleep(lingerTime - time.Second)
		if len(commits) != 2 || commits[0] != 5 || commits[1] != 6 {
			t.Errorf("committed %v", commits)
		}
		if cancelled.Load() || !h.give(6, commit) {
			t.Fatal("given up before its time")
		}
		time.Sleep(time.Hour)
		if cancelled.Load() {
			t.Error("given up although it was given again")
		}
		h.progressed(10)
		if commits[len(commits)-1] != 10 {
			t.Errorf("committed %v", commits)
		}
	})
}

func TestAHoldingThatNobodyGivesEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, cancelled := held(7)
		h.give(7, func(int64) error { return nil })
		h.lapse(lingerTime)
		time.Sleep(lingerTime + time.Second)
		if !cancelled.Load() || h.give(7, func(int64) error { return nil }) {
			t.Error("works on without a generation")
		}
	})
}

func TestAHoldingDoesNotFitAnotherOffset(t *testing.T) {
	lost := errors.New("lost")
	h, _ := held(4)
	h.give(4, func(int64) error { return lost })
	h.progressed(8)
	h.lapse(time.Hour)
	defer h.stop()
	for offset, fits := range map[int64]bool{0: false, 5: false, 9: false} {
		if h.give(offset, nil) != fits {
			t.Errorf("offset %d: %v", offset, !fits)
		}
	}
	if !h.give(8, func(int64) error { return nil }) { // the answer was lost, not the commit
		t.Error("8 does not fit")
	}
}

// Between two generations somebody else may have been given the partition, and
// tell the same letters.
func TestLettersWaitForAGeneration(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, _ := held(0)
		box := &letterBox{}
		g := given{box, h}
		done := make(chan error, 1)
		write := func() { done <- g.Write(t.Context(), "log", make([]deadletter.Refused, 2)) }
		go write()
		synctest.Wait()
		if box.count != 0 {
			t.Fatal("told before the partition was given")
		}
		h.give(0, func(int64) error { return nil })
		if err := <-done; err != nil || box.count != 2 {
			t.Fatal(box.count, err)
		}
		h.lapse(time.Hour)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := g.Write(ctx, "log", make([]deadletter.Refused, 2)); err == nil || box.count != 2 {
			t.Error("told although the partition is not given")
		}
		h.stop()
	})
}

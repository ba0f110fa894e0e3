package consume

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"chatlog/shared/fault"
	"chatlog/shared/view"
)

var (
	errDown = fault.New(fault.Transient, "down")
	errData = fault.Wrap(fault.Invalid, "cannot be stored", errors.New("the store's own words"))
)

// refuseTexts makes a store that takes a batch whole or, because of one text
// in it, not at all.
func refuseTexts(text string) func(context.Context, view.Batch) ([]view.Rejection, error) {
	return func(_ context.Context, b view.Batch) ([]view.Rejection, error) {
		for _, e := range b.Entries {
			if e.Command.Message == text {
				return nil, errData
			}
		}
		return nil, nil
	}
}

// rejectTexts makes a store that names what it cannot take and, as long as
// there is any, does not move its progress.
func rejectTexts(text string) func(context.Context, view.Batch) ([]view.Rejection, error) {
	return func(_ context.Context, b view.Batch) (out []view.Rejection, err error) {
		for _, e := range b.Entries {
			if e.Command.Message == text {
				out = append(out, view.Rejection{Offset: e.Offset, Reason: "the store's own words"})
			}
		}
		return out, nil
	}
}

func TestABadRecordIsFound(t *testing.T) {
	for name, store := range map[string]func(string) func(context.Context, view.Batch) ([]view.Rejection, error){
		"bisected": refuseTexts, "rejected": rejectTexts} {
		for _, bad := range [][]int64{nil, {1}, {4}, {8}, {3, 4}, {1, 8}, {2, 5, 7}, numbers(1, 9)} {
			t.Run(fmt.Sprint(name, " ", bad), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					records := append(conversation(9), misplaced(9))
					for _, at := range bad {
						records[at] = said(at, "bad")
					}
					s := newStand(t, nowhere(), records...)
					s.view.refuse = store("bad")
					defer s.run(-1)()
					s.within(time.Minute, "the view is at the end", s.reaches(10))
					pass(time.Minute)
					s.found(bad, numbers(1, 9))
				})
			})
		}
	}
}

// found checks that the bad records, and only they, became dead letters, each
// of them before the view moved past it.
func (s *stand) found(bad, all []int64) {
	s.Helper()
	good := slices.DeleteFunc(all, func(at int64) bool { return slices.Contains(bad, at) })
	if got := s.view.kept(); !slices.Equal(got, good) {
		s.Errorf("rows %v, want %v", got, good)
	}
	var offsets []int64
	for _, l := range s.letters.all() {
		offsets = append(offsets, l.Record.Offset)
		if l.Class != "rejected" || !strings.Contains(l.Reason, "the store's own words") || string(l.Record.Key) != app {
			s.Errorf("letter %+v", l)
		}
	}
	if !slices.Equal(offsets, bad) {
		s.Errorf("letters of %v, want %v", offsets, bad)
	}
	told := map[int64]bool{}
	for _, line := range s.journal.all() {
		var from, to, at int64
		if _, err := fmt.Sscanf(line, "letter "+string(ours)+"/%d", &at); err == nil {
			told[at] = true
		} else if _, err := fmt.Sscanf(line, "apply %d-%d", &from, &to); err == nil {
			for _, at := range bad {
				if from <= at && at < to && !told[at] {
					s.Errorf("the view moved from %d to %d before the letter of %d was written", from, to, at)
				}
			}
		}
	}
}

// Halving a thousand times over one bad record must not cost a thousand calls.
func TestBisectingIsCheap(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		records := conversation(1025)
		records[300] = said(300, "bad")
		s := newStand(t, nowhere(), records...)
		s.worker.limits.Records = 1024
		calls, refuse := 0, refuseTexts("bad")
		s.view.refuse = func(ctx context.Context, b view.Batch) ([]view.Rejection, error) {
			calls++
			return refuse(ctx, b)
		}
		defer s.run(-1)()
		s.within(time.Minute, "the view is at the end", s.reaches(1025))
		s.found([]int64{300}, numbers(1, 1025))
		if calls > 22 { // 11 on the way down, 10 other halves, and the bad one without itself
			t.Errorf("%d calls", calls)
		}
	})
}

// A letter that cannot be written must not let the record behind it through.
func TestABadRecordWaitsForItsLetter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		records := conversation(5)
		records[3] = said(3, "bad")
		s := newStand(t, upTo(2), records...)
		s.view.refuse = refuseTexts("bad")
		down := true
		s.letters.fail = func() error {
			if down {
				return errDown
			}
			return nil
		}
		defer s.run(-1)()
		pass(10 * time.Minute)
		if at := s.view.progress(); at != upTo(3) {
			t.Errorf("before the letter the view is at %+v", at)
		}
		s.letters.mutex.Lock()
		down = false
		s.letters.mutex.Unlock()
		s.within(time.Minute, "the view is at the end", s.reaches(5))
		s.found([]int64{3}, numbers(2, 5))
	})
}

// Whatever part is away, and however long, the worker goes on when it is back:
// nothing is lost, nothing becomes a letter, and the sink says meanwhile that
// it stands still.
func TestTransientErrorsAreTriedForEver(t *testing.T) {
	for _, call := range []string{"prepare", "progress", "bounds", "fetch", "apply"} {
		t.Run(call, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStand(t, upTo(2), conversation(9)...)
				back := time.Now().Add(3 * time.Hour)
				var tries atomic.Int64
				fail := func(asked string) error {
					if asked == call && time.Now().Before(back) {
						tries.Add(1)
						return fmt.Errorf("the part: %w", errDown)
					}
					return nil
				}
				s.view.fail, s.log.fail = fail, fail
				defer s.run(-1)()
				pass(2 * time.Hour)
				if s.view.progress() != upTo(2) || s.halted() != nil {
					t.Errorf("meanwhile the view is at %+v, halted %v", s.view.progress(), s.halted())
				}
				if err := s.status.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "[0] make no progress") {
					t.Errorf("meanwhile the check says %v", err)
				}
				if n := tries.Load(); n < 2*60*60/10 || n > 2*60*60*2 { // not too seldom, and not as fast as it can
					t.Errorf("%d tries in two hours", n)
				}
				pass(time.Hour)
				s.within(10*time.Second, "the view is at the end", s.reaches(9))
				s.found(nil, numbers(2, 9))
				if err := s.status.Check(t.Context()); err != nil {
					t.Errorf("afterwards the check says %v", err)
				}
			})
		})
	}
}

package consume

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"chatlog/shared/view"
)

// What is committed is in the view: whoever reads on from the committed offset
// must not step over what the view never took.
func TestNothingIsCommittedThatTheViewDoesNotHave(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, nowhere(), conversation(20)...)
		s.worker.limits.Records = 3
		down := true
		s.view.refuse = func(context.Context, view.Batch) ([]view.Rejection, error) {
			s.mutex.Lock()
			defer s.mutex.Unlock()
			if down {
				return nil, errDown
			}
			return nil, nil
		}
		var early []int64
		tell := s.worker.commit
		s.worker.commit = func(next int64) {
			if next > s.view.progress().Next {
				early = append(early, next)
			}
			tell(next)
		}
		end := s.run(-1)
		pass(10 * time.Minute)
		s.mutex.Lock()
		if len(s.commits) > 0 {
			t.Errorf("while the view takes nothing, %v are committed", s.commits)
		}
		down = false
		s.mutex.Unlock()
		s.within(time.Minute, "the view is at the end", s.reaches(20))
		s.log.append(said(20, "more"))
		s.within(time.Minute, "the view is at the end", s.reaches(21))
		end()
		if len(early) > 0 {
			t.Errorf("committed before the view had them: %v", early)
		}
		if !slices.IsSorted(s.commits) || s.commits[len(s.commits)-1] != 21 {
			t.Errorf("commits %v", s.commits)
		}
	})
}

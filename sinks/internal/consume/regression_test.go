package consume

import (
	"context"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"chatlog/shared/kafkaconn"
)

func TestAFailureDoesNotReplayWhatWasTakenLongAgo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, nowhere(), conversation(5)...)
		defer s.run(0)()
		s.within(time.Second, "the view is at the end", s.reaches(5))
		s.log.append(conversation(500)[5:]...)
		s.within(time.Second, "the view is at the end", s.reaches(500))
		pass(time.Hour)
		once := true
		s.log.change(func() {
			s.log.fail = func(string) error {
				if once {
					once = false
					return errDown
				}
				return nil
			}
		})
		before := len(s.journal.all())
		pass(time.Minute)
		if got := s.journal.all()[before:]; len(got) > 0 {
			t.Errorf("after one failed fetch it did %q again", got)
		}
	})
}

func TestPatienceIsWholeAgainBeforeAnythingCounts(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		full := append(conversation(0)[:0], unmarked(0), unmarked(1), unmarked(2))
		s := newStand(t, next(nowhere(), 3), full[:2]...)
		defer s.run(-1)()
		pass(time.Second)
		s.log.change(func() { s.log.records = full })
		pass(time.Hour)
		s.log.change(func() { s.log.records = full[:2] })
		pass(2 * time.Second)
		s.log.change(func() { s.log.records = full })
		pass(time.Minute)
		if s.halted() != nil {
			t.Errorf("stopped: %v", s.halted())
		}
	})
}

func TestALetterHasOneNameWheneverItsLogWasOpened(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, nowhere(), unmarked(0))
		defer s.run(-1)()
		s.within(time.Second, "taken", s.reaches(1))
		s.log.append(opened(1), said(2, "a"))
		s.within(time.Second, "taken", s.reaches(3))
		s.view.set(nowhere())
		s.within(time.Minute, "rebuilt", s.reaches(3))
		if told := names(s); len(told) != 1 {
			t.Errorf("told as %v", told)
		}
	})
}

// A replay begins at an offset that was committed before the log was opened.
func TestALetterHasOneNameWhereverAReplayBegins(t *testing.T) {
	for committed := int64(0); committed <= 5; committed++ {
		synctest.Test(t, func(t *testing.T) {
			s := newStand(t, nowhere(), unmarked(0), unmarked(1), unmarked(2), opened(3), said(4, "a"), unmarked(5))
			end := s.run(-1)
			s.within(time.Second, "taken", s.reaches(6))
			end()
			told := names(s)
			end = s.run(committed)
			pass(time.Minute)
			end()
			if again := names(s); len(told) != 4 || !maps.Equal(told, again) {
				t.Errorf("replayed from %d, told as %v, and then as %v", committed, told, again)
			}
			if s.halted() != nil {
				t.Errorf("replayed from %d, stopped: %v", committed, s.halted())
			}
		})
	}
}

// names is what letters were told as.
func names(s *stand) map[string]bool {
	out := map[string]bool{}
	for _, l := range s.journal.all() {
		if strings.HasPrefix(l, "letter") {
			out[l] = true
		}
	}
	return out
}

type lagging struct {
	*fakeLog
	times int
}

func (l *lagging) Fetch(ctx context.Context, p int32, offset int64, maxWait time.Duration) (kafkaconn.Page, error) {
	if l.times > 0 {
		l.times--
		return kafkaconn.Page{Next: offset, HighWatermark: 3}, nil
	}
	return l.fakeLog.Fetch(ctx, p, offset, maxWait)
}

func TestAnEmptyPageIsNoProof(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, upTo(5), conversation(8)...)
		s.worker.log = &lagging{fakeLog: s.log, times: 1}
		defer s.run(-1)()
		pass(time.Minute)
		if s.halted() != nil {
			t.Errorf("stopped: %v", s.halted())
		}
	})
}

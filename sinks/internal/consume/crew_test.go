package consume

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

func (s *stand) crew() *Crew {
	sink := Sink{View: s.view, Log: s.log, Letters: func(int32) Letters { return s.letters }, Limits: plenty, PartitionOf: here}
	status := NewStatus("fake", Metrics(prometheus.NewRegistry()), time.Now)
	return StartCrew(s.Context(), sink, 1, status, slog.New(slog.DiscardHandler))
}

// A crew fills a view from its own progress, goes on with what comes, and does
// nothing more once it is stopped.
func TestACrewFillsAView(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, nowhere(), conversation(3)...)
		c := s.crew()
		s.within(time.Second, "all is in the view", s.reaches(3))
		s.log.append(said(3, "later"))
		s.within(time.Second, "what came is, too", s.reaches(4))
		c.Stop()
		s.log.append(said(4, "too late"))
		pass(time.Minute)
		if at := s.view.progress().Next; at != 4 || c.Err() != nil {
			t.Errorf("at %d after it was stopped, %v", at, c.Err())
		}
		again := s.crew()
		s.within(time.Second, "another crew goes on", s.reaches(5))
		again.Stop()
		if done := s.journal.all(); done[len(done)-1] != "apply 4-5" {
			t.Errorf("it did not go on where the first one was: %q", done)
		}
	})
}

// What cannot pass ends in an error that can be asked for.
func TestACrewThatCannotGoOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, nowhere(), conversation(2)...)
		s.view.fail = func(string) error { return errors.New("gone") }
		c := s.crew()
		defer c.Stop()
		s.within(time.Second, "the error is told", func() bool { return c.Err() != nil })
		if !strings.Contains(c.Err().Error(), "gone") {
			t.Error(c.Err())
		}
	})
}

// Another view takes the place of the one that an idle worker, or a busy one, has
// brought to the log's end, and is a little behind. Nothing is missing after.
func TestAViewThatIsReplaced(t *testing.T) {
	for name, busy := range map[string]bool{"idle": false, "busy": true} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStand(t, nowhere(), conversation(4)...)
				defer s.run(-1)()
				s.within(time.Second, "the log's end", s.reaches(4))
				s.view.set(upTo(2))
				end := int64(4)
				if busy {
					s.log.append(said(4, "later"))
					end = 5
				}
				s.within(lookEvery+2*time.Second, "the log's end again", s.reaches(end))
				if kept := fmt.Sprint(s.view.kept()); kept != map[bool]string{false: "[1 2 3]", true: "[1 2 3 4]"}[busy] {
					t.Errorf("kept %v", kept)
				}
				if n := gauges(t, s.metrics)["chatlog_sink_set_back_total"]; n != 1 {
					t.Errorf("set back %v times", n)
				}
			})
		})
	}
}

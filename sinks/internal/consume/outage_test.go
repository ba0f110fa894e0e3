package consume

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// A leader's end that lags twice, with an outage between, is no cut log.
func TestTwoShortMomentsStopNobody(t *testing.T) {
	halts := 0
	for range 20 {
		synctest.Test(t, func(t *testing.T) {
			full := conversation(8)
			s := newStand(t, upTo(8), full...)
			var down bool
			s.log.fail = func(string) error {
				if down {
					return errDown
				}
				return nil
			}
			s.log.change(func() { s.log.records = full[:7] })
			defer s.run(-1)()
			synctest.Wait()                      // a leader's end lags for a moment
			s.log.change(func() { down = true }) // and then it is away for a while
			pass(8 * time.Second)
			s.log.change(func() { down = false }) // back: lags again for 2 s
			pass(2 * time.Second)
			s.log.change(func() { s.log.records = full })
			pass(time.Hour)
			if s.halted() != nil {
				halts++
			}
		})
	}
	if halts > 0 {
		t.Errorf("%d of 20 stopped for good", halts)
	}
}

// A process that is in no generation of its group reads nothing: it must say so.
func TestAGroupThatCannotBeJoinedIsNotHealthy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, nowhere(), conversation(3)...)
		st := NewStatus("other", s.status.metrics, time.Now)
		g := NewGroup(GroupConfig{ID: "g", Brokers: []string{"127.0.0.1:1"}, Topic: "t", Ready: func(context.Context) error { return errDown }},
			Sink{View: s.view, Log: s.log, Letters: func(int32) Letters { return s.letters }, Limits: plenty, PartitionOf: here}, st, s.worker.logger)
		g.Start(t.Context())
		defer g.Stop(context.Background())
		time.Sleep(time.Hour)
		if st.Check(context.Background()) == nil {
			t.Error("for an hour the group could not be joined, and the sink is healthy")
		}
	})
}

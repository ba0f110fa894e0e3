package ratelimit

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// store is a Redis that answers, fails, or hangs until its time is up.
type store struct {
	asked atomic.Int64
	fails atomic.Bool
	hangs bool
}

func (s *store) decide(ctx context.Context, _ []Charge) (Verdict, error) {
	s.asked.Add(1)
	if s.hangs {
		<-ctx.Done()
		return Verdict{}, ctx.Err()
	}
	if s.fails.Load() {
		return Verdict{}, errors.New("away")
	}
	return Verdict{Refused: -1}, nil
}

// value reads a counter.
func value(t *testing.T, c prometheus.Collector) float64 {
	t.Helper()
	r := prometheus.NewRegistry()
	r.MustRegister(c)
	families, err := r.Gather()
	if err != nil || len(families) != 1 {
		t.Fatal(families, err)
	}
	return families[0].GetMetric()[0].GetCounter().GetValue()
}

// clocked is a limiter whose clock stands until it is put on.
func clocked(s *store) (l *limiter, pass func(time.Duration)) {
	var now atomic.Int64
	began := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)
	clock := func() time.Time { return began.Add(time.Duration(now.Load())) }
	l = &limiter{shared: s, local: newMemory(clock), timeout: 20 * time.Millisecond, now: clock, began: began, logger: slog.New(slog.DiscardHandler),
		alone: prometheus.NewCounter(prometheus.CounterOpts{Name: "alone"})}
	return l, func(d time.Duration) { now.Add(int64(d)) }
}

var two = []Charge{{Writes, "k", Limit{time.Hour, 2}, Take}}

func TestWithoutRedisEachCountsAlone(t *testing.T) {
	s := &store{}
	l, pass := clocked(s)
	for range 5 {
		if v := l.decide(t.Context(), two); v.Refused >= 0 {
			t.Fatal(v)
		}
	}
	s.fails.Store(true)
	for i, want := range []int{-1, -1, 0, 0} { // the limit holds here, too
		if v := l.decide(t.Context(), two); v.Refused != want {
			t.Errorf("%d without Redis: %+v", i, v)
		}
	}
	if n := s.asked.Load(); n != 6 {
		t.Errorf("asked %d times: after a failure Redis is left alone for a while", n)
	}
	pass(pause)
	s.fails.Store(false)
	for range 2 {
		if v := l.decide(t.Context(), two); v.Refused >= 0 {
			t.Errorf("Redis is back: %+v", v)
		}
	}
	if n, alone := s.asked.Load(), value(t, l.alone); n != 8 || alone != 4 {
		t.Errorf("asked %d times, counted alone %v times", n, alone)
	}
}

// A Redis that hangs is waited for by one at a time, and for its timeout only.
func TestOneAtATimeTriesRedis(t *testing.T) {
	s := &store{hangs: true}
	l, pass := clocked(s)
	l.decide(t.Context(), two)
	pass(pause)
	var group sync.WaitGroup
	for range 50 {
		group.Go(func() { l.decide(t.Context(), two) })
	}
	group.Wait()
	if n := s.asked.Load(); n != 2 {
		t.Errorf("asked %d times", n)
	}
}

// slow is a Redis of which the first answer takes until it is let out.
type slow struct {
	store
	first      atomic.Bool
	begun, out chan struct{}
}

func (s *slow) decide(ctx context.Context, charges []Charge) (Verdict, error) {
	if s.first.CompareAndSwap(false, true) {
		close(s.begun)
		<-s.out
		return Verdict{Refused: -1}, nil
	}
	return s.store.decide(ctx, charges)
}

// An answer to what was asked before Redis has failed does not end the pause.
func TestALateAnswerEndsNoPause(t *testing.T) {
	s := &slow{begun: make(chan struct{}), out: make(chan struct{})}
	s.fails.Store(true)
	l, pass := clocked(nil)
	l.shared = s
	var group sync.WaitGroup
	group.Go(func() { l.decide(t.Context(), two) })
	<-s.begun
	l.decide(t.Context(), two) // fails
	close(s.out)
	group.Wait()
	for range 3 {
		l.decide(t.Context(), two)
	}
	if n := s.asked.Load(); n != 1 {
		t.Errorf("asked %d times beside the late answer", n)
	}
	pass(pause)
	s.fails.Store(false)
	for range 3 {
		l.decide(t.Context(), two)
	}
	if n := s.asked.Load(); n != 4 {
		t.Errorf("asked %d times: the answer to the one that tries ends the pause", n)
	}
}

// A client that has gone away does not make Redis look away.
func TestAClientThatIsGone(t *testing.T) {
	s := &store{}
	l, _ := clocked(s)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	l.decide(gone, two)
	if value(t, l.alone) != 0 {
		t.Error("counted alone")
	}
}

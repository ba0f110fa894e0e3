package freshness

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// lookup counts its runs and answers each with the moment when it began.
type lookup struct {
	clock   atomic.Int64 // one tick for everything that happens
	runs    atomic.Int64
	now     atomic.Int64
	overlap atomic.Bool
	takes   func() time.Duration
	err     error
}

func (l *lookup) run(ctx context.Context, _ string) (int64, error) {
	began := l.clock.Add(1)
	l.runs.Add(1)
	if l.now.Add(1) > 1 {
		l.overlap.Store(true)
	}
	defer l.now.Add(-1)
	if l.takes != nil {
		select {
		case <-time.After(l.takes()):
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	return began, l.err
}

func lasting(d time.Duration) func() time.Duration { return func() time.Duration { return d } }

func TestSharedAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lookup{takes: lasting(time.Second)}
		s := NewShared(l.run)
		for n := range int64(3) {
			if got, err := s.Do(t.Context(), "a"); err != nil || got != n+1 {
				t.Errorf("call %d: %d, %v", n, got, err)
			}
		}
		l.err = errors.New("down")
		if _, err := s.Do(t.Context(), "a"); err != l.err {
			t.Errorf("got %v", err)
		}
		l.err = nil // an error is kept for nobody
		if _, err := s.Do(t.Context(), "a"); err != nil || l.runs.Load() != 5 {
			t.Errorf("got %v after %d runs", err, l.runs.Load())
		}
		synctest.Wait()
		if len(s.keys) > 0 {
			t.Errorf("%d keys are kept although nobody asks", len(s.keys))
		}
	})
}

// Those who come during a lookup must not be served by it, because it may have
// looked before what they want to see; all of them share the next one.
func TestSharedServesNobodyWhoCameLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lookup{takes: lasting(time.Second)}
		s := NewShared(l.run)
		var callers sync.WaitGroup
		ask := func(count int, want int64, takes time.Duration) {
			for range count {
				callers.Go(func() {
					from := time.Now()
					got, err := s.Do(t.Context(), "a")
					if took := time.Since(from); err != nil || got != want || took != takes {
						t.Errorf("got %d, %v after %v, want %d after %v", got, err, took, want, takes)
					}
				})
			}
			synctest.Wait()
		}
		ask(1, 1, time.Second)
		ask(50, 2, 2*time.Second)
		time.Sleep(900 * time.Millisecond)
		ask(50, 2, 1100*time.Millisecond)
		time.Sleep(900 * time.Millisecond) // now the second one is under way
		ask(50, 3, 1200*time.Millisecond)
		callers.Wait()
		if l.runs.Load() != 3 || l.overlap.Load() {
			t.Errorf("%d runs for 151 callers, two at once %v", l.runs.Load(), l.overlap.Load())
		}
	})
}

// Whoever comes whenever: what he gets began after he asked, no two lookups run
// at once, and nobody waits for more than two.
func TestSharedUnderRandomArrivals(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, 2))
			const longest = 10 * time.Millisecond
			l := &lookup{takes: func() time.Duration { return time.Duration(rand.Int64N(int64(longest))) }}
			s := NewShared(l.run)
			var callers sync.WaitGroup
			for range 500 {
				time.Sleep(time.Duration(random.Int64N(int64(2 * time.Millisecond))))
				callers.Go(func() {
					asked, from := l.clock.Add(1), time.Now()
					began, err := s.Do(t.Context(), "a")
					if took := time.Since(from); err != nil || began <= asked || took > 2*longest {
						t.Errorf("asked at %d, served by what began at %d, %v after %v", asked, began, err, took)
					}
				})
			}
			callers.Wait()
			if l.overlap.Load() || l.runs.Load() > 300 {
				t.Errorf("%d runs, two at once %v", l.runs.Load(), l.overlap.Load())
			}
		})
	}
}

func TestSharedCancellationHurtsNobody(t *testing.T) {
	for _, c := range []struct {
		name string
		gone int // which of three callers: the one being served, or one of the two who wait
	}{{"the one that is being served", 0}, {"the first that waits", 1}, {"the last that waits", 2}} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &lookup{takes: lasting(time.Second)}
				s := NewShared(l.run)
				var callers sync.WaitGroup
				var leave [3]context.CancelFunc
				for i := range 3 {
					ctx, cancel := context.WithCancel(t.Context())
					leave[i] = cancel
					defer cancel()
					callers.Go(func() {
						from := time.Now()
						_, err := s.Do(ctx, "a")
						switch took := time.Since(from); {
						case i == c.gone && (!errors.Is(err, context.Canceled) || took != 300*time.Millisecond):
							t.Errorf("caller %d went away with %v after %v", i, err, took)
						case i != c.gone && (err != nil || took != time.Duration(1+min(i, 1))*time.Second):
							t.Errorf("caller %d, who stayed, got %v after %v", i, err, took)
						}
					})
					synctest.Wait()
				}
				time.Sleep(300 * time.Millisecond)
				leave[c.gone]()
				callers.Wait()
			})
		})
	}
}

// A lookup whose callers have all gone away comes to its end, and leaves
// nothing behind.
func TestSharedWithoutAnybodyLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &lookup{takes: lasting(time.Second)}
		s := NewShared(l.run)
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
		defer cancel()
		if _, err := s.Do(ctx, "a"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if l.runs.Load() != 1 || len(s.keys) > 0 {
			t.Errorf("%d runs, %d keys", l.runs.Load(), len(s.keys))
		}
	})
}

// One key's slow lookup holds up no other key.
func TestSharedKeysAreApart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewShared(func(_ context.Context, key int) (string, error) {
			time.Sleep(time.Duration(key) * time.Second)
			return fmt.Sprint("of ", key), nil
		})
		var callers sync.WaitGroup
		for key := range 5 {
			callers.Go(func() {
				from := time.Now()
				got, err := s.Do(t.Context(), key)
				if took := time.Since(from); err != nil || got != fmt.Sprint("of ", key) || took != time.Duration(key)*time.Second {
					t.Errorf("key %d: %q, %v after %v", key, got, err, took)
				}
			})
		}
		callers.Wait()
	})
}

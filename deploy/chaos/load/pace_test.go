package load

import (
	"testing"
	"testing/synctest"
	"time"

	"chatlog/deploy/chaos/history"
)

// A machine whose writes take as long as others wait in line.
func TestPace(t *testing.T) {
	for _, c := range []struct {
		name        string
		slow        time.Duration // a write, with 80 ms between two calls; the more time, the less
		least, most time.Duration
	}{
		{"quick machine", 50 * time.Millisecond, 80 * time.Millisecond, 80 * time.Millisecond},
		{"slow machine", time.Second, 200 * time.Millisecond, 400 * time.Millisecond},
		{"machine that bears nothing", time.Minute, lightly, lightly},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := &Load{}
				l.think.Store(int64(80 * time.Millisecond))
				stop := make(chan struct{})
				go func() {
					for {
						select {
						case <-stop:
							return
						case <-time.After(500 * time.Millisecond):
							l.took(&history.Call{End: int64(float64(c.slow) * 80e6 / float64(l.think.Load()))})
							l.took(&history.Call{End: 1})
						}
					}
				}()
				got := l.Pace(t.Context())
				close(stop)
				if got < c.least || got > c.most {
					t.Errorf("%s between two calls, want %s to %s", got, c.least, c.most)
				}
			})
		})
	}
}

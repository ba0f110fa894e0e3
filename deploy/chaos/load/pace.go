package load

import (
	"context"
	"time"

	"chatlog/deploy/chaos/history"
)

// At rest every write is answered well within easy, or there is too much load
// for the machine: then its slowness would be judged, and not the services.
const (
	easy    = 400 * time.Millisecond
	watched = 3 * time.Second
	lighter = 1.5
	lightly = time.Second // between two calls, at the most
)

// Pace makes the load lighter until the machine bears it easily while nothing
// is broken, and gives the time between two calls that remains.
func (l *Load) Pace(ctx context.Context) time.Duration {
	for ctx.Err() == nil {
		l.slowest.Store(0)
		select {
		case <-ctx.Done():
		case <-time.After(watched):
		}
		think := time.Duration(l.think.Load())
		if time.Duration(l.slowest.Load()) <= easy || think >= lightly {
			break
		}
		l.think.Store(int64(min(lightly, time.Duration(lighter*float64(think)))))
	}
	return time.Duration(l.think.Load())
}

// took notes how long a write took.
func (l *Load) took(call *history.Call) {
	for d := call.End - call.Begin; ; {
		was := l.slowest.Load()
		if d <= was || l.slowest.CompareAndSwap(was, d) {
			return
		}
	}
}

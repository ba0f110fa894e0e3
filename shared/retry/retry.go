// Package retry is how long is waited before something is tried again.
package retry

import (
	"context"
	"math/rand/v2"
	"time"
)

// most is the longest wait.
const most = 5 * time.Second

// Pause waits before the next try, or until ctx ends: longer each time, at most 5 s,
// half of it by chance, so that what has failed together is not tried again together.
func Pause(ctx context.Context, try int) {
	longest := min(100*time.Millisecond<<min(try, 10), most)
	Wait(ctx, longest/2+time.Duration(rand.Int64N(int64(longest/2))))
}

// Wait waits for so long, or until ctx ends.
func Wait(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

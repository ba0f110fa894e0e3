package retry

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// The wait grows to a few seconds and no further, and has jitter in it.
func TestPauseIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for try, want := range map[int]time.Duration{0: 100 * time.Millisecond, 3: 800 * time.Millisecond, 6: 5 * time.Second, 1 << 40: 5 * time.Second} {
			seen := map[time.Duration]bool{}
			for range 20 {
				from := time.Now()
				Pause(t.Context(), try)
				took := time.Since(from)
				seen[took] = true
				if took < want/2 || took > want {
					t.Errorf("try %d: waited %v", try, took)
				}
			}
			if len(seen) < 10 {
				t.Errorf("try %d: hardly any jitter, %v", try, seen)
			}
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		from := time.Now()
		if Pause(ctx, 9); time.Since(from) > 0 {
			t.Error("waited although its context had ended")
		}
	})
}

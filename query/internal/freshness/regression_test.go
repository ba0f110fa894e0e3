package freshness

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"chatlog/shared/view"
)

// Run with -race: the first group.Go and Stop's group.Wait are not ordered.
func TestStopWhileSomebodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := NewWatcher(func(context.Context) (map[int32]view.Progress, error) { return nil, nil })
		go w.Wait(t.Context(), 0, 1)
		time.Sleep(time.Second)
		w.Stop()
	})
}

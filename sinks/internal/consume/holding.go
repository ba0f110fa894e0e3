package consume

import (
	"context"
	"sync"
	"time"

	"chatlog/shared/deadletter"
	"chatlog/shared/position"
)

// holding is a partition that is worked on: what its worker has to know of the
// group, which gives partitions by generations. Between two of them the worker
// goes on with what it has; it commits nothing, and tells no dead letter, which
// somebody who was given the partition might be telling at the same time.
type holding struct {
	partition int32
	cancel    context.CancelFunc // ends the worker
	ended     chan struct{}      // closed: the worker has ended

	mutex     sync.Mutex
	commit    func(next int64) error // of the generation; nil between two
	given     chan struct{}          // closed while a generation gives the partition
	end       *time.Timer            // ends the worker when no generation comes
	over      bool                   // none has come
	next      int64                  // how far the worker is
	tried     int64                  // offset that was last sent to be committed
	committed int64                  // offset that was last known to be committed
	at        time.Time              // of the last commit
}

// newHolding holds a partition from a committed offset on, negative if none.
func newHolding(partition int32, committed int64, cancel context.CancelFunc) *holding {
	return &holding{partition: partition, cancel: cancel, ended: make(chan struct{}), given: make(chan struct{}),
		next: committed, tried: committed, committed: committed}
}

// give says that a generation gives the partition, and how it commits. It reports
// whether the worker can go on: not if it was given up, and not if the group's
// offset is another than it has left there, because then somebody else has worked
// on the partition, or an operator wants it replayed.
func (h *holding) give(offset int64, commit func(next int64) error) bool {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if h.over || offset != h.committed && offset != h.tried {
		return false
	}
	if h.end != nil {
		h.end.Stop()
	}
	h.commit = commit
	close(h.given)
	return true
}

// lapse says that the generation is over: what is not committed yet is, and the
// worker has so long until the next one.
func (h *holding) lapse(patience time.Duration) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.commitNow()
	h.commit, h.given = nil, make(chan struct{})
	h.end = time.AfterFunc(patience, h.expire)
}

// stop ends the worker and waits for it.
func (h *holding) stop() {
	h.cancel()
	<-h.ended
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if h.end != nil {
		h.end.Stop()
	}
}

// expire ends the worker, unless a generation has come meanwhile.
func (h *holding) expire() {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if h.commit == nil {
		h.over = true
		h.cancel()
	}
}

// progressed notes how far the worker is, and commits it now and then.
func (h *holding) progressed(next int64) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.next = next
	if time.Since(h.at) >= commitEvery {
		h.commitNow()
	}
}

// commitEvery is how often a worker's offset is committed at most.
const commitEvery = time.Second

// commitNow commits, if there is anything to commit. That it fails is no matter:
// the view's own progress is the authority.
func (h *holding) commitNow() {
	if h.commit == nil || h.next == h.committed {
		return
	}
	h.at, h.tried = time.Now(), h.next
	if h.commit(h.next) == nil {
		h.committed = h.next
	}
}

// assigned waits until a generation gives the partition.
func (h *holding) assigned(ctx context.Context) error {
	h.mutex.Lock()
	given := h.given
	h.mutex.Unlock()
	select {
	case <-given:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// given lets letters be written only while a generation gives the partition.
type given struct {
	Letters
	holding *holding
}

// Write waits for a generation and writes letters.
func (g given) Write(ctx context.Context, log position.LogID, letters []deadletter.Refused) error {
	if err := g.holding.assigned(ctx); err != nil {
		return err
	}
	return g.Letters.Write(ctx, log, letters)
}

package freshness

import (
	"context"
	"sync"
)

// Shared runs a function on behalf of many callers at once: those who come
// while it runs share its next run. So every caller gets a result that began
// after it had asked, at the cost of at most two runs at a time per key.
type Shared[K comparable, V any] struct {
	run   func(ctx context.Context, key K) (V, error)
	mutex sync.Mutex
	keys  map[K]*turns[V]
}

type turns[V any] struct {
	running bool
	next    *turn[V] // those who wait for the next run
}

type turn[V any] struct {
	done  chan struct{}
	value V
	err   error
}

// NewShared makes a Shared. run is called with a context of its own and must
// bound itself.
func NewShared[K comparable, V any](run func(ctx context.Context, key K) (V, error)) *Shared[K, V] {
	return &Shared[K, V]{run: run, keys: map[K]*turns[V]{}}
}

// Do gives the result of a run that begins after the call.
func (s *Shared[K, V]) Do(ctx context.Context, key K) (V, error) {
	s.mutex.Lock()
	t := s.keys[key]
	if t == nil {
		t = &turns[V]{}
		s.keys[key] = t
	}
	if t.next == nil {
		t.next = &turn[V]{done: make(chan struct{})}
	}
	mine := t.next
	if !t.running {
		t.running = true
		go s.work(key, t)
	}
	s.mutex.Unlock()
	select {
	case <-mine.done:
		return mine.value, mine.err
	case <-ctx.Done():
		var none V
		return none, ctx.Err()
	}
}

// work runs turn after turn until nobody waits.
func (s *Shared[K, V]) work(key K, t *turns[V]) {
	for {
		s.mutex.Lock()
		now := t.next
		t.next = nil
		if now == nil {
			t.running = false
			delete(s.keys, key)
			s.mutex.Unlock()
			return
		}
		s.mutex.Unlock()
		now.value, now.err = s.run(context.Background(), key)
		close(now.done)
	}
}

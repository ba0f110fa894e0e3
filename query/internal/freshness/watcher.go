// Package freshness makes readers wait until a view has come as far as they
// need. What it remembers decides only whether to wait: whether an answer is
// true is decided by the progress that is read together with it.
package freshness

import (
	"context"
	"sync"
	"time"

	"chatlog/shared/view"
)

// Progresses reads how far a view is in all partitions.
type Progresses func(ctx context.Context) (map[int32]view.Progress, error)

// Watcher lets readers wait for one view. While anybody waits, one goroutine
// looks at the view's progress for all of them.
type Watcher struct {
	read    Progresses
	mutex   sync.Mutex
	waiters map[*waiter]struct{}
	polling bool
	stopped chan struct{}
	once    sync.Once
	group   sync.WaitGroup
}

type waiter struct {
	partition int32
	next      int64
	reached   chan struct{}
}

// NewWatcher makes a watcher; it does nothing until somebody waits.
func NewWatcher(read Progresses) *Watcher {
	return &Watcher{read: read, waiters: map[*waiter]struct{}{}, stopped: make(chan struct{})}
}

const (
	pollMin  = 2 * time.Millisecond
	pollMax  = 50 * time.Millisecond
	readTime = 2 * time.Second
)

// Wait returns nil once the view's next offset in the partition has reached
// next; the context's error if that ends first.
func (w *Watcher) Wait(ctx context.Context, partition int32, next int64) error {
	me := &waiter{partition, next, make(chan struct{})}
	w.mutex.Lock()
	select {
	case <-w.stopped:
		w.mutex.Unlock()
		return context.Canceled
	default:
	}
	w.waiters[me] = struct{}{}
	if !w.polling {
		w.polling = true
		w.group.Go(w.poll)
	}
	w.mutex.Unlock()
	defer func() {
		w.mutex.Lock()
		delete(w.waiters, me)
		w.mutex.Unlock()
	}()
	select {
	case <-me.reached:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	case <-w.stopped:
		return context.Canceled
	}
}

// Waiting is the number of readers that wait.
func (w *Watcher) Waiting() int {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return len(w.waiters)
}

// Stop releases all waiters.
func (w *Watcher) Stop() {
	w.mutex.Lock() // a look that begins is waited for, or never begins
	w.once.Do(func() { close(w.stopped) })
	w.mutex.Unlock()
	w.group.Wait()
}

// poll looks at the progress until nobody waits any more: often while things
// move, less often while they do not.
func (w *Watcher) poll() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() {
		select {
		case <-w.stopped:
			cancel()
		case <-ctx.Done():
		}
	}()
	for wait := pollMin; ; {
		bounded, done := context.WithTimeout(ctx, readTime)
		progress, err := w.read(bounded)
		done()
		released, left := w.release(progress, err)
		if !left {
			return
		}
		if wait = min(wait*3/2, pollMax); released > 0 {
			wait = pollMin
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

// release wakes those whose position is reached. It ends the polling, by
// saying that nobody is left, under the same lock under which waiters come.
func (w *Watcher) release(progress map[int32]view.Progress, err error) (released int, left bool) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	for me := range w.waiters {
		if p, known := progress[me.partition]; err == nil && (known && p.Next >= me.next || me.next <= 0) {
			close(me.reached)
			delete(w.waiters, me)
			released++
		}
	}
	if len(w.waiters) == 0 {
		w.polling = false
	}
	return released, w.polling
}

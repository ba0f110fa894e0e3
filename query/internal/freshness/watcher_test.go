package freshness

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"chatlog/shared/fault"
	"chatlog/shared/view"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fakeView is a view's progress. do, if any, is asked at every read.
type fakeView struct {
	mutex sync.Mutex
	next  map[int32]int64
	reads int
	now   int // reads under way
	do    func(ctx context.Context) error
}

func (v *fakeView) set(partition int32, next int64) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	if v.next == nil {
		v.next = map[int32]int64{}
	}
	v.next[partition] = next
}

func (v *fakeView) answer(do func(ctx context.Context) error) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	v.do = do
}

func (v *fakeView) count() int {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	return v.reads
}

func (v *fakeView) read(ctx context.Context) (map[int32]view.Progress, error) {
	v.mutex.Lock()
	v.reads++
	v.now++
	do, alone := v.do, v.now == 1
	v.mutex.Unlock()
	defer func() {
		v.mutex.Lock()
		v.now--
		v.mutex.Unlock()
	}()
	if !alone {
		return nil, errors.New("two reads at once")
	}
	if do != nil {
		if err := do(ctx); err != nil {
			return nil, err
		}
	}
	v.mutex.Lock()
	defer v.mutex.Unlock()
	out := map[int32]view.Progress{}
	for p, next := range v.next {
		out[p] = view.Progress{Partition: p, Next: next}
	}
	return out, nil
}

// wait starts a waiter and gives the channel that its end is told on.
func wait(ctx context.Context, w *Watcher, partition int32, next int64) <-chan error {
	done := make(chan error, 1)
	go func() { done <- w.Wait(ctx, partition, next) }()
	return done
}

// still fails if a waiter has ended.
func still(t *testing.T, waiters ...<-chan error) {
	t.Helper()
	synctest.Wait()
	for i, w := range waiters {
		select {
		case err := <-w:
			t.Errorf("waiter %d does not wait any more: %v", i, err)
		default:
		}
	}
}

// soon fails unless all waiters end well before the next look but one.
func soon(t *testing.T, waiters ...<-chan error) {
	t.Helper()
	for i, w := range waiters {
		select {
		case err := <-w:
			if err != nil {
				t.Errorf("waiter %d: %v", i, err)
			}
		case <-time.After(2 * pollMax):
			t.Errorf("waiter %d still waits", i)
		}
	}
}

func TestWaitEndsWhenTheViewIsThere(t *testing.T) {
	for _, c := range []struct {
		name      string
		partition int32
		next      int64
		steps     []int64 // of partition 3; the last one is enough
	}{
		{"there already", 3, 5, []int64{5}},
		{"beyond already", 3, 5, []int64{99}},
		{"one step", 3, 5, []int64{4, 5}},
		{"many steps", 3, 5, []int64{1, 2, 2, 3, 4, 7}},
		{"set back meanwhile", 3, 5, []int64{4, 0, 3, 5}},
		{"nothing is needed", 3, 0, []int64{0}},
		{"nothing is needed of a partition that nobody knows", 8, 0, []int64{0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := &fakeView{}
				v.set(4, 1000) // another partition's progress is no answer
				w := NewWatcher(v.read)
				defer w.Stop()
				v.set(3, c.steps[0])
				done := wait(t.Context(), w, c.partition, c.next)
				for _, step := range c.steps[1:] {
					time.Sleep(time.Second)
					still(t, done)
					v.set(3, step)
				}
				soon(t, done)
				if w.Waiting() != 0 {
					t.Errorf("%d are said to wait", w.Waiting())
				}
			})
		})
	}
}

// A reader that has waited for long enough is told to come again.
func TestTheWaitIsBounded(t *testing.T) {
	for name, do := range map[string]func(context.Context) error{
		"the view stands still":     nil,
		"the view cannot be read":   func(context.Context) error { return errors.New("down") },
		"the view does not answer":  func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
		"the view answers too late": func(context.Context) error { time.Sleep(time.Minute); return nil },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := &fakeView{do: do}
				v.set(0, 4)
				w := NewWatcher(v.read)
				ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
				defer cancel()
				from := time.Now()
				err := w.Wait(ctx, 0, 5)
				if took := time.Since(from); took != 1500*time.Millisecond {
					t.Errorf("it took %v", took)
				}
				if !errors.Is(err, context.DeadlineExceeded) || !fault.Is(err, fault.Transient) || fault.RetryAfterOf(err) <= 0 {
					t.Errorf("got %v, to be tried again after %v", err, fault.RetryAfterOf(err))
				}
				if w.Waiting() != 0 {
					t.Errorf("%d are said to wait", w.Waiting())
				}
				w.Stop()
			})
		})
	}
}

// One looks for all; and when nobody waits, nobody looks.
func TestOneLooksForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &fakeView{}
		w := NewWatcher(v.read)
		defer w.Stop()
		var waiters []<-chan error
		for n := range int64(200) {
			waiters = append(waiters, wait(t.Context(), w, int32(n%4), n+1))
		}
		time.Sleep(10 * time.Second)
		still(t, waiters...)
		if w.Waiting() != 200 {
			t.Errorf("%d are said to wait", w.Waiting())
		}
		if n, most := v.count(), int(10*time.Second/pollMax)+20; n < 50 || n > most {
			t.Errorf("%d looks in ten quiet seconds, at most %d are in order", n, most)
		}
		for p := range int32(4) {
			v.set(p, 100)
		}
		soon(t, waiters[:100]...)
		still(t, waiters[100:]...)
		for p := range int32(4) {
			v.set(p, 200)
		}
		soon(t, waiters[100:]...)
		synctest.Wait()
		before := v.count()
		time.Sleep(time.Hour)
		if n := v.count(); n != before {
			t.Errorf("%d looks while nobody waits", n-before)
		}
		again := wait(t.Context(), w, 0, 201)
		time.Sleep(time.Second)
		still(t, again)
		v.set(0, 201)
		soon(t, again)
	})
}

func TestWhoGoesAwayHurtsNobody(t *testing.T) {
	for _, leaving := range [][]int{{0}, {2}, {0, 1}, {1, 2}, {0, 1, 2}} {
		t.Run(fmt.Sprint(leaving), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := &fakeView{}
				w := NewWatcher(v.read)
				defer w.Stop()
				var waiters []<-chan error
				var leave []context.CancelFunc
				for range 3 {
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					waiters, leave = append(waiters, wait(ctx, w, 0, 5)), append(leave, cancel)
					synctest.Wait()
				}
				left := map[int]bool{}
				for _, i := range leaving {
					leave[i]()
					left[i] = true
					if err := <-waiters[i]; !errors.Is(err, context.Canceled) {
						t.Errorf("waiter %d went away with %v", i, err)
					}
				}
				time.Sleep(time.Second)
				if w.Waiting() != 3-len(leaving) {
					t.Errorf("%d are said to wait", w.Waiting())
				}
				v.set(0, 5)
				for i, waiter := range waiters {
					if !left[i] {
						soon(t, waiter)
					}
				}
			})
		})
	}
}

// Errors, and a store that hangs, end no wait: they may pass.
func TestAWatcherOutlivesErrors(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &fakeView{do: func(context.Context) error { return errors.New("down") }}
		v.set(0, 5)
		w := NewWatcher(v.read)
		defer w.Stop()
		done := wait(t.Context(), w, 0, 5)
		time.Sleep(time.Minute)
		still(t, done)
		v.answer(func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		time.Sleep(time.Minute)
		still(t, done)
		v.answer(nil)
		select {
		case err := <-done:
			if err != nil {
				t.Error(err)
			}
		case <-time.After(readTime + pollMax):
			t.Error("it still waits")
		}
	})
}

func TestStopReleasesAll(t *testing.T) {
	for name, do := range map[string]func(context.Context) error{
		"between two looks": nil,
		"in the midst of a look": func(ctx context.Context) error {
			<-ctx.Done()
			return ctx.Err()
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				v := &fakeView{do: do}
				w := NewWatcher(v.read)
				first, second := wait(t.Context(), w, 0, 5), wait(t.Context(), w, 1, 6)
				time.Sleep(time.Second)
				synctest.Wait()
				from := time.Now()
				w.Stop()
				w.Stop() // twice is as good as once
				for _, done := range []<-chan error{first, second, wait(t.Context(), w, 0, 1)} {
					if err := <-done; !fault.Is(err, fault.Transient) {
						t.Errorf("got %v", err)
					}
				}
				if took := time.Since(from); took > 0 {
					t.Errorf("it took %v", took)
				}
				synctest.Wait()
				before := v.count()
				time.Sleep(time.Minute)
				if v.count() != before {
					t.Error("it still looks")
				}
			})
		})
	}
}

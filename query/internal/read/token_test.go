package read

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"chatlog/query/internal/freshness"
	"chatlog/shared/fault"
	"chatlog/shared/position"
	"chatlog/shared/view"
)

func TestATokenShowsTheWrite(t *testing.T) {
	s := newStand(t)
	s.begin()
	edited := s.batch(edit(1, "one again"))
	if got, err := s.reader.Message(t.Context(), message1, nil); err != nil || got.Text != "one" {
		t.Errorf("without a token: %q, %v", got.Text, err)
	}
	s.arrive(edited)
	if got, err := s.reader.Message(t.Context(), message1, token(4)); err != nil || got.Text != "one again" {
		t.Errorf("with a token: %q, %v", got.Text, err)
	}
	if !slices.Equal(s.waiter.waited, []int64{5}) || s.ends.asked > 0 {
		t.Errorf("waited for %v, asked for the end %d times", s.waiter.waited, s.ends.asked)
	}
	deleted := s.batch(remove(2))
	if got, err := s.reader.Message(t.Context(), message(2), nil); err != nil || got.Text != "two" {
		t.Errorf("before the delete: %q, %v", got.Text, err)
	}
	s.arrive(deleted)
	_, err := s.reader.Message(t.Context(), message(2), token(5))
	s.says(err, fault.NotFound, ErrMessage.Public)
}

// A tombstone is final: nobody has to wait for the log's end.
func TestADeletedMessageIsGoneAtOnce(t *testing.T) {
	s := newStand(t)
	s.begin()
	s.apply(s.batch(remove(1)))
	s.batch()
	_, err := s.reader.Message(t.Context(), message1, nil)
	s.says(err, fault.NotFound, ErrMessage.Public)
	list, err := s.reader.Messages(t.Context(), chat1, page, nil)
	if err != nil || len(list) != 1 || list[0].Text != "two" {
		t.Errorf("list %v, %v", list, err)
	}
	if s.ends.asked > 0 || len(s.waiter.waited) > 0 {
		t.Errorf("asked for the end %d times, waited for %v", s.ends.asked, s.waiter.waited)
	}
}

func TestTokensThatCannotBe(t *testing.T) {
	for _, c := range []struct {
		name  string
		token position.Token
		empty bool // the view has seen nothing yet
		kind  fault.Kind
		says  string
		waits int
	}{
		{"of another log", position.Token{Log: other, Partition: partition, Offset: 1}, false, fault.Invalid, "Consistency-Token is of another log", 0},
		{"of another log and far away", position.Token{Log: other, Partition: partition, Offset: 1 << 40}, false, fault.Invalid, "Consistency-Token is of another log", 0},
		{"of another partition", position.Token{Log: ours, Partition: partition + 1, Offset: 1}, false, fault.Invalid, "Consistency-Token is of another application", 0},
		// An empty view cannot tell which log is right.
		{"of another log, the view is empty", position.Token{Log: other, Partition: partition, Offset: 1}, true, fault.Transient, "Not known yet, try again later", 1},
		// A new leader's end may lag: being beyond the end proves nothing.
		{"beyond the log's end", position.Token{Log: ours, Partition: partition, Offset: 99}, false, fault.Transient, "The write is not visible yet, try again later", 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStand(t)
			if !c.empty {
				s.begin()
			}
			s.waiter.do = func(context.Context, int64) error { return context.DeadlineExceeded }
			_, err := s.reader.Message(t.Context(), message1, &c.token)
			s.says(err, c.kind, c.says)
			if len(s.waiter.waited) != c.waits {
				t.Errorf("waited for %v", s.waiter.waited)
			}
		})
	}
}

// The view may learn only while a reader waits that its log is another one.
func TestATokenOfAnotherLogIsNoticedLate(t *testing.T) {
	s := newStand(t)
	s.arrive(s.batch(newApplication(), newChat(1), newMessage(1, "one")))
	_, err := s.reader.Message(t.Context(), message1, &position.Token{Log: other, Partition: partition, Offset: 0})
	s.says(err, fault.Invalid, "Consistency-Token is of another log")
}

func TestErrorsOfTheStoreArePassedOn(t *testing.T) {
	s := newStand(t)
	s.begin()
	s.rows.Close()
	_, err := s.reader.Message(t.Context(), message1, nil)
	s.says(err, fault.Transient, "Temporarily unavailable")
	defect := errors.New("a defect")
	_, _, err = Settle(t.Context(), &Freshness{Limit: time.Minute, Ends: &fakeEnds{do: func() (int64, error) { return 0, defect }}, Count: func(string) {}},
		Want{Partition: partition}, func(context.Context) (int, bool, view.Progress, error) { return 0, false, view.Progress{}, nil })
	if !errors.Is(err, defect) || fault.Is(err, fault.Transient) {
		t.Errorf("a defect became %v", err)
	}
}

// However many reads and waits it takes, a reader is answered in time.
func TestAReadIsBounded(t *testing.T) {
	for _, found := range []bool{true, false} {
		t.Run(fmt.Sprint("found ", found), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				watcher := freshness.NewWatcher(func(context.Context) (map[int32]view.Progress, error) {
					return map[int32]view.Progress{partition: {Next: 4}}, nil
				})
				defer watcher.Stop()
				f := &Freshness{Waiter: watcher, Ends: &fakeEnds{end: 5}, Limit: 2 * time.Second, Count: func(string) {}}
				from := time.Now()
				_, _, err := Settle(t.Context(), f, Want{Partition: partition, Token: token(4)}, func(context.Context) (int, bool, view.Progress, error) {
					return 1, found, view.Progress{Log: ours, Next: 4}, nil
				})
				if took := time.Since(from); !fault.Is(err, fault.Transient) || fault.RetryAfterOf(err) <= 0 || took != 2*time.Second {
					t.Errorf("%v after %v", err, took)
				}
			})
		})
	}
}

// With a real watcher, and a view that follows a log at its own pace: whoever
// comes with the token of a write sees it, and whoever comes without one after
// a write was acked does not hear that it is not there.
func TestReadYourWritesWhileTheViewFollows(t *testing.T) {
	const writes = 60
	s := newStand(t)
	s.apply(s.batch(newApplication(), newChat(1)))
	var batches []view.Batch
	for n := range int64(writes) {
		batches = append(batches, s.batch(newMessage(n+1, fmt.Sprint("text ", n+1))))
	}
	var end atomic.Int64
	ends := freshness.NewShared(func(context.Context, int32) (int64, error) { return end.Load(), nil })
	watcher := freshness.NewWatcher(s.rows.Progresses)
	defer watcher.Stop()
	reader := NewReader(s.rows, &Freshness{Waiter: watcher, Ends: ends, Limit: 20 * time.Second, Count: func(string) {}}, here)
	var readers sync.WaitGroup
	appended := make(chan view.Batch, writes)
	readers.Go(func() {
		for b := range appended {
			if err := s.rows.Apply(context.WithoutCancel(t.Context()), b); err != nil {
				t.Error(err)
			}
		}
	})
	for n, b := range batches {
		end.Store(b.To.Next)
		appended <- b
		for _, after := range []*position.Token{nil, token(b.From)} {
			readers.Go(func() {
				got, err := reader.Message(t.Context(), message(int64(n+1)), after)
				if err != nil || got.Text != fmt.Sprint("text ", n+1) {
					t.Errorf("message %d after %v: %q, %v", n+1, after, got.Text, err)
				}
			})
		}
	}
	close(appended)
	readers.Wait()
}

// Row and progress are of one moment: a reader that sees how far the view is
// sees exactly the text of that moment, while a writer goes on and on.
func TestRowAndProgressAreOfOneMoment(t *testing.T) {
	s := newStand(t)
	s.begin()
	var batches []view.Batch
	for range 100 {
		batches = append(batches, s.batch(edit(1, fmt.Sprint("at ", s.next))))
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for _, b := range batches {
			if err := s.rows.Apply(context.WithoutCancel(t.Context()), b); err != nil {
				t.Error(err)
			}
		}
	}()
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for following := true; following; {
				select {
				case <-done:
					following = false // one more, of the end
				default:
				}
				m, found, p, err := s.rows.Message(t.Context(), partition, message1)
				if want := fmt.Sprint("at ", p.LastOffset); err != nil || !found || p.Next > 4 && m.Text != want {
					t.Errorf("text %q with progress %d, %v", m.Text, p.Next, err)
					return
				}
			}
		})
	}
	readers.Wait()
}

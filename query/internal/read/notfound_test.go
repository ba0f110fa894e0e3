package read

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"

	"chatlog/shared/fault"
	"chatlog/shared/position"
	"chatlog/shared/sqlview"
	"chatlog/shared/view"
)

var page = sqlview.Page{Limit: 10}

// lookups are all ways to find something, each with what makes it exist.
var lookups = []struct {
	name    string
	arrives func(s *stand) view.Batch
	look    func(s *stand, after *position.Token) error
	missing *fault.Error
}{
	{"application", func(s *stand) view.Batch { return s.batch(newApplication()) }, func(s *stand, after *position.Token) error {
		got, err := s.reader.Application(s.Context(), app, after)
		return s.check(err, got.Username == "Zoë" && got.Token == app)
	}, ErrApplication},
	{"chats", func(s *stand) view.Batch { return s.batch(newApplication(), newChat(1)) }, func(s *stand, after *position.Token) error {
		got, err := s.reader.Chats(s.Context(), app, page, after)
		return s.check(err, len(got) == 1)
	}, ErrApplication},
	{"chat", func(s *stand) view.Batch { return s.batch(newApplication(), newChat(1)) }, func(s *stand, after *position.Token) error {
		got, err := s.reader.Chat(s.Context(), chat1, after)
		return s.check(err, got.Number == 1)
	}, ErrChat},
	{"messages", func(s *stand) view.Batch { return s.batch(newApplication(), newChat(1), newMessage(1, "one")) }, func(s *stand, after *position.Token) error {
		got, err := s.reader.Messages(s.Context(), chat1, page, after)
		return s.check(err, len(got) == 1)
	}, ErrChat},
	{"message", func(s *stand) view.Batch { return s.batch(newApplication(), newChat(1), newMessage(1, "one")) }, func(s *stand, after *position.Token) error {
		got, err := s.reader.Message(s.Context(), message1, after)
		return s.check(err, got.Text == "one")
	}, ErrMessage},
}

// check fails if what was found is not what should be there.
func (s *stand) check(err error, right bool) error {
	s.Helper()
	if err == nil && !right {
		s.Error("found something else")
	}
	return err
}

func everyLookup(t *testing.T, run func(s *stand, look func(after *position.Token) error, arrives func() view.Batch, missing *fault.Error)) {
	for _, l := range lookups {
		t.Run(l.name, func(t *testing.T) {
			s := newStand(t)
			run(s, func(after *position.Token) error { return l.look(s, after) }, func() view.Batch { return l.arrives(s) }, l.missing)
		})
	}
}

func TestNotFoundAtTheLogsEnd(t *testing.T) {
	everyLookup(t, func(s *stand, look func(*position.Token) error, _ func() view.Batch, missing *fault.Error) {
		if err := look(nil); !errors.Is(err, missing) { // an empty log
			s.Errorf("got %v", err)
		}
		s.apply(s.batch(), s.batch())
		if err := look(nil); !errors.Is(err, missing) {
			s.Errorf("got %v", err)
		}
		s.says(look(token(1)), fault.NotFound, missing.Public)
		if s.ends.asked != 3 || len(s.waiter.waited) > 0 {
			s.Errorf("asked for the end %d times, waited for %v", s.ends.asked, s.waiter.waited)
		}
	})
}

// While the view is behind, nothing is denied: it waits, and finds what arrives
// meanwhile, or can deny it then.
func TestNotFoundOnlyAfterTheViewHasCaughtUp(t *testing.T) {
	everyLookup(t, func(s *stand, look func(*position.Token) error, arrives func() view.Batch, missing *fault.Error) {
		s.arrive(s.batch(), s.batch(), s.batch())
		if err := look(nil); !errors.Is(err, missing) {
			s.Errorf("got %v", err)
		}
		s.arrive(arrives())
		if err := look(nil); err != nil {
			s.Error(err)
		}
		if s.ends.asked != 2 || !slices.Equal(s.waiter.waited, []int64{3, s.next}) || s.counts["waited"] != 2 {
			s.Errorf("asked for the end %d times, waited for %v, counted %v", s.ends.asked, s.waiter.waited, s.counts)
		}
	})
}

// What a watcher remembers only decides whether to wait: it may be wrong, and
// still nothing is denied before the row's own progress is at the end.
func TestOnlyTheRowsOwnProgressCounts(t *testing.T) {
	everyLookup(t, func(s *stand, look func(*position.Token) error, arrives func() view.Batch, _ *fault.Error) {
		coming := []view.Batch{s.batch(), s.batch(), arrives()}
		s.waiter.do = func(context.Context, int64) error {
			if len(s.waiter.waited)%3 == 0 {
				s.apply(coming[0])
				coming = coming[1:]
			}
			return nil // as if the view were there already
		}
		if err := look(nil); err != nil {
			s.Errorf("got %v", err)
		}
		if len(s.waiter.waited) != 9 || s.ends.asked != 1 || s.counts["waited"] != 1 {
			s.Errorf("waited for %v, asked for the end %d times, counted %v", s.waiter.waited, s.ends.asked, s.counts)
		}
	})
}

// A row that arrives after it was looked for, and before the log's end is
// known, must not be denied because the view is at the end by then.
func TestARowThatArrivesMeanwhileIsNotDenied(t *testing.T) {
	everyLookup(t, func(s *stand, look func(*position.Token) error, arrives func() view.Batch, _ *fault.Error) {
		s.apply(s.batch())
		s.ends.do = func() (int64, error) {
			s.apply(arrives())
			return s.next, nil
		}
		s.waiter.do = func(context.Context, int64) error { return nil }
		if err := look(nil); err != nil {
			s.Errorf("got %v", err)
		}
	})
}

func TestNotKnownIsNotNotFound(t *testing.T) {
	down := fault.New(fault.Transient, "down")
	for _, c := range []struct {
		name    string
		waiting error
		ends    error
		counted string
	}{
		{"the view does not catch up", context.DeadlineExceeded, nil, "timeout"},
		{"the client has gone away", context.Canceled, nil, "timeout"},
		{"the watcher is stopped", fmt.Errorf("wait: %w", context.Canceled), nil, "timeout"},
		{"the log's end cannot be had", nil, fmt.Errorf("kafka: %w", down), "unconfirmed"},
		{"the log's end does not come", nil, context.DeadlineExceeded, "unconfirmed"},
	} {
		t.Run(c.name, func(t *testing.T) {
			everyLookup(t, func(s *stand, look func(*position.Token) error, arrives func() view.Batch, _ *fault.Error) {
				s.apply(s.batch())
				arrives() // but the view does not take it
				s.waiter.do = func(context.Context, int64) error { return c.waiting }
				if c.ends != nil {
					s.reader.freshness.Limit = 3 * lookAgain // it is looked for again until then
					s.ends.do = func() (int64, error) { return 0, c.ends }
				}
				err := look(nil)
				s.says(err, fault.Transient, "Not known yet, try again later")
				if s.counts[c.counted] != 1 {
					s.Errorf("counted %v", s.counts)
				}
			})
		})
	}
}

// A new leader that does not know the log's end for a moment sends nobody away.
func TestEndKnownABitLater(t *testing.T) {
	everyLookup(t, func(s *stand, look func(*position.Token) error, arrives func() view.Batch, missing *fault.Error) {
		s.apply(s.batch())
		end, asked := s.next, 0
		s.ends.do = func() (int64, error) {
			if asked++; asked < 3 {
				return 0, fault.New(fault.Transient, "offset not available")
			}
			return end, nil
		}
		if err := look(nil); !errors.Is(err, missing) || asked != 3 {
			s.Errorf("%v after %d looks", err, asked)
		}
	})
}

// What is there is answered at once, without a look at the log.
func TestFoundAtOnce(t *testing.T) {
	everyLookup(t, func(s *stand, look func(*position.Token) error, arrives func() view.Batch, _ *fault.Error) {
		s.apply(arrives())
		at := s.next - 1
		s.batch() // the view is behind by this one
		for _, after := range []*position.Token{nil, token(0), token(at)} {
			if err := look(after); err != nil {
				s.Errorf("after %v: %v", after, err)
			}
		}
		if s.ends.asked > 0 || len(s.waiter.waited) > 0 {
			s.Errorf("asked for the end %d times, waited for %v", s.ends.asked, s.waiter.waited)
		}
	})
}

// What can be nobody's name is not looked for at all.
func TestWhatCanBeNobodysName(t *testing.T) {
	reader := NewReader(nil, nil, nil) // whoever asks one of these, panics
	for _, name := range []string{"", "x", app + "0", "0123456789ABCDEF0123456789ABCDEF", "é", "'; DROP TABLE message; --"} {
		if _, err := reader.Application(t.Context(), name, nil); !errors.Is(err, ErrApplication) {
			t.Errorf("application %q: %v", name, err)
		}
		if _, err := reader.Chats(t.Context(), name, page, nil); !errors.Is(err, ErrApplication) {
			t.Errorf("chats of %q: %v", name, err)
		}
		if _, err := reader.Chat(t.Context(), view.ChatKey{Application: name, Number: 1}, nil); !errors.Is(err, ErrChat) {
			t.Errorf("chat of %q: %v", name, err)
		}
	}
	for _, number := range []int64{0, -1} {
		if _, err := reader.Messages(t.Context(), view.ChatKey{Application: app, Number: number}, page, nil); !errors.Is(err, ErrChat) {
			t.Errorf("messages of chat %d: %v", number, err)
		}
		for _, k := range []view.MessageKey{{Application: app, Chat: number, Number: 1}, {Application: app, Chat: 1, Number: number}} {
			if _, err := reader.Message(t.Context(), k, nil); !errors.Is(err, ErrMessage) {
				t.Errorf("message %v: %v", k, err)
			}
		}
	}
}

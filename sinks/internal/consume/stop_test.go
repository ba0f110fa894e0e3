package consume

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"chatlog/shared/command"
	"chatlog/shared/fault"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/view"
)

var _ Log = (*fakeLog)(nil)

// stops is a log and a view that do not fit, and what the worker says of it.
type stops struct {
	name    string
	at      view.Progress
	records []command.Record
	change  func(s *stand)
	says    []string
}

func stopCases() []stops {
	elsewhere := upTo(5)
	elsewhere.LastID = id(77)
	trimmed := func(s *stand) { s.log.records, s.log.start = s.log.records[3:], 3 }
	rebuild := "which then rebuilds it from the log"
	return []stops{
		{"shorter than the view", upTo(9), conversation(5), nil,
			[]string{"the log ends at offset 5", "has already seen offset 8", "cut or made anew", rebuild}},
		{"empty", upTo(9), nil, nil, []string{"the log ends at offset 0", rebuild}},
		{"trimmed, the view is empty", nowhere(), conversation(9), trimmed, []string{"does not start at its beginning but at offset 3", "retention", rebuild}},
		{"trimmed, the view is behind it", upTo(2), conversation(9), trimmed, []string{"at offset 3", rebuild}},
		{"trimmed, the view is ahead of it", upTo(5), conversation(9), trimmed, []string{"at offset 3", rebuild}},
		{"another command at the last offset", elsewhere, conversation(9), nil, []string{"at offset 4", id(77), string(ours), "has grown again", rebuild}},
		{"another log", upTo(3), []command.Record{opened(0), said(1, "a"), written(other, 2, said(2, "b").Value)}, nil,
			[]string{"at offset 2", id(2), rebuild}},
		{"the record lies elsewhere", upTo(3), []command.Record{opened(0), said(1, "a"), misplaced(2)}, nil, []string{"at offset 2", rebuild}},
		{"no record at the last offset", upTo(3), []command.Record{opened(0), said(1, "a"), said(3, "b")}, nil, []string{"at offset 2", rebuild}},
		{"without a mark", upTo(3), []command.Record{opened(0), said(1, "a"), unmarked(2)}, nil, []string{"at offset 2", rebuild}},
		{"with a mark that is none", upTo(2), []command.Record{opened(0), {Offset: 1, Headers: []command.Header{{Key: "at", Value: []byte("x")}}}}, nil,
			[]string{"at offset 1", rebuild}},
		{"with bytes that are none", upTo(3), []command.Record{opened(0), said(1, "a"), invalid(2)}, nil, []string{"at offset 2", rebuild}},
		{"newer", upTo(2), append(conversation(2), newer(2), said(3, "a")), nil, []string{"offset 2", "newer version", "upgrade"}},
		{"the view cannot be made", upTo(2), conversation(9), func(s *stand) { s.view.fail = terminally("prepare") }, []string{"not ours"}},
		{"the progress cannot be read", upTo(2), conversation(9), func(s *stand) { s.view.fail = terminally("progress") }, []string{"not ours"}},
		{"the view refuses for good", upTo(2), conversation(9), func(s *stand) { s.view.fail = terminally("apply") }, []string{"not ours"}},
		{"the view is of another log", upTo(2), conversation(9), func(s *stand) {
			s.view.refuse = func(context.Context, view.Batch) ([]view.Rejection, error) {
				return nil, fmt.Errorf("%w: %s", view.ErrOtherLog, other)
			}
		}, []string{"built from another log", string(other), rebuild}},
		// There is no record to blame and so no letter to write.
		{"the view refuses a batch without commands", upTo(2), append(conversation(2), misplaced(2)), func(s *stand) {
			s.view.refuse = func(context.Context, view.Batch) ([]view.Rejection, error) { return nil, errData }
		}, []string{"cannot be stored"}},
	}
}

func terminally(call string) func(string) error {
	return func(asked string) error {
		if asked == call {
			return fault.New(fault.Terminal, "not ours")
		}
		return nil
	}
}

func TestAWorkerStopsWhereGoingOnWouldLie(t *testing.T) {
	for _, c := range stopCases() {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStand(t, c.at, c.records...)
				if c.change != nil {
					c.change(s)
				}
				defer s.run(-1)()
				s.within(cutPatience+10*time.Second, "the worker has stopped", func() bool { return s.halted() != nil })
				for _, word := range c.says {
					if said := s.halted().Error(); !strings.Contains(said, word) {
						t.Errorf("says %q, without %q", said, word)
					}
				}
				if err := s.status.Check(t.Context()); err == nil || !strings.Contains(err.Error(), "partitions [0] have stopped") {
					t.Errorf("the check says %v", err)
				}
				before := s.journal.all()
				s.log.append(said(100, "more"))
				pass(time.Hour)
				if got := s.journal.all(); len(got) != len(before) || s.view.progress().Next != c.at.Next {
					t.Errorf("after it had stopped it did %q, the view is at %+v", got, s.view.progress())
				}
				if len(s.letters.all()) > 0 {
					t.Errorf("letters %v", s.letters.all())
				}
			})
		})
	}
}

// A log may be trimmed, cut or made anew under a worker that follows it.
func TestAWorkerStopsWhenItsLogChangesUnderIt(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(l *fakeLog)
		says   string
	}{
		{"trimmed", func(l *fakeLog) { l.records, l.start = l.records[3:], 3 }, "does not start at its beginning but at offset 3"},
		{"trimmed beyond the view", func(l *fakeLog) { l.records, l.start = nil, 20 }, "does not start at its beginning but at offset 20"},
		{"cut", func(l *fakeLog) { l.records = l.records[:4] }, "the log ends at offset 4"},
		{"made anew", func(l *fakeLog) { l.records = nil }, "the log ends at offset 0"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStand(t, nowhere(), conversation(8)...)
				defer s.run(-1)()
				s.within(time.Second, "the view is at the end", s.reaches(8))
				s.log.change(func() { c.change(s.log) })
				s.within(cutPatience+10*time.Second, "the worker has stopped", func() bool { return s.halted() != nil })
				if said := s.halted().Error(); !strings.Contains(said, c.says) || !strings.Contains(said, howToRebuild) {
					t.Errorf("says %q", said)
				}
				if s.view.progress() != upTo(8) {
					t.Errorf("the view is at %+v", s.view.progress())
				}
			})
		})
	}
}

// What lies before a record of a newer program is taken first.
func TestEverythingBeforeANewerRecordIsTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, nowhere(), append(conversation(5), unmarked(5), newer(6), said(7, "a"))...)
		defer s.run(-1)()
		s.within(time.Minute, "the worker has stopped", func() bool { return s.halted() != nil })
		if s.view.progress() != next(upTo(5), 6) || len(s.letters.all()) != 1 {
			t.Errorf("the view is at %+v, letters %v", s.view.progress(), s.letters.all())
		}
	})
}

// A new leader's high watermark may lag for a moment, and the log seem shorter
// than it is: that must not stop anybody.
func TestALogThatSeemsShortForAMomentStopsNobody(t *testing.T) {
	for _, following := range []bool{false, true} {
		t.Run(fmt.Sprint("while following ", following), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				at := upTo(8)
				s := newStand(t, at, conversation(8)...)
				hidden := func() { s.log.change(func() { s.log.records = s.log.records[:5] }) }
				if !following {
					hidden()
				}
				defer s.run(-1)()
				if following {
					pass(time.Minute)
					hidden()
				}
				pass(cutPatience - time.Second)
				s.log.change(func() { s.log.records = conversation(12) })
				s.within(10*time.Second, "the view is at the end", s.reaches(12))
				pass(time.Hour)
				// Its patience is whole again: the next time is not the same time.
				hidden()
				pass(cutPatience - time.Second)
				s.log.change(func() { s.log.records = conversation(15) })
				s.within(10*time.Second, "the view is at the end again", s.reaches(15))
				if s.halted() != nil {
					t.Errorf("stopped: %v", s.halted())
				}
			})
		})
	}
}

// An error that is none of the log's is not taken for one.
func TestOtherErrorsAreNoReasonToStop(t *testing.T) {
	s := newStand(t, nowhere())
	for _, err := range []error{errDown, context.DeadlineExceeded, errors.New("odd")} {
		if got := s.worker.outOfRange(err); !errors.Is(got, err) || errors.As(got, new(stopError)) {
			t.Errorf("%v became %v", err, got)
		}
	}
	if got := s.worker.outOfRange(&kafkaconn.OutOfRangeError{Offset: 1, Start: 3, End: 9}); !errors.As(got, new(stopError)) {
		t.Errorf("a trimmed head became %v", got)
	}
}

package consume

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"chatlog/shared/command"
	"chatlog/shared/view"
)

// numbers gives from, from+1, … up to, and not including, to.
func numbers(from, to int64) []int64 {
	var out []int64
	for n := from; n < to; n++ {
		out = append(out, n)
	}
	return out
}

func TestWhereAWorkerStarts(t *testing.T) {
	for _, c := range []struct {
		name      string
		progress  int64
		committed int64
		want      []string
	}{
		{"an empty view", 0, -1, []string{"apply 0-8"}},
		{"an empty view, the group was further", 0, 5, []string{"apply 0-8"}},
		{"never committed", 5, -1, []string{"apply 5-8"}},
		{"committed is behind", 5, 3, []string{"apply 3-8"}},
		{"committed is far behind: reset to earliest", 5, 0, []string{"apply 0-8"}},
		{"committed is the same", 5, 5, []string{"apply 5-8"}},
		{"committed is ahead", 5, 7, []string{"apply 5-8"}},
		{"committed is ahead of the log", 5, 99, []string{"apply 5-8"}},
		{"nothing is left", 8, 8, nil},
		{"nothing is left, never committed", 8, -1, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStand(t, upTo(c.progress), conversation(8)...)
				defer s.run(c.committed)()
				s.within(time.Second, "the view is at the end", s.reaches(8))
				pass(3 * time.Second)
				if got := s.journal.all(); !reflect.DeepEqual(got, c.want) {
					t.Errorf("did %q, want %q", got, c.want)
				}
				if got := s.view.progress(); got != upTo(8) {
					t.Errorf("progress %+v", got)
				}
			})
		})
	}
}

// A worker follows the log for ever, and tells the group how far it is.
func TestAWorkerFollows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, nowhere())
		s.log.page = 2
		end := s.run(-1)
		pass(time.Minute) // an empty log is nothing to worry about
		for i := int64(0); i < 20; i += 4 {
			s.log.append(conversation(20)[i : i+4]...)
			s.within(time.Second, "the view follows", s.reaches(i+4))
			pass(time.Duration(i) * time.Second)
		}
		if got := s.view.kept(); !reflect.DeepEqual(got, numbers(1, 20)) {
			t.Errorf("rows %v", got)
		}
		end()
		if !slices.IsSorted(s.commits) || s.commits[len(s.commits)-1] != 20 {
			t.Errorf("commits %v", s.commits)
		}
		if s.halted() != nil || s.status.Check(t.Context()) != nil {
			t.Errorf("halted %v, check %v", s.halted(), s.status.Check(t.Context()))
		}
	})
}

// What does not count moves the view on to the log's end all the same: readers
// wait for the end.
func TestIgnoredRecordsMoveTheView(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStand(t, nowhere(), append(conversation(3), misplaced(3), control(4), misplaced(5))...)
		defer s.run(-1)()
		s.within(time.Second, "the view is at the end", s.reaches(6))
		if got := s.view.progress(); got != next(upTo(3), 6) {
			t.Errorf("progress %+v", got)
		}
		if len(s.letters.all()) > 0 {
			t.Errorf("letters %v", s.letters.all())
		}
	})
}

func TestAHoleRestartsFromTheViewsProgress(t *testing.T) {
	for _, c := range []struct {
		name      string
		committed int64
		back      view.Progress
		want      string // the first batch that is taken after it
	}{
		{"set back", -1, upTo(4), "apply 4-12"},
		{"emptied", -1, nowhere(), "apply 0-12"},
		{"set back, committed is ahead", 8, upTo(4), "apply 4-12"},
		// What was committed before the hole says nothing about the view after it.
		{"set back, committed was behind", 2, upTo(4), "apply 4-12"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStand(t, upTo(8), conversation(8)...)
				for at := int64(1); at < 8; at++ {
					s.view.rows[at] = "x"
				}
				defer s.run(c.committed)()
				pass(time.Second)
				before := len(s.journal.all())
				s.view.set(c.back)
				s.log.append(conversation(12)[8:]...)
				s.within(5*time.Second, "the view is whole again", s.reaches(12))
				if got := s.view.kept(); !reflect.DeepEqual(got, numbers(1, 12)) {
					t.Errorf("rows %v", got)
				}
				if got := s.journal.all()[before:]; !reflect.DeepEqual(got, []string{c.want}) {
					t.Errorf("did %q, want %q", got, c.want)
				}
			})
		})
	}
}

// Nothing is written to an idle partition, so Apply cannot tell its worker that
// the view was set back: the worker has to look by itself.
func TestAnIdleWorkerNoticesThatItsViewWasSetBack(t *testing.T) {
	for _, back := range []view.Progress{nowhere(), upTo(3)} {
		t.Run(fmt.Sprint("to ", back.Next), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStand(t, upTo(8), conversation(8)...)
				defer s.run(8)()
				pass(time.Hour)
				if got := s.journal.all(); got != nil {
					t.Fatalf("did %q while nothing happened", got)
				}
				s.view.set(back)
				s.within(lookEvery+2*time.Second, "the view is whole again", s.reaches(8))
				if got := s.view.kept(); !reflect.DeepEqual(got, numbers(max(1, back.Next), 8)) {
					t.Errorf("rows %v", got)
				}
			})
		})
	}
}

func TestLettersAreWrittenBeforeProgressMoves(t *testing.T) {
	records := append(conversation(3), unmarked(3), foreign(4), said(5, "a"), invalid(6), misplaced(7))
	for _, c := range []struct {
		name  string
		tells bool
		want  []string
	}{
		{"the view that tells", true, []string{"letter 00000000000000a1/3", "letter 00000000000000a1/4", "letter 00000000000000a1/6", "apply 2-8"}},
		{"another view", false, []string{"letter 00000000000000a1/6", "apply 2-8"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStand(t, upTo(2), records...)
				s.worker.tells = c.tells
				down := true
				s.letters.fail = func() error {
					if down {
						return errDown
					}
					return nil
				}
				defer s.run(-1)()
				pass(10 * time.Minute)
				if got := s.journal.all(); got != nil || s.view.progress() != upTo(2) {
					t.Fatalf("while no letter can be written: %q", got)
				}
				s.letters.mutex.Lock()
				down = false
				s.letters.mutex.Unlock()
				s.within(time.Minute, "the view is at the end", s.reaches(8))
				if got := s.journal.all(); !reflect.DeepEqual(got, c.want) {
					t.Errorf("did %q, want %q", got, c.want)
				}
			})
		})
	}
}

// Letters carry the record as it lies in the log.
func TestALetterCarriesTheRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		strange := command.Record{Offset: 2, Key: []byte{0xff, 0}, Value: nil, Headers: []command.Header{{Key: "h", Value: []byte{1}}}}
		s := newStand(t, upTo(2), append(conversation(2), strange)...)
		defer s.run(-1)()
		s.within(time.Second, "the view is at the end", s.reaches(3))
		letters := s.letters.all()
		if len(letters) != 1 || !reflect.DeepEqual(letters[0].Record, strange) || letters[0].Class != "unmarked" || letters[0].Reason == "" {
			t.Errorf("letters %+v", letters)
		}
	})
}

// Whatever a worker is doing, it ends with its context, and so does all that
// it has started: the bubble waits for every goroutine.
func TestAWorkerEndsWithItsContext(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(s *stand)
	}{
		{"idle", func(*stand) {}},
		{"preparing again and again", func(s *stand) { s.view.fail = func(string) error { return errDown } }},
		{"fetching again and again", func(s *stand) { s.log.fail = func(string) error { return errDown } }},
		{"stopped for good", func(s *stand) { s.view.at.LastID = id(77) }},
		{"stopped while the next page waits", func(s *stand) {
			s.log.page = 1
			s.log.append(newer(5), said(6, "a"), said(7, "b"))
		}},
		{"applying", func(s *stand) {
			s.log.append(said(5, "a"), said(6, "b"))
			s.view.refuse = func(ctx context.Context, _ view.Batch) ([]view.Rejection, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			}
		}},
		{"telling", func(s *stand) {
			s.log.append(unmarked(5))
			s.letters.fail = func() error { return errDown }
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStand(t, upTo(5), conversation(5)...)
				c.make(s)
				end := s.run(-1)
				pass(time.Minute)
				asked := time.Now()
				end()
				if took := time.Since(asked); took > 0 {
					t.Errorf("it took %v", took)
				}
				synctest.Wait()
				after := strings.Join(s.journal.all(), " ")
				pass(time.Minute)
				if got := strings.Join(s.journal.all(), " "); got != after {
					t.Errorf("after its end it did %q, before %q", got, after)
				}
			})
		})
	}
}

package reindex

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"chatlog/shared/view"
)

// in runs a test in a bubble, where time costs nothing.
func in(t *testing.T, end int64, test func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(newWorld(t, end)) })
}

// Writes go on all the time: the index that takes the place of the other one has
// all of them, and the order is fill, compare, refresh, swap, the rest.
func TestWritesGoOn(t *testing.T) {
	in(t, 50, func(w *world) {
		ctx, stop := context.WithCancel(w.Context())
		go func() {
			for sleep(ctx, 300*time.Millisecond) == nil {
				w.write(1)
			}
		}()
		err := w.run().Do(w.Context())
		stop()
		synctest.Wait()
		if err != nil {
			t.Fatal(err, w.told)
		}
		w.whole("two")
		w.says("two has taken the place of one")
		swap := slices.Index(w.did, "swap")
		for _, did := range []string{"count one", "count two", "messages one", "messages two"} {
			if i := slices.Index(w.did, did); i < 0 || i > swap {
				t.Errorf("%s at %d, the swap at %d", did, i, swap)
			}
		}
		if w.did[swap-1] != "refresh two" {
			t.Errorf("just before the swap: %q", w.did[swap-5:swap])
		}
	})
}

// Edits go on all the time, and the new index is some records behind: that is no
// difference.
func TestEditsGoOn(t *testing.T) {
	in(t, 20, func(w *world) {
		ctx, stop := context.WithCancel(w.Context())
		go func() {
			for sleep(ctx, 150*time.Millisecond) == nil {
				w.edit(7)
			}
		}()
		err := w.run().Do(w.Context())
		stop()
		synctest.Wait()
		if err != nil || w.family.Current != "two" {
			t.Error(err, w.told)
		}
	})
}

// What was broken off is gone on with, where it was.
func TestGoingOn(t *testing.T) {
	in(t, 50, func(w *world) {
		ctx, cancel := context.WithTimeout(w.Context(), 2*time.Second)
		defer cancel()
		if err := w.run().Do(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
		half := w.indices["two"].next
		if half < 10 || half > 30 || w.family.Current != "one" {
			t.Fatalf("at %d, %+v", half, w.family)
		}
		r := w.run()
		r.Dry = true
		began := time.Now()
		if err := r.Do(w.Context()); err != nil || w.family.Current != "one" || w.family.Next != "two" {
			t.Fatal(err, w.family)
		}
		if took := time.Since(began); took > 4*time.Second {
			t.Errorf("it took %s: it began anew", took)
		}
		w.says("going on with two, which has ")
		w.says("two could take the place of one")
		w.write(3)
		if err := w.run().Do(w.Context()); err != nil {
			t.Fatal(err)
		}
		w.whole("two")
		if err := w.run().Do(w.Context()); err == nil {
			t.Error("one more is begun while the old one is kept")
		}
	})
}

// What differs is told, and nothing is swapped.
func TestTheyDiffer(t *testing.T) {
	for name, alter := range map[string]func(old, next map[int64]view.Message){
		"one is missing in the new index": func(_, next map[int64]view.Message) { delete(next, 7) },
		"one is older there":              func(old, _ map[int64]view.Message) { old[7] = view.Message{Version: 8, Text: "later"} },
		"one is another one": func(_, next map[int64]view.Message) {
			next[7] = view.Message{Version: 7, Text: "altered"}
		},
		"one is missing in the old index": func(old, _ map[int64]view.Message) { delete(old, 7) },
		"one is in the old index alone":   func(old, _ map[int64]view.Message) { old[77] = view.Message{Version: 1} },
	} {
		t.Run(name, func(t *testing.T) {
			in(t, 20, func(w *world) {
				r := w.run()
				r.Dry = true
				if err := r.Do(w.Context()); err != nil {
					t.Fatal(err)
				}
				alter(w.indices["one"].messages, w.indices["two"].messages)
				r.Dry = false
				if err := r.Do(w.Context()); !errors.Is(err, ErrDiffer) || w.family.Current != "one" || w.family.Next != "two" {
					t.Errorf("%v, %+v, %q", err, w.family, w.told)
				}
			})
		})
	}
}

// The sinks may be stopped: what the old index lacks does not count against the
// new one.
func TestTheSinksAreStopped(t *testing.T) {
	in(t, 20, func(w *world) {
		w.sinks = false
		w.write(5)
		if err := w.run().Do(w.Context()); err != nil {
			t.Fatal(err, w.told)
		}
		w.whole("two")
		w.says("the sinks have not come to the log's end: one has not moved for 10s")
	})
}

// What fails for a moment is tried again; an answer that is lost is looked for.
func TestForAMoment(t *testing.T) {
	for _, what := range []string{"bounds", "progress two", "progress one", "refresh one", "refresh two", "count two", "sample one", "messages two", "swap"} {
		t.Run(what, func(t *testing.T) {
			in(t, 20, func(w *world) {
				w.fail[what] = 3
				if what == "swap" {
					w.fail[what] = 1
				}
				if err := w.run().Do(w.Context()); err != nil {
					t.Fatal(err)
				}
				w.whole("two")
			})
		})
	}
}

func TestWhatCannotGoOn(t *testing.T) {
	t.Run("a worker has stopped", func(t *testing.T) {
		in(t, 20, func(w *world) {
			w.halted = errors.New("another log")
			if err := w.run().Do(w.Context()); !errors.Is(err, w.halted) || w.family.Current != "one" {
				t.Error(err)
			}
		})
	})
	t.Run("the old index was replaced meanwhile", func(t *testing.T) {
		in(t, 20, func(w *world) {
			w.swapped = func() {
				w.family.Current, w.indices["other"] = "other", w.index()
			}
			if err := w.run().Do(w.Context()); err == nil || w.family.Current != "other" {
				t.Error(err, w.family)
			}
		})
	})
	t.Run("the index cannot be made", func(t *testing.T) {
		in(t, 20, func(w *world) {
			w.fail["begin"] = 1
			if err := w.run().Do(w.Context()); err == nil || slices.Contains(w.did, "swap") {
				t.Error(err)
			}
		})
	})
}

// The rest is for the sinks when it cannot be brought: the swap is done.
func TestTheRestCannotBeBrought(t *testing.T) {
	in(t, 20, func(w *world) {
		r := w.run()
		w.swapped = func() { w.halted = errors.New("stopped") }
		w.sinks = false
		rest := r.FillRest
		r.FillRest = func(ctx context.Context) Crew {
			w.write(1)
			return rest(ctx)
		}
		if err := r.Do(w.Context()); err != nil || w.family.Current != "two" {
			t.Error(err)
		}
		w.says("the sinks bring the rest into it: stopped")
	})
}

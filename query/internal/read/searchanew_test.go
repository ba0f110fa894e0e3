package read

import (
	"context"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"chatlog/shared/fault"
	"chatlog/shared/position"
	"chatlog/shared/searchview"
	"chatlog/shared/view"
)

// goneIndex is deleted and made anew, or replaced, just before it is searched for
// the first time.
type goneIndex struct {
	*fakeIndex
	anew  view.Progress
	which string
	gone  bool
}

func (i *goneIndex) Search(ctx context.Context, q searchview.Query) ([]searchview.Hit, error) {
	if !i.gone {
		i.gone, i.at, i.fakeIndex.which = true, i.anew, i.which
	}
	return i.fakeIndex.Search(ctx, q)
}

// What an index lacks that was made anew after it had caught up is not passed off
// as all there is: the reader waits until that one has the write, too, and shows
// it. One that is as far may not have shown it when it was searched.
func TestASearchOfAnIndexThatWasMadeAnew(t *testing.T) {
	for name, c := range map[string]struct {
		anew     view.Progress
		which    string
		after    *position.Token
		comes    bool // it catches up in time
		kind     fault.Kind
		searches int
	}{
		"empty":                 {view.Progress{LastOffset: -1}, "new", token(3), true, 0, 2},
		"empty, and stays so":   {view.Progress{LastOffset: -1}, "new", token(3), false, fault.Transient, 1},
		"not so far yet":        {view.Progress{Log: ours, Next: 3}, "new", token(3), true, 0, 2},
		"not so far, and stays": {view.Progress{Log: ours, Next: 3}, "new", token(3), false, fault.Transient, 1},
		"set back itself":       {view.Progress{Log: ours, Next: 3}, "", token(3), true, 0, 2},
		"as far":                {view.Progress{Log: ours, Next: 4}, "new", token(3), true, 0, 2},
		"the same":              {view.Progress{Log: ours, Next: 4}, "", token(3), true, 0, 1},
		"of another log":        {view.Progress{Log: other, Next: 4}, "new", token(3), true, fault.Invalid, 1},
		"no token":              {view.Progress{LastOffset: -1}, "new", nil, true, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStand(t)
				s.begin()
				_, index, refresh := searching(s, 4)
				s.waiter.do = func(ctx context.Context, next int64) error {
					if !c.comes {
						<-ctx.Done()
						return ctx.Err()
					}
					time.Sleep(time.Second)
					index.at.Log, index.at.Next = ours, next
					return nil
				}
				from := time.Now()
				searcher := NewSearcher(s.reader, &goneIndex{fakeIndex: index, anew: c.anew, which: c.which}, s.freshness(), refresh)
				_, err := searcher.search(t.Context(), searchview.Query{Application: app, Chat: 1, Limit: 5}, c.after)
				if c.kind == 0 && err != nil || c.kind != 0 && !fault.Is(err, c.kind) {
					t.Errorf("got %v after %q", err, index.done)
				}
				searches := 0
				for i, did := range index.done {
					if did != "search" {
						continue
					}
					if searches++; c.after != nil && !slices.Equal(index.done[i-1:i], []string{"refresh"}) {
						t.Errorf("searched without a refresh: %q", index.done)
					}
				}
				if searches != c.searches || s.counts["replaced"] != c.searches-1 && c.kind == 0 {
					t.Errorf("%d searches, counted %v: %q", searches, s.counts, index.done)
				}
				if took := time.Since(from); took > s.freshness().Limit {
					t.Errorf("it took %s", took)
				}
			})
		})
	}
}

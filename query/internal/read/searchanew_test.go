package read

import (
	"context"
	"testing"

	"chatlog/shared/fault"
	"chatlog/shared/position"
	"chatlog/shared/searchview"
	"chatlog/shared/view"
)

// goneIndex is deleted and made anew, or replaced, just before it is searched.
type goneIndex struct {
	*fakeIndex
	anew view.Progress
}

func (i *goneIndex) Search(ctx context.Context, q searchview.Query) ([]searchview.Hit, error) {
	i.at = i.anew
	_, err := i.fakeIndex.Search(ctx, q)
	return nil, err
}

// What an index lacks that was made anew after it had caught up is not passed off
// as all there is: the write that the token names is not in it.
func TestASearchOfAnIndexThatWasMadeAnew(t *testing.T) {
	for name, c := range map[string]struct {
		anew  view.Progress
		after *position.Token
		kind  fault.Kind
	}{
		"empty":          {view.Progress{LastOffset: -1}, token(3), fault.Transient},
		"not so far yet": {view.Progress{Log: ours, Next: 3}, token(3), fault.Transient},
		"as far":         {view.Progress{Log: ours, Next: 4}, token(3), 0},
		"no token":       {view.Progress{LastOffset: -1}, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStand(t)
			s.begin()
			_, index, refresh := searching(s, 4)
			searcher := NewSearcher(s.reader, &goneIndex{index, c.anew}, s.freshness(), refresh)
			_, err := searcher.search(t.Context(), searchview.Query{Application: app, Chat: 1, Limit: 5}, c.after)
			if c.kind == 0 && err != nil || c.kind != 0 && !fault.Is(err, c.kind) {
				t.Errorf("got %v after %q", err, index.done)
			}
		})
	}
}

package read

import (
	"context"

	"chatlog/shared/analysis"
	"chatlog/shared/fault"
	"chatlog/shared/position"
	"chatlog/shared/searchview"
	"chatlog/shared/view"
)

// Refresh makes what is in the index visible, shared by all who ask at once.
type Refresh interface {
	Do(ctx context.Context, key struct{}) (struct{}, error)
}

// Searcher answers searches.
type Searcher struct {
	reader    *Reader
	index     searchview.Index
	freshness *Freshness // of the index
	refresh   Refresh
}

// NewSearcher makes a searcher; existence is looked up by the reader.
func NewSearcher(r *Reader, index searchview.Index, f *Freshness, refresh Refresh) *Searcher {
	return &Searcher{reader: r, index: index, freshness: f, refresh: refresh}
}

var errQuery = fault.New(fault.Invalid, "Search text is too long")

// Search finds messages in a chat, or in the whole application for chat 0.
func (s *Searcher) Search(ctx context.Context, application string, chat int64, text string, limit int, after *position.Token) ([]searchview.Hit, error) {
	clauses, ok := analysis.Query(text)
	if !ok {
		return nil, errQuery
	}
	if err := s.exists(ctx, application, chat, after); err != nil {
		return nil, err
	}
	if after != nil {
		if err := s.catchUp(ctx, application, after); err != nil {
			return nil, err
		}
	}
	return s.search(ctx, searchview.Query{Application: application, Chat: chat, Clauses: clauses, Limit: limit}, after)
}

func (s *Searcher) exists(ctx context.Context, application string, chat int64, after *position.Token) (err error) {
	if chat == 0 {
		_, err = s.reader.Application(ctx, application, after)
	} else {
		_, err = s.reader.Chat(ctx, view.ChatKey{Application: application, Number: chat}, after)
	}
	return err
}

// catchUp waits until the index has the write, and makes it visible: a refresh
// that began before the progress was seen may not show it.
func (s *Searcher) catchUp(ctx context.Context, application string, after *position.Token) error {
	w := s.reader.want(application, after)
	_, _, err := Settle(ctx, s.freshness, w, func(ctx context.Context) (struct{}, bool, view.Progress, error) {
		p, _, err := s.index.Progress(ctx, w.Partition)
		return struct{}{}, true, p, err
	})
	if err != nil {
		return err
	}
	_, err = s.refresh.Do(ctx, struct{}{})
	return err
}

// search asks the index, and looks at its progress once more: an index that was
// made anew or replaced since it had caught up lacks what the token names.
func (s *Searcher) search(ctx context.Context, q searchview.Query, after *position.Token) ([]searchview.Hit, error) {
	found, err := s.index.Search(ctx, q)
	if err != nil || after == nil {
		return found, err
	}
	p, _, err := s.index.Progress(ctx, s.reader.want(q.Application, after).Partition)
	if err == nil && (p.Log != after.Log || p.Next <= after.Offset) {
		err = errBehind
	}
	if err != nil {
		return nil, err
	}
	return found, nil
}

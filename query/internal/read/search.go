package read

import (
	"context"
	"time"

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

// Search is what somebody looks for.
type Search struct {
	Application string
	Chat        int64 // 0: the whole application
	Text        string
	Newest      bool              // the newest first, not the best
	From, To    time.Time         // when the message was created, To not included; zero: whenever
	After       *searchview.Place // only what comes after it; nil: from the first on
	Limit       int
	Highlight   bool
}

// Hit is a message that was found.
type Hit struct {
	searchview.Hit
	Highlight string // the text as HTML, with what was found marked; empty if not wanted
}

var errQuery = fault.New(fault.Invalid, "Search text is too long")

// Search finds messages.
func (s *Searcher) Search(ctx context.Context, q Search, after *position.Token) ([]Hit, error) {
	clauses, ok := analysis.Query(q.Text)
	if !ok {
		return nil, errQuery
	}
	if err := s.exists(ctx, q.Application, q.Chat, after); err != nil {
		return nil, err
	}
	if after != nil {
		if err := s.catchUp(ctx, q.Application, after); err != nil {
			return nil, err
		}
	}
	found, err := s.search(ctx, searchview.Query{Application: q.Application, Chat: q.Chat, Clauses: clauses,
		Newest: q.Newest, From: q.From, To: q.To, After: q.After, Limit: q.Limit}, after)
	if err != nil {
		return nil, err
	}
	return shown(ctx, found, clauses, q.Highlight)
}

// errLong: a thousand of the longest texts take seconds to mark, and no client
// may hold a processor for longer than the engine may take to find them.
var errLong = fault.New(fault.Transient, "Temporarily unavailable")

// shown gives hits as they were found, with their highlights if wanted.
func shown(ctx context.Context, found []searchview.Hit, clauses []analysis.Clause, highlight bool) ([]Hit, error) {
	ctx, cancel := context.WithTimeout(ctx, searchview.Patience)
	defer cancel()
	hits := make([]Hit, len(found))
	for i, h := range found {
		if hits[i].Hit = h; !highlight {
			continue
		}
		if ctx.Err() != nil {
			return nil, errLong
		}
		hits[i].Highlight = analysis.Highlight(h.Text, clauses)
	}
	return hits, nil
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

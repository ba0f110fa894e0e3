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
// that began before the progress was seen may not show it. It tells which index
// that is.
func (s *Searcher) catchUp(ctx context.Context, w Want) (index string, err error) {
	index, _, err = Settle(ctx, s.freshness, w, func(ctx context.Context) (string, bool, view.Progress, error) {
		at, err := s.index.Standing(ctx, w.Partition)
		return at.Index, true, at.Progress, err
	})
	if err != nil {
		return "", err
	}
	_, err = s.refresh.Do(ctx, struct{}{})
	return index, err
}

// search asks the index, with a token once it has the write, and looks where it
// stands once more: one that was made anew or has taken the other's place since may
// lack the write, or not show it yet, however far it is by now. Then the reader
// waits for that one.
func (s *Searcher) search(ctx context.Context, q searchview.Query, after *position.Token) ([]searchview.Hit, error) {
	if after == nil {
		return s.index.Search(ctx, q)
	}
	w := s.reader.want(q.Application, after)
	waiting, cancel := context.WithTimeout(ctx, s.freshness.Limit) // for all indices together
	defer cancel()
	for {
		index, err := s.catchUp(waiting, w)
		if err != nil {
			return nil, err
		}
		found, err := s.index.Search(ctx, q)
		if err != nil {
			return nil, err
		}
		now, err := s.index.Standing(ctx, w.Partition)
		if err != nil {
			return nil, err
		}
		if p := now.Progress; now.Index == index && p.Log == after.Log && p.Next > after.Offset {
			return found, nil
		}
		s.freshness.Count("replaced")
		if waiting.Err() != nil {
			return nil, errBehind
		}
	}
}

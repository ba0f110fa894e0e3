package read

import (
	"context"
	"errors"
	"reflect"
	"strings"
	"testing"

	"chatlog/shared/fault"
	"chatlog/shared/position"
	"chatlog/shared/searchview"
	"chatlog/shared/view"
)

// fakeIndex notes what is asked of it.
type fakeIndex struct {
	searchview.Index // whatever else is asked, panics
	done             []string
	at               view.Progress
	which            string
	query            searchview.Query
}

func (i *fakeIndex) Standing(_ context.Context, p int32) (searchview.Standing, error) {
	i.done = append(i.done, "progress")
	if p != partition {
		return searchview.Standing{}, errors.New("asked for another partition")
	}
	return searchview.Standing{Index: i.which, Progress: i.at}, nil
}

func (i *fakeIndex) Search(_ context.Context, q searchview.Query) ([]searchview.Hit, error) {
	i.done = append(i.done, "search")
	i.query = q
	return []searchview.Hit{{Application: q.Application, Chat: 1, Number: 2, Text: "two"}}, nil
}

type fakeRefresh struct {
	index *fakeIndex
	err   error
}

func (r *fakeRefresh) Do(context.Context, struct{}) (struct{}, error) {
	r.index.done = append(r.index.done, "refresh")
	return struct{}{}, r.err
}

// searching makes a searcher over an index that has come so far.
func searching(s *stand, next int64) (*Searcher, *fakeIndex, *fakeRefresh) {
	index := &fakeIndex{at: view.Progress{Log: ours, Next: next}}
	refresh := &fakeRefresh{index: index}
	return NewSearcher(s.reader, index, s.freshness(), refresh), index, refresh
}

func TestSearch(t *testing.T) {
	for _, c := range []struct {
		name  string
		next  int64 // the index's progress
		chat  int64
		text  string
		after *position.Token
		kind  fault.Kind
		says  string
		done  []string
	}{
		{name: "in a chat", next: 4, chat: 1, text: "two", done: []string{"search"}},
		{name: "in the application", next: 4, text: "two", done: []string{"search"}},
		{name: "without a token the index may be behind", next: 1, chat: 1, text: "two", done: []string{"search"}},
		{name: "for nothing", next: 4, chat: 1, text: " ", done: []string{"search"}},
		{name: "with a token, the index is there", next: 4, chat: 1, text: "two", after: token(3), done: []string{"progress", "refresh", "search", "progress"}},
		{name: "with a token, the index is behind", next: 3, chat: 1, text: "two", after: token(3), done: []string{"progress", "wait", "progress", "refresh", "search", "progress"}},
		{name: "in a chat that is not there", next: 4, chat: 7, text: "two", kind: fault.NotFound, says: ErrChat.Public},
		{name: "with a token of another log", next: 4, chat: 1, text: "two", after: &position.Token{Log: other, Partition: partition},
			kind: fault.Invalid, says: "Consistency-Token is of another log"},
		{name: "for too much", next: 4, chat: 1, text: strings.Repeat("x", 5000), kind: fault.Invalid, says: "Search text is too long"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStand(t)
			s.begin()
			searcher, index, _ := searching(s, c.next)
			s.waiter.do = func(_ context.Context, next int64) error {
				index.done, index.at.Next = append(index.done, "wait"), next
				return nil
			}
			hits, err := searcher.Search(t.Context(), Search{Application: app, Chat: c.chat, Text: c.text, Limit: 5}, c.after)
			if !reflect.DeepEqual(index.done, c.done) {
				t.Errorf("did %q, want %q", index.done, c.done)
			}
			if c.kind != 0 {
				s.says(err, c.kind, c.says)
			} else if err != nil || len(hits) != 1 || index.query.Application != app || index.query.Chat != c.chat || index.query.Limit != 5 {
				t.Errorf("found %v, %v by %+v", hits, err, index.query)
			}
		})
	}
}

// Before the refresh there is nothing that may be shown.
func TestASearchThatIsNotFreshIsNotGiven(t *testing.T) {
	for _, c := range []struct {
		name    string
		next    int64
		refresh error
		says    string
	}{
		{"the index does not catch up", 3, nil, "The write is not visible yet, try again later"},
		{"the index cannot be refreshed", 4, fault.New(fault.Transient, "Search is down"), "Search is down"},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStand(t)
			s.begin()
			searcher, index, refresh := searching(s, c.next)
			refresh.err = c.refresh
			s.waiter.do = func(context.Context, int64) error { return context.DeadlineExceeded }
			_, err := searcher.Search(t.Context(), Search{Application: app, Chat: 1, Text: "two", Limit: 5}, token(3))
			s.says(err, fault.Transient, c.says)
			if index.done[len(index.done)-1] == "search" {
				t.Errorf("did %q", index.done)
			}
		})
	}
}

// The index may have been made anew from another log while MySQL was not.
func TestASearchWithAnIndexOfAnotherLog(t *testing.T) {
	s := newStand(t)
	s.begin()
	searcher, index, _ := searching(s, 4)
	index.at.Log = other
	_, err := searcher.Search(t.Context(), Search{Application: app, Chat: 1, Text: "two", Limit: 5}, token(3))
	s.says(err, fault.Invalid, "Consistency-Token is of another log")
}

// What is asked for reaches the index, and only who wants it gets a highlight.
func TestWhatASearchAsksFor(t *testing.T) {
	s := newStand(t)
	s.begin()
	searcher, index, _ := searching(s, 4)
	place := searchview.Place{Class: 2, Created: 7, Number: 3, Chat: 1}
	for _, highlight := range []string{"", "<em>two</em>"} {
		hits, err := searcher.Search(t.Context(), Search{Application: app, Chat: 1, Text: "two", Limit: 5, Newest: true, From: began, To: began.Add(1), After: &place,
			Highlight: highlight != ""}, nil)
		if err != nil || len(hits) != 1 || hits[0].Highlight != highlight || hits[0].Text != "two" {
			t.Errorf("%+v %v", hits, err)
		}
		if q := index.query; !q.Newest || q.From != began || q.To != began.Add(1) || q.After != &place || len(q.Clauses) != 1 {
			t.Errorf("asked for %+v", q)
		}
	}
}

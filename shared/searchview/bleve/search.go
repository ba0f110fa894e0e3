package bleve

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/search/query"

	"chatlog/shared/analysis"
	"chatlog/shared/searchview"
)

// Search finds the messages that meet all clauses: those with all words exactly
// as asked for first, then those with parts of words; newest first among equals.
func (x *Index) Search(ctx context.Context, q searchview.Query) ([]searchview.Hit, error) {
	if len(q.Clauses) == 0 || q.Limit < 1 {
		return nil, nil
	}
	exact := []query.Query{scope(q)}
	all := []query.Query{scope(q)}
	parts := false
	for _, c := range q.Clauses {
		exact = append(exact, run("words", c.Words))
		all = append(all, either(c))
		parts = parts || len(c.Grams) > 0
	}
	hits, err := x.find(ctx, bleve.NewConjunctionQuery(exact...), q.Limit)
	if err != nil || !parts || len(hits) == q.Limit {
		return hits, err
	}
	rest := bleve.NewBooleanQuery()
	rest.AddMust(all...)
	rest.AddMustNot(bleve.NewConjunctionQuery(exact...))
	more, err := x.find(ctx, rest, q.Limit-len(hits))
	return append(hits, more...), err
}

// find runs one query, newest first.
func (x *Index) find(ctx context.Context, what query.Query, limit int) ([]searchview.Hit, error) {
	r := bleve.NewSearchRequestOptions(what, limit, 0, false)
	r.SortBy([]string{"-created", "-number"})
	r.Score = "none"
	r.Fields = []string{"stored"}
	answer, err := x.index.SearchInContext(ctx, r)
	if err != nil {
		return nil, transient(err)
	}
	if answer.Status != nil && answer.Status.Failed > 0 { // part of an answer is not passed off as the whole
		return nil, transient(errors.New("incomplete"))
	}
	hits := make([]searchview.Hit, 0, len(answer.Hits))
	for _, h := range answer.Hits {
		var s stored
		raw, _ := h.Fields["stored"].(string)
		if err := json.Unmarshal([]byte(raw), &s); err != nil {
			return nil, transient(err)
		}
		application, chat, number, err := parseID(h.ID)
		if err != nil {
			return nil, transient(err)
		}
		hits = append(hits, searchview.Hit{Application: application, Chat: chat, Number: number, Text: s.Message})
	}
	return hits, nil
}

func scope(q searchview.Query) query.Query {
	if q.Chat != 0 {
		return term("chat", chatKey(q.Application, q.Chat))
	}
	return term("application", q.Application)
}

func term(field, text string) query.Query {
	t := bleve.NewTermQuery(text)
	t.SetField(field)
	return t
}

// either is met by the clause's words, or by its grams as a part of a word.
func either(c analysis.Clause) query.Query {
	if len(c.Grams) == 0 {
		return run("words", c.Words)
	}
	return bleve.NewDisjunctionQuery(run("words", c.Words), run("grams", c.Grams))
}

// run is met by terms that stand next to each other.
func run(field string, terms []string) query.Query {
	if len(terms) == 1 {
		return term(field, terms[0])
	}
	return bleve.NewPhraseQuery(terms, field)
}

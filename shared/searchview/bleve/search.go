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
		exact = append(exact, every("words", c.Words))
		all = append(all, either(c))
		parts = parts || len(c.Grams) > 0
	}
	hits, err := x.find(ctx, bleve.NewConjunctionQuery(exact...), q, true, q.Limit)
	if err != nil || !parts || len(hits) == q.Limit {
		return hits, err
	}
	more, err := x.find(ctx, bleve.NewConjunctionQuery(all...), q, false, q.Limit-len(hits))
	return append(hits, more...), err
}

// candidates is how many documents are looked at in one go.
const candidates = 256

// find looks through the documents that have all the tokens, newest first, for
// those that meet the clauses. The index keeps no positions: comparing them
// takes time quadratic in a text's length here, comparing texts does not.
func (x *Index) find(ctx context.Context, what query.Query, q searchview.Query, exactly bool, limit int) ([]searchview.Hit, error) {
	hits := make([]searchview.Hit, 0, min(limit, candidates))
	for from := 0; ; from += candidates {
		r := bleve.NewSearchRequestOptions(what, candidates, from, false)
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
		for _, h := range answer.Hits {
			raw, _ := h.Fields["stored"].(string)
			hit, err := parse(h.ID, raw)
			if err != nil {
				return nil, transient(err)
			}
			if met, exact := analysis.Match(hit.Text, q.Clauses); !met || exact != exactly {
				continue
			}
			if hits = append(hits, hit); len(hits) == limit {
				return hits, nil
			}
		}
		if len(answer.Hits) < candidates {
			return hits, nil
		}
	}
}

func parse(id, raw string) (searchview.Hit, error) {
	var s stored
	if err := json.Unmarshal([]byte(raw), &s); err != nil {
		return searchview.Hit{}, err
	}
	application, chat, number, err := parseID(id)
	return searchview.Hit{Application: application, Chat: chat, Number: number, Text: s.Message}, err
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
		return every("words", c.Words)
	}
	return bleve.NewDisjunctionQuery(every("words", c.Words), every("grams", c.Grams))
}

// every is met by documents that have all the terms.
func every(field string, terms []string) query.Query {
	list := make([]query.Query, 0, len(terms))
	seen := map[string]bool{}
	for _, t := range terms {
		if !seen[t] {
			seen[t] = true
			list = append(list, term(field, t))
		}
	}
	if len(list) == 1 {
		return list[0]
	}
	return bleve.NewConjunctionQuery(list...)
}

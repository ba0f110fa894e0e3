package bleve

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"time"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/search"
	"github.com/blevesearch/bleve/v2/search/query"

	"chatlog/shared/analysis"
	"chatlog/shared/searchview"
)

// Search finds the messages that meet all clauses, in the order of
// searchview.Place, or the newest first.
func (x *Index) Search(ctx context.Context, q searchview.Query) ([]searchview.Hit, error) {
	if len(q.Clauses) == 0 || q.Limit < 1 {
		return nil, nil
	}
	q.Limit = min(q.Limit, searchview.MaxHits)
	ctx, cancel := context.WithTimeout(ctx, searchview.Patience)
	defer cancel()
	if q.Newest {
		return x.find(ctx, q, analysis.None)
	}
	hits := []searchview.Hit{}
	for _, class := range classes(q) {
		more, err := x.find(ctx, q, class)
		if err != nil {
			return nil, err
		}
		if hits = append(hits, more...); len(more) == q.Limit {
			return hits, nil
		}
		q.Limit -= len(more)
		q.After = nil
	}
	return hits, nil
}

// classes are those that hits of a query can be of, after what was given
// already, the best one first.
func classes(q searchview.Query) (list []analysis.Class) {
	possible := [analysis.Exact + 1]bool{analysis.Exact: true}
	for _, c := range q.Clauses {
		possible[analysis.Part] = possible[analysis.Part] || len(c.Grams) > 0 || len(c.Forms) > 0
		possible[analysis.Typo] = possible[analysis.Typo] || c.Typos > 0
	}
	for class := analysis.Exact; class > analysis.None; class-- {
		if possible[class] && (q.After == nil || class <= q.After.Class) {
			list = append(list, class)
		}
	}
	return list
}

// candidates is how many documents are looked at in one go, at most and at least.
const (
	candidates    = 256
	fewCandidates = 32
)

// find looks through the documents that have all the tokens, newest first, for
// those that meet the clauses as a class says (None: in any way). The index keeps
// no positions: comparing them takes time quadratic in a text's length here,
// comparing texts does not.
func (x *Index) find(ctx context.Context, q searchview.Query, class analysis.Class) ([]searchview.Hit, error) {
	hits := make([]searchview.Hit, 0, min(q.Limit, candidates))
	size := min(max(q.Limit, fewCandidates), candidates)
	r := bleve.NewSearchRequestOptions(wanted(q, class), size, 0, false)
	r.SortByCustom(search.SortOrder{descending("created"), descending("number"), descending("place")})
	r.Score = "none"
	r.Fields = []string{"stored"}
	if q.After != nil {
		r.SearchAfter = after(*q.After)
	}
	for {
		answer, err := x.index.SearchInContext(ctx, r)
		if err != nil {
			return nil, transient(err)
		}
		if answer.Status != nil && answer.Status.Failed > 0 { // part of an answer is not passed off as the whole
			return nil, transient(errors.New("incomplete"))
		}
		var last searchview.Hit
		for _, h := range answer.Hits {
			raw, _ := h.Fields["stored"].(string)
			if last, err = parse(h.ID, raw); err != nil {
				return nil, transient(err)
			}
			met := analysis.Match(last.Text, q.Clauses)
			if met == analysis.None || class != analysis.None && met != class {
				continue
			}
			hit := last
			hit.Class = class
			if hits = append(hits, hit); len(hits) == q.Limit {
				return hits, nil
			}
		}
		if len(answer.Hits) < size {
			return hits, nil
		}
		if ctx.Err() != nil {
			return nil, transient(context.Cause(ctx))
		}
		r.SearchAfter = after(last.Place())
	}
}

func descending(field string) search.SearchSort {
	return &search.SortField{Field: field, Type: search.SortFieldAsNumber, Desc: true}
}

// after is a place as the engine takes it.
func after(p searchview.Place) []string {
	return []string{strconv.FormatInt(p.Created, 10), strconv.FormatInt(p.Number, 10), strconv.FormatInt(p.Chat, 10)}
}

func parse(id, raw string) (searchview.Hit, error) {
	var s stored
	if err := json.Unmarshal([]byte(raw), &s); err != nil {
		return searchview.Hit{}, err
	}
	application, chat, number, err := parseID(id)
	h := searchview.Hit{Application: application, Chat: chat, Number: number, Text: s.Message, Created: time.UnixMicro(s.Created).UTC()}
	if s.Edited != 0 {
		h.Edited = time.UnixMicro(s.Edited).UTC()
	}
	return h, err
}

// wanted finds all documents that can meet the clauses as a class says, and
// leaves out those that certainly meet them exactly where that is too well.
func wanted(q searchview.Query, class analysis.Class) query.Query {
	must := append([]query.Query{scope(q)}, created(q.From, q.To)...)
	single := true
	var exact []query.Query
	for _, c := range q.Clauses {
		must = append(must, meets(c, class))
		exact = append(exact, every("words", c.Words))
		single = single && len(c.Words) == 1
	}
	if single && (class == analysis.Part || class == analysis.Typo) {
		return query.NewBooleanQuery(must, nil, []query.Query{bleve.NewConjunctionQuery(exact...)})
	}
	return bleve.NewConjunctionQuery(must...)
}

func scope(q searchview.Query) query.Query {
	if q.Chat != 0 {
		return term("chat", chatKey(q.Application, q.Chat))
	}
	return term("application", q.Application)
}

// created bounds the time that a message was created at.
func created(from, to time.Time) []query.Query {
	if from.IsZero() && to.IsZero() {
		return nil
	}
	var least, below *float64
	yes, no := true, false
	if !from.IsZero() {
		n := float64(searchview.Micros(from))
		least = &n
	}
	if !to.IsZero() {
		n := float64(searchview.Micros(to))
		below = &n
	}
	r := bleve.NewNumericRangeInclusiveQuery(least, below, &yes, &no)
	r.SetField("created")
	return []query.Query{r}
}

func term(field, text string) query.Query {
	t := bleve.NewTermQuery(text)
	t.SetField(field)
	return t
}

// meets is what can meet a clause as a class says, or better: by its words, by
// its grams as a part of a word, or by words that are near.
func meets(c analysis.Clause, class analysis.Class) query.Query {
	ways := []query.Query{every("words", c.Words)}
	if class <= analysis.Part && len(c.Grams) > 0 {
		ways = append(ways, every("grams", c.Grams))
	}
	if class <= analysis.Part {
		for _, form := range c.Forms {
			ways = append(ways, every("words", form))
		}
	}
	if class <= analysis.Typo && c.Typos > 0 {
		ways = append(ways, near(c.Words[0], c.Typos))
	}
	if len(ways) == 1 {
		return ways[0]
	}
	return bleve.NewDisjunctionQuery(ways...)
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

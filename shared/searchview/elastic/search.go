package elastic

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"strings"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"chatlog/shared/analysis"
	"chatlog/shared/searchview"
)

type object = map[string]any

// Search finds the messages that meet all clauses: those with all words exactly
// as asked for first, then those with parts of words; newest first among equals.
func (x *Index) Search(ctx context.Context, q searchview.Query) ([]searchview.Hit, error) {
	if len(q.Clauses) == 0 || q.Limit < 1 {
		return nil, nil
	}
	filter := []any{object{"term": object{"application": q.Application}}, object{"term": object{"deleted": false}}}
	if q.Chat != 0 {
		filter = append(filter, object{"term": object{"chat": q.Chat}})
	}
	var exact []any
	for _, c := range q.Clauses {
		filter = append(filter, either(c))
		exact = append(exact, run("words", c.Words))
	}
	body, err := json.Marshal(object{
		"query": object{"bool": object{"filter": filter,
			"should": object{"constant_score": object{"filter": object{"bool": object{"filter": exact}}}}}},
		"sort":             []any{"_score", object{"created": "desc"}, object{"number": "desc"}},
		"size":             q.Limit,
		"_source":          []string{"chat", "number", "message"},
		"track_total_hits": false,
		"timeout":          "5s",
	})
	if err != nil {
		return nil, err
	}
	var answer struct {
		TimedOut bool `json:"timed_out"`
		Shards   struct {
			Failed int `json:"failed"`
		} `json:"_shards"`
		Hits struct {
			Hits []struct {
				Source document `json:"_source"`
			} `json:"hits"`
		} `json:"hits"`
	}
	partial := false
	err = x.do(ctx, "search", esapi.SearchRequest{Index: []string{x.cfg.Alias}, Routing: []string{q.Application}, Body: bytes.NewReader(body),
		AllowPartialSearchResults: &partial, FilterPath: []string{"timed_out", "_shards.failed", "hits.hits._source"}}, &answer)
	if err != nil {
		return nil, err
	}
	if answer.TimedOut || answer.Shards.Failed > 0 { // part of an answer is not passed off as the whole
		return nil, transient("search", errors.New("incomplete"))
	}
	hits := make([]searchview.Hit, 0, len(answer.Hits.Hits))
	for _, h := range answer.Hits.Hits {
		hits = append(hits, searchview.Hit{Application: q.Application, Chat: h.Source.Chat, Number: h.Source.Number, Text: h.Source.Message})
	}
	return hits, nil
}

// either is met by the clause's words, or by its grams as a part of a word.
func either(c analysis.Clause) object {
	if len(c.Grams) == 0 {
		return run("words", c.Words)
	}
	return object{"bool": object{"should": []any{run("words", c.Words), run("grams", c.Grams)}}}
}

// run is met by terms that stand next to each other. The field's analyzer
// splits at white space, and no term has any.
func run(field string, terms []string) object {
	if len(terms) == 1 {
		return object{"term": object{field: terms[0]}}
	}
	return object{"match_phrase": object{field: strings.Join(terms, " ")}}
}

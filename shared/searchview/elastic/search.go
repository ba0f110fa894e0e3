package elastic

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"chatlog/shared/analysis"
	"chatlog/shared/searchview"
)

type object = map[string]any

// found is the answer to a search.
type found struct {
	TimedOut *bool `json:"timed_out"` // nil: not told, and so not known
	Shards   struct {
		Failed *int `json:"failed"`
	} `json:"_shards"`
	Hits struct {
		Hits []struct {
			Score  float64  `json:"_score"` // null, when hits are not ordered by it
			Source document `json:"_source"`
		} `json:"hits"`
	} `json:"hits"`
}

// whole reports whether the answer says that it is of all shards, to the end.
func (f found) whole() bool {
	return f.TimedOut != nil && !*f.TimedOut && f.Shards.Failed != nil && *f.Shards.Failed == 0
}

// Search finds the messages that meet all clauses, in the order of
// searchview.Place, or the newest first. It asks the one shard that the
// application is in.
func (x *Index) Search(ctx context.Context, q searchview.Query) ([]searchview.Hit, error) {
	if len(q.Clauses) == 0 || q.Limit < 1 {
		return nil, nil
	}
	body, err := json.Marshal(bodyOf(q))
	if err != nil {
		return nil, err
	}
	var answer found
	partial := false
	err = x.do(ctx, "search", esapi.SearchRequest{Index: []string{x.cfg.Alias}, Routing: []string{q.Application}, Body: bytes.NewReader(body),
		AllowPartialSearchResults: &partial, FilterPath: []string{"timed_out", "_shards.failed", "hits.hits._score", "hits.hits._source"}}, &answer)
	if err != nil {
		return nil, err
	}
	return hitsOf(q, answer)
}

// hitsOf reads an answer. Part of one is not passed off as the whole.
func hitsOf(q searchview.Query, answer found) ([]searchview.Hit, error) {
	if !answer.whole() {
		return nil, transient("search", errors.New("incomplete"))
	}
	hits := make([]searchview.Hit, 0, len(answer.Hits.Hits))
	for _, h := range answer.Hits.Hits {
		hit := searchview.Hit{Application: q.Application, Chat: h.Source.Chat, Number: h.Source.Number, Text: h.Source.Message,
			Created: time.UnixMicro(h.Source.Created).UTC()}
		if h.Source.Edited != 0 {
			hit.Edited = time.UnixMicro(h.Source.Edited).UTC()
		}
		if !q.Newest {
			hit.Class = analysis.Typo + analysis.Class(h.Score)
		}
		if hit.Chat < 1 || hit.Number < 1 || hit.Text == "" || h.Score < 0 || h.Score > float64(analysis.Exact-analysis.Typo) {
			return nil, transient("search", fmt.Errorf("a hit that is no message: chat %d, number %d, score %g", hit.Chat, hit.Number, h.Score))
		}
		hits = append(hits, hit)
	}
	return hits, nil
}

// bodyOf is the body of a search. Its score is the class of the hit, counted
// from the worst: one more for those that need no typos, and one more for those
// that need no parts of words.
func bodyOf(q searchview.Query) object {
	filter := []any{object{"term": object{"application": q.Application}}, object{"term": object{"deleted": false}}}
	if q.Chat != 0 {
		filter = append(filter, object{"term": object{"chat": q.Chat}})
	}
	if created := between(q.From, q.To); len(created) > 0 {
		filter = append(filter, object{"range": object{"created": created}})
	}
	for _, c := range q.Clauses {
		filter = append(filter, meets(c, analysis.Typo))
	}
	query := object{"filter": filter}
	sort := []any{object{"created": "desc"}, object{"number": "desc"}, object{"chat": "desc"}}
	if !q.Newest {
		query["should"] = []any{all(q.Clauses, analysis.Part), all(q.Clauses, analysis.Exact)}
		sort = append([]any{"_score"}, sort...)
	}
	body := object{
		"query":            object{"bool": query},
		"sort":             sort,
		"size":             min(q.Limit, searchview.MaxHits),
		"_source":          []string{"chat", "number", "message", "created", "edited"},
		"track_total_hits": false,
		"timeout":          fmt.Sprintf("%dms", searchview.Patience.Milliseconds()),
	}
	if a := q.After; a != nil {
		after := []any{a.Created, a.Number, a.Chat}
		if !q.Newest {
			after = append([]any{a.Class - analysis.Typo}, after...)
		}
		body["search_after"] = after
	}
	return body
}

// between bounds the time that a message was created at.
func between(from, to time.Time) object {
	created := object{}
	if !from.IsZero() {
		created["gte"] = searchview.Micros(from)
	}
	if !to.IsZero() {
		created["lt"] = searchview.Micros(to)
	}
	return created
}

// all gives a score of one to what meets all clauses at least that well.
func all(clauses []analysis.Clause, class analysis.Class) object {
	var filter []any
	for _, c := range clauses {
		filter = append(filter, meets(c, class))
	}
	return object{"constant_score": object{"filter": object{"bool": object{"filter": filter}}}}
}

// meets is what meets a clause at least that well: by its words, by its grams as
// a part of a word, or by words that are near.
func meets(c analysis.Clause, class analysis.Class) object {
	ways := []any{run("words", c.Words)}
	if class <= analysis.Part && len(c.Grams) > 0 {
		ways = append(ways, run("grams", c.Grams))
	}
	if class <= analysis.Part {
		for _, form := range c.Forms {
			ways = append(ways, run("words", form))
		}
	}
	if class <= analysis.Typo && c.Typos > 0 {
		// Rewritten so, all words that are near are looked for: by default it would
		// be the nearest fifty of the shard, whoever wrote them.
		ways = append(ways, object{"fuzzy": object{"words": object{"value": c.Words[0], "fuzziness": c.Typos, "prefix_length": 1,
			"transpositions": true, "rewrite": "constant_score"}}})
	}
	if len(ways) == 1 {
		return ways[0].(object)
	}
	return object{"bool": object{"should": ways}}
}

// run is met by terms that stand next to each other. The field's analyzer
// splits at white space, and no term has any.
func run(field string, terms []string) object {
	if len(terms) == 1 {
		return object{"term": object{field: terms[0]}}
	}
	return object{"match_phrase": object{field: strings.Join(terms, " ")}}
}

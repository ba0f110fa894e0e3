package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"time"

	"chatlog/shared/analysis"
)

// variant is one way to index and to search.
type variant struct {
	name   string
	hidden []string                                  // fields that are not kept in _source
	fields object                                    // of the mapping
	source func(text string) map[string]any          // of one document
	query  func(word string, part bool) (any, error) // what finds a word, or a part of one
}

type object = map[string]any

// variants: chatlog's tokens as the services index them, the same without the
// grams that find parts of words, and Elasticsearch's own analysis.
var variants = []variant{
	{
		name:   "chatlog",
		hidden: []string{"words", "grams"},
		fields: object{"words": text("whitespace"), "grams": text("whitespace")},
		source: func(text string) map[string]any {
			f := analysis.Index(text)
			return object{"message": text, "words": f.Words, "grams": f.Grams}
		},
		query: func(word string, _ bool) (any, error) { return ours(word, true) },
	},
	{
		name:   "chatlog, whole words only",
		hidden: []string{"words"},
		fields: object{"words": text("whitespace")},
		source: func(text string) map[string]any {
			return object{"message": text, "words": analysis.Index(text).Words}
		},
		query: func(word string, _ bool) (any, error) { return ours(word, false) },
	},
	{
		name:   "Elasticsearch standard",
		hidden: []string{},
		fields: object{"words": text("standard")},
		source: func(text string) map[string]any { return object{"words": text} },
		query: func(word string, part bool) (any, error) {
			if part {
				return object{"wildcard": object{"words": object{"value": "*" + strings.ToLower(word) + "*"}}}, nil
			}
			return object{"match_phrase": object{"words": word}}, nil
		},
	},
}

func text(analyzer string) object {
	return object{"type": "text", "analyzer": analyzer, "norms": false}
}

// ours is the query that the services send.
func ours(word string, grams bool) (any, error) {
	clauses, ok := analysis.Query(word)
	if !ok {
		return nil, fmt.Errorf("%q is too long", word)
	}
	var filter []any
	for _, c := range clauses {
		either := []any{run("words", c.Words)}
		if grams && len(c.Grams) > 0 {
			either = append(either, run("grams", c.Grams))
		}
		filter = append(filter, object{"bool": object{"should": either}})
	}
	return object{"bool": object{"filter": filter}}, nil
}

func run(field string, terms []string) object {
	if len(terms) == 1 {
		return object{"term": object{field: terms[0]}}
	}
	return object{"match_phrase": object{field: strings.Join(terms, " ")}}
}

// engine speaks to one Elasticsearch.
type engine struct {
	base string
	http *http.Client
}

func (e *engine) call(ctx context.Context, method, path string, body []byte, out any) error {
	request, err := http.NewRequestWithContext(ctx, method, e.base+path, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := e.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode >= 300 {
		return fmt.Errorf("%s %s: %d %.300s", method, path, response.StatusCode, content)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(content, out)
}

// create makes an index of one shard for a variant.
func (e *engine) create(ctx context.Context, index string, v variant) error {
	fields := object{"message": object{"type": "keyword", "index": false, "doc_values": false}}
	maps.Copy(fields, v.fields)
	body, err := json.Marshal(object{
		"settings": object{"index": object{"number_of_shards": 1, "number_of_replicas": 0, "refresh_interval": "500ms"}},
		"mappings": object{"dynamic": "strict", "_source": object{"excludes": v.hidden}, "properties": fields},
	})
	if err != nil {
		return err
	}
	return e.call(ctx, http.MethodPut, "/"+index, body, nil)
}

// fill indexes texts in batches, as the sink does, and tells how long it took.
func (e *engine) fill(ctx context.Context, index string, v variant, texts []string) (time.Duration, error) {
	began := time.Now()
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	encoder.SetEscapeHTML(false)
	for i, text := range texts {
		fmt.Fprintf(&body, "{\"index\":{\"_id\":\"%d\"}}\n", i)
		if err := encoder.Encode(v.source(text)); err != nil {
			return 0, err
		}
		if (i+1)%batch != 0 && i < len(texts)-1 {
			continue
		}
		var answer struct{ Errors bool }
		if err := e.call(ctx, http.MethodPost, "/"+index+"/_bulk?filter_path=errors", body.Bytes(), &answer); err != nil {
			return 0, err
		}
		if answer.Errors {
			return 0, fmt.Errorf("%s: a document was refused", v.name)
		}
		body.Reset()
	}
	return time.Since(began), e.call(ctx, http.MethodPost, "/"+index+"/_refresh", nil, nil)
}

// size merges an index into one segment and gives its bytes on disk.
func (e *engine) size(ctx context.Context, index string) (int64, error) {
	if err := e.call(ctx, http.MethodPost, "/"+index+"/_forcemerge?max_num_segments=1&flush=true", nil, nil); err != nil {
		return 0, err
	}
	if err := e.call(ctx, http.MethodPost, "/"+index+"/_refresh", nil, nil); err != nil {
		return 0, err
	}
	var stats struct {
		All struct {
			Primaries struct {
				Store struct {
					Bytes int64 `json:"size_in_bytes"`
				}
			}
		} `json:"_all"`
	}
	err := e.call(ctx, http.MethodGet, "/"+index+"/_stats/store", nil, &stats)
	return stats.All.Primaries.Store.Bytes, err
}

// find searches and gives the ids that were found.
func (e *engine) find(ctx context.Context, index string, query any) (map[string]bool, time.Duration, error) {
	body, err := json.Marshal(object{"query": query, "size": most, "_source": false, "track_total_hits": false, "sort": []string{"_doc"}})
	if err != nil {
		return nil, 0, err
	}
	var answer struct {
		Hits struct {
			Hits []struct {
				ID string `json:"_id"`
			}
		}
	}
	began := time.Now()
	if err := e.call(ctx, http.MethodPost, "/"+index+"/_search?filter_path=hits.hits._id", body, &answer); err != nil {
		return nil, 0, err
	}
	took := time.Since(began)
	found := map[string]bool{}
	for _, h := range answer.Hits.Hits {
		found[h.ID] = true
	}
	return found, took, nil
}

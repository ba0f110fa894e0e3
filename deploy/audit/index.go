package audit

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

const pageSize = 2000

// hit is one document with what the audit needs of it.
type hit struct {
	ID      string `json:"_id"`
	Routing string `json:"_routing"`
	Version int64  `json:"_version"`
	Source  struct {
		Application string
		Chat        int64
		Number      int64
		Created     int64
		Edited      int64
		Deleted     bool
		Message     string
		Progress    *struct {
			Partition int32
			Log       string
			Next      int64
		}
	} `json:"_source"`
	Sort []json.RawMessage
}

// Index compares the index in Elasticsearch with the truth, in both directions.
// The index must have come to the log's end.
func (t *Truth) Index(ctx context.Context, base, alias string) error {
	e := elastic{base: base, client: &http.Client{Timeout: time.Minute, Transport: &http.Transport{}}}
	defer e.client.CloseIdleConnections()
	if err := e.call(ctx, http.MethodPost, "/"+alias+"/_refresh", nil, nil); err != nil {
		return err
	}
	var pit struct{ ID string }
	if err := e.call(ctx, http.MethodPost, "/"+alias+"/_pit?keep_alive=2m", nil, &pit); err != nil {
		return err
	}
	seen, progress := 0, map[int32]bool{}
	var after []json.RawMessage
	for {
		query := map[string]any{"size": pageSize, "version": true, "query": map[string]any{"match_all": map[string]any{}},
			"pit": map[string]string{"id": pit.ID, "keep_alive": "2m"}, "sort": []any{map[string]string{"_shard_doc": "asc"}}, "track_total_hits": false}
		if after != nil {
			query["search_after"] = after
		}
		var page struct{ Hits struct{ Hits []hit } }
		if err := e.call(ctx, http.MethodPost, "/_search", query, &page); err != nil {
			return err
		}
		for _, h := range page.Hits.Hits {
			if t.document(h, progress) {
				seen++
			}
			after = h.Sort
		}
		if len(page.Hits.Hits) < pageSize {
			break
		}
	}
	t.missing("index", "messages", seen, len(t.Messages))
	for p, end := range t.Log.Ends {
		if end > 0 && !progress[p] {
			t.find("index", "partition %d has no progress at the log's end %d", p, end)
		}
	}
	return e.call(ctx, http.MethodDelete, "/_pit", map[string]string{"id": pit.ID}, nil)
}

// document compares one document; it reports whether it is a message that is right.
func (t *Truth) document(h hit, progress map[int32]bool) bool {
	d := h.Source
	if d.Progress != nil {
		progress[d.Progress.Partition] = d.Progress.Log == t.Log.ID && d.Progress.Next >= t.Log.Ends[d.Progress.Partition]
		return false
	}
	key := MessageKey{d.Application, d.Chat, d.Number}
	if id := fmt.Sprintf("%s:%d:%d", d.Application, d.Chat, d.Number); id != h.ID {
		t.find("index", "document %s holds message %s", h.ID, id)
		return false
	}
	if h.Routing != d.Application {
		t.find("index", "document %s is routed by %s", h.ID, h.Routing)
	}
	return t.message("index", key, Message{Text: d.Message, Deleted: d.Deleted, Version: h.Version}, d.Created, d.Edited)
}

type elastic struct {
	base   string
	client *http.Client
}

func (e elastic) call(ctx context.Context, method, path string, in, out any) error {
	var body bytes.Buffer
	if in != nil {
		if err := json.NewEncoder(&body).Encode(in); err != nil {
			return err
		}
	}
	request, err := http.NewRequestWithContext(ctx, method, e.base+path, &body)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := e.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode >= 300 {
		var text bytes.Buffer
		_, err := text.ReadFrom(http.MaxBytesReader(nil, response.Body, 4096))
		return fmt.Errorf("elasticsearch %s %s: %d %.300s %w", method, path, response.StatusCode, text.String(), err)
	}
	if out == nil {
		return nil
	}
	return json.NewDecoder(response.Body).Decode(out)
}

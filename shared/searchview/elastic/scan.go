package elastic

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"chatlog/shared/searchview"
	"chatlog/shared/view"
)

const (
	// scanPage is how many documents are visited at once.
	scanPage = 2000
	// scanKept is how long a scan may stay at one page.
	scanKept = "30m"
)

// scanned is a page of documents, and the point in time that gives the next.
type scanned struct {
	PIT      string `json:"pit_id"`
	TimedOut bool   `json:"timed_out"`
	Shards   struct {
		Failed int `json:"failed"`
	} `json:"_shards"`
	Hits struct {
		Hits []struct {
			ID      string `json:"_id"`
			Routing string `json:"_routing"`
			Version int64  `json:"_version"`
			Source  struct {
				document
				Progress json.RawMessage `json:"progress"`
			} `json:"_source"`
			Sort []json.RawMessage `json:"sort"`
		} `json:"hits"`
	} `json:"hits"`
}

// Scan visits all documents as of one point in time.
func (x *Index) Scan(ctx context.Context, visit func([]searchview.Document) error) (err error) {
	if err := x.Refresh(ctx); err != nil {
		return err
	}
	var point struct {
		ID string `json:"id"`
	}
	if err := x.do(ctx, "begin scan", esapi.OpenPointInTimeRequest{Index: []string{x.cfg.Alias}, KeepAlive: scanKept}, &point); err != nil {
		return err
	}
	defer func() {
		body, bad := json.Marshal(object{"id": point.ID})
		err = errors.Join(err, bad, x.do(context.WithoutCancel(ctx), "end scan", esapi.ClosePointInTimeRequest{Body: bytes.NewReader(body)}, nil))
	}()
	var after []json.RawMessage
	for {
		page, err := x.scan(ctx, point.ID, after)
		if err != nil {
			return err
		}
		if page.PIT != "" {
			point.ID = page.PIT
		}
		found := make([]searchview.Document, 0, len(page.Hits.Hits))
		for _, h := range page.Hits.Hits {
			after = h.Sort
			if h.Source.Progress != nil && h.Routing == progressRouting {
				continue
			}
			key := view.MessageKey{Application: h.Source.Application, Chat: h.Source.Chat, Number: h.Source.Number}
			id := documentID(view.Message{Application: key.Application, Chat: key.Chat, Number: key.Number})
			found = append(found, searchview.Document{ID: h.ID, Routing: h.Routing, Key: key, Version: h.Version,
				Stray: h.ID != id || h.Routing != key.Application})
		}
		if err := visit(found); err != nil {
			return err
		}
		if len(page.Hits.Hits) < scanPage {
			return nil
		}
	}
}

func (x *Index) scan(ctx context.Context, point string, after []json.RawMessage) (page scanned, err error) {
	query := object{"size": scanPage, "version": true, "query": object{"match_all": object{}}, "track_total_hits": false,
		"pit": object{"id": point, "keep_alive": scanKept}, "sort": []any{object{"_shard_doc": "asc"}},
		"_source": []string{"application", "chat", "number", "progress"}}
	if after != nil {
		query["search_after"] = after
	}
	body, err := json.Marshal(query)
	if err != nil {
		return page, err
	}
	partial := false
	err = x.do(ctx, "scan", esapi.SearchRequest{Body: bytes.NewReader(body), AllowPartialSearchResults: &partial}, &page)
	if err == nil && (page.TimedOut || page.Shards.Failed > 0) { // part of an index is not passed off as the whole
		err = transient("scan", errors.New("incomplete"))
	}
	return page, err
}

// Remove deletes documents at the very version they were found at: one that has
// a later version stays, and none is given the next version, which would refuse
// what the log has for it.
func (x *Index) Remove(ctx context.Context, found []searchview.Document) error {
	for len(found) > 0 {
		page := found[:min(len(found), scanPage)]
		found = found[len(page):]
		if err := x.remove(ctx, page); err != nil {
			return err
		}
	}
	return nil
}

func (x *Index) remove(ctx context.Context, found []searchview.Document) error {
	var body bytes.Buffer
	encoder := json.NewEncoder(&body)
	for _, d := range found {
		action := object{"_id": d.ID, "version_type": "external_gte", "version": d.Version}
		if d.Routing != "" {
			action["routing"] = d.Routing
		}
		if err := encoder.Encode(object{"delete": action}); err != nil {
			return err
		}
	}
	var answer bulkAnswer
	r := esapi.BulkRequest{Index: x.cfg.Alias, Body: &body, FilterPath: []string{"errors", "items.*.status", "items.*.error"}}
	if err := x.do(ctx, "remove", r, &answer); err != nil {
		return err
	}
	for _, item := range answer.Items {
		for _, verdict := range item {
			if s := verdict.Status; s >= 300 && s != http.StatusConflict && s != http.StatusNotFound {
				return transient("remove", fmt.Errorf("%w", &statusError{s, verdict.Error.Type, verdict.Error.Reason}))
			}
		}
	}
	return nil
}

// Package elastic is the search view in Elasticsearch.
package elastic

import (
	"bytes"
	"context"
	_ "embed" // for the mapping
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/elastic/go-elasticsearch/v8"
	"github.com/elastic/go-elasticsearch/v8/esapi"

	"chatlog/shared/fault"
	"chatlog/shared/searchconn"
	"chatlog/shared/searchview"
)

//go:embed mapping.json
var mapping []byte

// Index is the index behind an alias.
type Index struct {
	cfg        searchconn.Config
	client     *elasticsearch.Client
	closeIdle  func()
	partitions int

	mutex sync.Mutex
	uuid  string // of the index behind the alias, as last looked up
}

var _ searchview.Index = (*Index)(nil)

// Open makes the view; it connects when it is used. partitions is the log's
// number of partitions.
func Open(cfg searchconn.Config, partitions int) (*Index, error) {
	client, closeIdle, err := searchconn.Open(cfg)
	if err != nil {
		return nil, err
	}
	return &Index{cfg: cfg, client: client, closeIdle: closeIdle, partitions: partitions}, nil
}

// Close ends idle connections.
func (x *Index) Close() error {
	x.closeIdle()
	return nil
}

// request is what all of esapi's requests are.
type request interface {
	Do(ctx context.Context, t esapi.Transport) (*esapi.Response, error)
}

// statusError is an answer that is no success.
type statusError struct {
	status int
	kind   string
	reason string
}

func (e *statusError) Error() string { return fmt.Sprintf("%d %s: %s", e.status, e.kind, e.reason) }

// do sends a request and decodes its answer into out (nil: not wanted).
func (x *Index) do(ctx context.Context, what string, r request, out any) error {
	ctx, cancel := context.WithTimeout(ctx, x.cfg.Timeout)
	defer cancel()
	response, err := r.Do(ctx, x.client)
	if err != nil {
		return transient(what, err)
	}
	defer response.Body.Close()
	if response.IsError() {
		return transient(what, readError(response))
	}
	if out == nil {
		io.Copy(io.Discard, response.Body) // so that the connection can be used again
		return nil
	}
	if err := json.NewDecoder(response.Body).Decode(out); err != nil {
		return transient(what, err)
	}
	return nil
}

func readError(r *esapi.Response) error {
	body, _ := io.ReadAll(io.LimitReader(r.Body, 64<<10)) // a broken body leaves the status, which is enough
	var parsed struct {
		Error struct{ Type, Reason string }
	}
	if json.Unmarshal(body, &parsed) != nil {
		parsed.Error.Reason = string(body[:min(len(body), 200)])
	}
	return &statusError{r.StatusCode, parsed.Error.Type, parsed.Error.Reason}
}

func transient(what string, err error) error {
	return fault.Wrap(fault.Transient, "Temporarily unavailable", fmt.Errorf("elasticsearch %s: %w", what, err))
}

func isStatus(err error, status int) bool {
	var e *statusError
	return errors.As(err, &e) && e.status == status
}

// Prepare makes the first index and its alias where the alias is missing.
func (x *Index) Prepare(ctx context.Context) error {
	err := x.lookup(ctx)
	if !isStatus(err, http.StatusNotFound) {
		return err
	}
	body, err := x.creation()
	if err != nil {
		return err
	}
	// One request makes the index and its alias, under a name that all
	// processes agree on: one of those that try makes it, the others find it.
	name := x.cfg.Alias + "-000001"
	err = x.do(ctx, "create index", esapi.IndicesCreateRequest{Index: name, Body: bytes.NewReader(body)}, nil)
	if err != nil && !isStatus(err, http.StatusBadRequest) {
		return err
	}
	if err := x.lookup(ctx); err != nil {
		return fmt.Errorf("after making index %s: %w", name, err)
	}
	return nil
}

func (x *Index) creation() ([]byte, error) {
	var body map[string]any
	if err := json.Unmarshal(mapping, &body); err != nil {
		return nil, fmt.Errorf("mapping: %w", err)
	}
	// gc_deletes is how long the version of a deleted document refuses lower ones.
	// Nothing but the audit ever deletes, and it does so to write what the log
	// says, at a lower version.
	body["settings"] = map[string]any{"index": map[string]any{"number_of_shards": x.cfg.Shards, "number_of_replicas": x.cfg.Replicas,
		"refresh_interval": fmt.Sprintf("%dms", x.cfg.RefreshInterval.Milliseconds()), "gc_deletes": "0s"}}
	body["aliases"] = map[string]any{x.cfg.Alias: map[string]any{}}
	return json.Marshal(body)
}

// lookup finds the index behind the alias.
func (x *Index) lookup(ctx context.Context) error {
	var found map[string]struct {
		Settings struct {
			Index struct {
				UUID string `json:"uuid"`
			} `json:"index"`
		} `json:"settings"`
	}
	if err := x.do(ctx, "get alias", esapi.IndicesGetRequest{Index: []string{x.cfg.Alias}}, &found); err != nil {
		return err
	}
	if len(found) != 1 {
		return fault.New(fault.Transient, fmt.Sprintf("the alias has %d indices", len(found)))
	}
	for name, index := range found {
		if name == x.cfg.Alias {
			return fault.New(fault.Terminal, "Elasticsearch has an index where chatlog's alias must be: remove the index "+name)
		}
		x.mutex.Lock()
		x.uuid = index.Settings.Index.UUID
		x.mutex.Unlock()
	}
	return nil
}

func (x *Index) indexUUID() string {
	x.mutex.Lock()
	defer x.mutex.Unlock()
	return x.uuid
}

// Refresh makes what was applied visible.
func (x *Index) Refresh(ctx context.Context) error {
	var answer struct {
		Shards struct {
			Failed int `json:"failed"`
		} `json:"_shards"`
	}
	err := x.do(ctx, "refresh", esapi.IndicesRefreshRequest{Index: []string{x.cfg.Alias}}, &answer)
	if err == nil && answer.Shards.Failed > 0 { // a search could miss what was written before
		err = transient("refresh", fmt.Errorf("%d shards failed", answer.Shards.Failed))
	}
	return err
}

// Ready reports whether the index can be searched.
func (x *Index) Ready(ctx context.Context) error { return x.lookup(ctx) }

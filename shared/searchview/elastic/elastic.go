// Package elastic is the search view in Elasticsearch.
package elastic

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/elastic/go-elasticsearch/v8"
	"github.com/elastic/go-elasticsearch/v8/esapi"

	"chatlog/shared/fault"
	"chatlog/shared/searchconn"
	"chatlog/shared/searchview"
)

// Index is the index behind an alias.
type Index struct {
	cfg        searchconn.Config
	client     *elasticsearch.Client
	closeIdle  func()
	partitions int
	asIs       bool // whatever is behind the alias is neither made nor replaced

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

// Engine names the engine.
func (x *Index) Engine() string { return "elasticsearch" }

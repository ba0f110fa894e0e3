package elastic

import (
	"bytes"
	"context"
	_ "embed" // for the mapping
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"chatlog/shared/fault"
)

//go:embed mapping.json
var mapping []byte

// version of the mapping. An index of an older one lacks what searches need and
// is made anew, from the log. The mapping says it in its _meta, too.
const version = 3

// errOld says that the index behind the alias was made with an older mapping.
var errOld = transient("lookup", errors.New("the index has an older mapping and is to be replaced"))

// Prepare makes the index where the alias or its index is missing, or where the
// index has an older mapping: then the new one takes its place, empty, in one step.
func (x *Index) Prepare(ctx context.Context) error {
	err := x.lookup(ctx)
	if x.asIs {
		if isStatus(err, http.StatusNotFound) {
			err = fault.Wrap(fault.Terminal, "There is no index behind the alias "+x.cfg.Alias+" any more", err)
		}
		return err
	}
	old := errors.Is(err, errOld)
	if !old && !isStatus(err, http.StatusNotFound) {
		return err
	}
	alias := x.cfg.Alias
	if old {
		alias = "" // it has one
	}
	body, err := x.creation(alias)
	if err != nil {
		return err
	}
	// One request makes the index and its alias, under a name that all
	// processes agree on: one of those that try makes it, the others find it.
	name := fmt.Sprintf("%s-%06d", x.cfg.Alias, version)
	err = x.do(ctx, "create index", esapi.IndicesCreateRequest{Index: name, Body: bytes.NewReader(body)}, nil)
	there := isStatus(err, http.StatusBadRequest)
	if err != nil && !there {
		return err
	}
	if old || there { // it may be there without its alias, if somebody was stopped in between
		if err := x.replace(ctx, name); err != nil {
			return err
		}
	}
	if err := x.lookup(ctx); err != nil {
		return fmt.Errorf("after making index %s: %w", name, err)
	}
	return nil
}

// replace puts an index behind the alias and deletes the one that is there, in
// one step. The old one is named, so that of those who try at once only one does it.
func (x *Index) replace(ctx context.Context, name string) error {
	found, err := x.behind(ctx)
	if err != nil && !isStatus(err, http.StatusNotFound) {
		return err
	}
	var actions []any
	if _, there := found[name]; !there {
		actions = append(actions, object{"add": object{"index": name, "alias": x.cfg.Alias}})
	}
	for was, index := range found {
		if was != x.cfg.Alias && index.Mappings.Meta.Version < version {
			actions = append(actions, object{"remove_index": object{"index": was}})
		}
	}
	if len(actions) == 0 {
		return nil
	}
	body, err := json.Marshal(object{"actions": actions})
	if err != nil {
		return err
	}
	err = x.do(ctx, "replace index", esapi.IndicesUpdateAliasesRequest{Body: bytes.NewReader(body)}, nil)
	if isStatus(err, http.StatusNotFound) { // somebody else did
		return nil
	}
	return err
}

// creation is the request for an index, with an alias if one is named.
func (x *Index) creation(alias string) ([]byte, error) {
	var body map[string]any
	if err := json.Unmarshal(mapping, &body); err != nil {
		return nil, fmt.Errorf("mapping: %w", err)
	}
	// gc_deletes is how long the version of a deleted document refuses lower ones.
	// Nothing but the audit ever deletes, and it does so to write what the log
	// says, at a lower version.
	body["settings"] = map[string]any{"index": map[string]any{"number_of_shards": x.cfg.Shards, "number_of_replicas": x.cfg.Replicas,
		"refresh_interval": fmt.Sprintf("%dms", x.cfg.RefreshInterval.Milliseconds()), "gc_deletes": "0s"}}
	if alias != "" {
		body["aliases"] = map[string]any{alias: map[string]any{}}
	}
	return json.Marshal(body)
}

// described is an index as Elasticsearch describes it.
type described struct {
	Aliases  map[string]json.RawMessage `json:"aliases"`
	Settings struct {
		Index struct {
			UUID string `json:"uuid"`
		} `json:"index"`
	} `json:"settings"`
	Mappings struct {
		Meta struct {
			Version int `json:"version"`
		} `json:"_meta"`
	} `json:"mappings"`
}

// behind describes the indices behind the alias, by their names.
func (x *Index) behind(ctx context.Context) (found map[string]described, err error) {
	return found, x.do(ctx, "get alias", esapi.IndicesGetRequest{Index: []string{x.cfg.Alias}}, &found)
}

// lookup finds the index behind the alias. errOld: it must be replaced.
func (x *Index) lookup(ctx context.Context) error {
	found, err := x.behind(ctx)
	if err != nil {
		return err
	}
	if len(found) != 1 {
		return fault.New(fault.Transient, fmt.Sprintf("the alias has %d indices", len(found)))
	}
	for name, index := range found {
		if name == x.cfg.Alias {
			return fault.New(fault.Terminal, "Elasticsearch has an index where chatlog's alias must be: remove the index "+name)
		}
		if index.Mappings.Meta.Version < version && !x.asIs {
			return errOld
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

package elastic

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"chatlog/shared/fault"
)

// Aliases beside the one that is searched, by what is put after its name.
const (
	ofNext = "-next" // of an index that is being built to take the other's place
	ofKept = "-old"  // of one whose place was taken
)

// Family is the index behind the alias, and those that are kept beside it.
type Family struct {
	Current string // empty: none
	Next    string // is being built to take its place; empty: none
	Kept    string // had that place before; empty: none
	Foreign bool   // the mapping of Next is not this program's
	Free    string // a name that no index has
}

// Family lists the indices.
func (x *Index) Family(ctx context.Context) (Family, error) {
	missing := true // is no error
	var found map[string]described
	err := x.do(ctx, "list indices", esapi.IndicesGetRequest{Index: []string{x.cfg.Alias, x.cfg.Alias + "-*"},
		IgnoreUnavailable: &missing, AllowNoIndices: &missing, ExpandWildcards: "all"}, &found)
	if err != nil {
		return Family{}, err
	}
	return familyOf(x.cfg.Alias, found)
}

func familyOf(alias string, found map[string]described) (f Family, err error) {
	greatest := version // Prepare gives the mapping's version as a number
	for name, index := range found {
		if number, err := strconv.Atoi(strings.TrimPrefix(name, alias+"-")); err == nil {
			greatest = max(greatest, number)
		}
		for suffix, member := range map[string]*string{"": &f.Current, ofNext: &f.Next, ofKept: &f.Kept} {
			if _, behind := index.Aliases[alias+suffix]; !behind {
				continue
			}
			if *member != "" {
				return f, fault.New(fault.Terminal, fmt.Sprintf("alias %s has two indices, %s and %s: take it away from one of them", alias+suffix, *member, name))
			}
			*member = name
		}
		if f.Next == name {
			f.Foreign = index.Mappings.Meta.Version != version
		}
	}
	f.Free = fmt.Sprintf("%s-%06d", alias, greatest+1)
	return f, nil
}

// Current is the index behind the alias, taken as it is: nothing is made where it
// is missing, and one with an older mapping is not replaced.
func (x *Index) Current() *Index { return x.beside("") }

// Next is the index that is being built.
func (x *Index) Next() *Index { return x.beside(ofNext) }

func (x *Index) beside(suffix string) *Index {
	cfg := x.cfg
	cfg.Alias += suffix
	return &Index{cfg: cfg, client: x.client, closeIdle: func() {}, partitions: x.partitions, asIs: true}
}

// Begin makes the index that is to be built, under a name that was free. It is no
// error that somebody else has made it.
func (x *Index) Begin(ctx context.Context, name string) error {
	body, err := x.creation(x.cfg.Alias + ofNext)
	if err != nil {
		return err
	}
	err = x.do(ctx, "create index", esapi.IndicesCreateRequest{Index: name, Body: bytes.NewReader(body)}, nil)
	if isStatus(err, http.StatusBadRequest) {
		if f, err := x.Family(ctx); err == nil && f.Next == name {
			return nil
		}
	}
	return err
}

// Swap puts the next index behind the alias and keeps the one that was there, in
// one step: every search finds one of them there. When the one that is there is
// not the one in f any more, nothing is done.
func (x *Index) Swap(ctx context.Context, f Family) error {
	body, err := json.Marshal(object{"actions": []any{
		object{"remove": object{"index": f.Current, "alias": x.cfg.Alias, "must_exist": true}},
		object{"add": object{"index": f.Next, "alias": x.cfg.Alias}},
		object{"remove": object{"index": f.Next, "alias": x.cfg.Alias + ofNext, "must_exist": true}},
		object{"add": object{"index": f.Current, "alias": x.cfg.Alias + ofKept}},
	}})
	if err != nil {
		return err
	}
	return x.do(ctx, "swap indices", esapi.IndicesUpdateAliasesRequest{Body: bytes.NewReader(body)}, nil)
}

// Drop removes the kept index. Where it has come behind the alias again, because
// the one that took its place was deleted, only its second alias goes.
func (x *Index) Drop(ctx context.Context, f Family) error {
	if f.Kept == f.Current {
		return x.do(ctx, "remove alias", esapi.IndicesDeleteAliasRequest{Index: []string{f.Kept}, Name: []string{x.cfg.Alias + ofKept}}, nil)
	}
	return x.do(ctx, "remove index", esapi.IndicesDeleteRequest{Index: []string{f.Kept}}, nil)
}

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"chatlog/deploy/client"
	"chatlog/deploy/system"
)

// drainSearch compares how fast the search sink empties a log with raw _bulk
// requests of the very documents that it writes, as large as its own, into an
// index of the same kind.
func (b *bench) drainSearch(ctx context.Context) error {
	row := Row{Name: rowSearch, Yardstick: "raw _bulk", Reach: 0.9}
	if !b.only.MatchString(row.Name) {
		return nil
	}
	if err := b.fillLog(ctx); err != nil {
		return err
	}
	recorder, err := record(b.parts.Elasticsearch, "/_bulk")
	if err != nil {
		return err
	}
	_, err = b.drain(ctx, b.whole(), intoIndex, "CHATLOG_ELASTICSEARCH_ADDRESSES="+recorder.URL)
	if err := errors.Join(err, recorder.close()); err != nil {
		return err
	}
	return b.compare(ctx, row, func(ctx context.Context, _ time.Duration) (Sample, error) { return b.drain(ctx, b.whole(), intoIndex) },
		func(ctx context.Context, _ time.Duration) (Sample, error) { return b.bulk(ctx, recorder.kept) })
}

// intoIndex drains the log into an index of its own.
var intoIndex = drained{view: "search", process: "elasticsearch", own: func(p *system.Parts, name string) { p.Alias = name },
	drop: func(ctx context.Context, p system.Parts) error { return p.RemoveIndex(ctx) }}

// bulk sends what was recorded to an index of the same kind, as many requests at
// once as the sink has workers.
func (b *bench) bulk(ctx context.Context, all []asked) (Sample, error) {
	own := b.parts
	own.Alias = system.UniqueName("raw")
	if err := b.likeOurs(ctx, own.Alias); err != nil {
		return Sample{}, err
	}
	client := connections(partitions)
	todo := make(chan asked, len(all))
	documents := 0.0
	for _, a := range all {
		rest := a.uri[strings.Index(a.uri, "/_bulk"):]
		todo <- asked{"/" + own.Alias + rest, a.body}
		documents += float64(bytes.Count(a.body, []byte("\n"))) / 2 // each has a line before it
	}
	close(todo)
	s, err := metered(processes(map[string]int{"elasticsearch": part("elasticsearch")}), func() (Sample, float64, error) {
		began := time.Now()
		errs := make([]error, partitions)
		var group sync.WaitGroup
		for p := range partitions {
			group.Go(func() {
				for a := range todo {
					answer, err := a.again(ctx, client, b.parts.Elasticsearch)
					if err == nil && !bytes.Contains(answer, []byte(`"errors":false`)) {
						err = fmt.Errorf("_bulk: %.200s", answer)
					}
					if err != nil {
						errs[p] = err
						return
					}
				}
			})
		}
		group.Wait()
		return Sample{Rate: documents / time.Since(began).Seconds()}, documents, errors.Join(errs...)
	})
	client.CloseIdleConnections()
	return s, errors.Join(err, own.RemoveIndex(ctx))
}

// likeOurs makes an index with the mapping and the settings of the system's own.
func (b *bench) likeOurs(ctx context.Context, alias string) error {
	type index struct {
		Mappings json.RawMessage `json:"mappings"`
		Settings struct {
			Index map[string]any `json:"index"`
		} `json:"settings"`
		Aliases map[string]any `json:"aliases"`
	}
	var found map[string]index
	if err := b.parts.AskElasticsearch(ctx, http.MethodGet, "/"+b.parts.Alias, nil, &found); err != nil {
		return err
	}
	if len(found) != 1 {
		return fmt.Errorf("%d indices behind %s", len(found), b.parts.Alias)
	}
	mine := slices.Collect(maps.Values(found))[0]
	for _, given := range []string{"creation_date", "uuid", "version", "provided_name"} { // by Elasticsearch, to each index
		delete(mine.Settings.Index, given)
	}
	mine.Aliases = map[string]any{alias: map[string]any{"is_write_index": true}}
	return b.parts.AskElasticsearch(ctx, http.MethodPut, "/"+alias+"-000001", mine, nil)
}

// searchedFor is how many different searches are sent.
const searchedFor = 200

// searches compares searching in a chat with sending the very bodies that
// chatlog sends for it.
func (b *bench) searches(ctx context.Context) (err error) {
	row := Row{Name: "search in a chat", Yardstick: "raw _search", Reach: 0.8}
	if !b.only.MatchString(row.Name) {
		return nil
	}
	if err := b.fillLog(ctx); err != nil {
		return err
	}
	random, words := rand.New(rand.NewPCG(3, 3)), newVocabulary(generatedWords)
	var paths []string
	for range searchedFor {
		t := b.tenants[random.IntN(len(b.tenants))]
		paths = append(paths, "/application/"+t.Token+"/chat/1/search?q="+url.QueryEscape(words.text(random, 12)))
	}
	bodies, err := b.searchBodies(ctx, paths)
	if err != nil {
		return err
	}
	return b.compare(ctx, row, b.answered(paths, "elasticsearch"),
		b.together(map[string]int{"elasticsearch": part("elasticsearch")}, anyOf(bodies, b.parts.Elasticsearch)))
}

// searchBodies lets a query of its own ask through a recorder.
func (b *bench) searchBodies(ctx context.Context, paths []string) (all []asked, err error) {
	recorder, err := record(b.parts.Elasticsearch, "/_search")
	if err != nil {
		return nil, err
	}
	p, err := b.Program("query").Another("recorded", "CHATLOG_QUERY_LISTEN", "CHATLOG_ELASTICSEARCH_ADDRESSES="+recorder.URL)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(b.profiled(p), p.Start(), p.Ready(ctx)); err != nil {
		return nil, err
	}
	c := client.New("http://"+p.Listen, 1)
	for _, path := range paths {
		reply, err := c.Do(ctx, "GET", path, "", nil)
		if err == nil && reply.Status != http.StatusOK {
			err = fmt.Errorf("%s: %d %s", path, reply.Status, reply.Body)
		}
		if err != nil {
			return nil, err
		}
	}
	c.Close()
	err = errors.Join(p.Stop(10*time.Second), recorder.close())
	if err == nil && len(recorder.kept) < len(paths) {
		err = fmt.Errorf("%d searches recorded of %d", len(recorder.kept), len(paths))
	}
	return recorder.kept, err
}

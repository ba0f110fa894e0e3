package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"chatlog/shared/analysis"
	"chatlog/shared/command"
	"chatlog/shared/searchconn"
	"chatlog/shared/searchview"
	"chatlog/shared/searchview/elastic"
	"chatlog/shared/view"
)

// engine is a search view with the texts of all rows in it, a chat for each.
type engine struct {
	name string
	searchview.Index
}

const application = "0123456789abcdef0123456789abcdef"

// fill applies texts as a sink would.
func (e *engine) fill(ctx context.Context, chats [][]string) error {
	if err := e.Prepare(ctx); err != nil {
		return err
	}
	var all []view.Entry
	for chat, texts := range chats {
		for i, text := range texts {
			n := int64(len(all))
			all = append(all, view.Entry{Offset: n, Command: command.Command{Op: command.MessageCreate, Application: application, Chat: int64(chat + 1),
				Number: int64(i + 1), Message: text, ID: fmt.Sprintf("00000000-0000-7000-8000-%012x", n), Time: time.Unix(1_700_000_000+n, 0).UTC()}})
		}
	}
	const most = 500
	for from := 0; from < len(all); from += most {
		part := all[from:min(from+most, len(all))]
		last := part[len(part)-1]
		b := view.Batch{From: int64(from), Entries: part,
			To: view.Progress{Log: "00000000000000a1", Generation: 1, Next: last.Offset + 1, LastID: last.Command.ID, LastOffset: last.Offset}}
		if rejections, err := e.Apply(ctx, b); err != nil || len(rejections) > 0 {
			return fmt.Errorf("%s: %d rejections %w", e.name, len(rejections), err)
		}
	}
	return e.Refresh(ctx)
}

// ask gives all that a query finds in a chat, in order.
func (e *engine) ask(ctx context.Context, chat int, query string) ([]searchview.Hit, error) {
	clauses, ok := analysis.Query(query)
	if !ok {
		return nil, fmt.Errorf("the query %q is too long", query)
	}
	hits, err := e.Search(ctx, searchview.Query{Application: application, Chat: int64(chat + 1), Clauses: clauses, Limit: searchview.MaxHits})
	if err != nil {
		return nil, fmt.Errorf("%s: %q: %w", e.name, query, err)
	}
	return hits, nil
}

// openElastic makes an index of its own; remove deletes it again.
func openElastic(ctx context.Context, base string) (e *engine, remove func() error, err error) {
	cfg := searchconn.Default()
	cfg.Addresses, cfg.Alias, cfg.Shards = []string{base}, fmt.Sprintf("relevance-%d", time.Now().UnixNano()), 1
	x, err := elastic.Open(cfg, 1)
	if err != nil {
		return nil, nil, err
	}
	remove = func() error {
		var found map[string]any
		err := call(ctx, http.MethodGet, base+"/_alias/"+cfg.Alias, &found)
		for name := range found { // a name with a * in it is not taken
			err = errors.Join(err, call(ctx, http.MethodDelete, base+"/"+name, nil))
		}
		return errors.Join(err, x.Close())
	}
	return &engine{"Elasticsearch", x}, remove, nil
}

func call(ctx context.Context, method, url string, out any) error {
	request, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode > 299 {
		return fmt.Errorf("%s %s: %s", method, url, answer.Status)
	}
	if out == nil {
		_, err = io.Copy(io.Discard, answer.Body)
		return err
	}
	return json.NewDecoder(answer.Body).Decode(out)
}

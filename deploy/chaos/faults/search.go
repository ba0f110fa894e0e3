package faults

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"chatlog/deploy/chaos/world"
)

// search breaks Elasticsearch, and the way to it.
func search() []Fault {
	manner := func(m world.Manner) func(context.Context, *Turn) error {
		return func(ctx context.Context, t *Turn) error {
			t.World.Search.Behave(m)
			defer t.World.Search.Behave(world.Passes)
			t.Hold(ctx)
			return nil
		}
	}
	return []Fault{
		{"kill -9 of Elasticsearch", Views, searches, func(ctx context.Context, t *Turn) error {
			if err := t.World.Stack.Kill(ctx, "elasticsearch"); err != nil {
				return err
			}
			t.Hold(ctx)
			ctx, cancel := undo(ctx)
			defer cancel()
			return t.World.Stack.Up(ctx, "elasticsearch")
		}},
		{"Elasticsearch answers 429", Views, searches, manner(world.Refuses)},
		{"Elasticsearch's answers lost after it applied", Views, searches, manner(world.Swallows)},
		{"index read-only", Views, searches, func(ctx context.Context, t *Turn) error {
			if err := blocks(ctx, t, true); err != nil {
				return err
			}
			t.Hold(ctx)
			ctx, cancel := undo(ctx)
			defer cancel()
			return blocks(ctx, t, false)
		}},
	}
}

// blocks makes the index refuse writes, as Elasticsearch does by itself when
// its disk fills up.
func blocks(ctx context.Context, t *Turn, on bool) error {
	body := `{"index.blocks.read_only_allow_delete":null}`
	if on {
		body = `{"index.blocks.read_only_allow_delete":true}`
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPut, t.World.Parts.Elasticsearch+"/"+t.World.Parts.Alias+"/_settings", bytes.NewReader([]byte(body)))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	client := http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return errors.Join(fmt.Errorf("elasticsearch answers %d to its settings", response.StatusCode))
	}
	return nil
}

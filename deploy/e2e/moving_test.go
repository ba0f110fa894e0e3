package e2e

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"chatlog/deploy/client"
)

// Every seventh message is deleted while the pages are read; all others exist
// throughout.
func stays(number int64) bool { return number%7 != 0 }

// testMoving reads a chat page by page, and searches it, while others write to
// it and delete in it: what exists throughout is seen exactly once each time.
func testMoving(t *testing.T, h *house) {
	n := sized(t, "CHATLOG_TEST_PAGED", 2000) // messages of the chat
	app := application(t, h.query)
	number := chat(t, h.query, app)
	token := fillChat(t, h, app, number, n)
	at := fmt.Sprintf("/application/%s/chat/%d", app, number)
	ctx, stop := context.WithCancel(t.Context())
	var changes atomic.Int64
	var group sync.WaitGroup
	const others = 4 // that write, and as many that delete
	failed := make([]error, 2*others)
	for i := range int64(others) {
		group.Go(func() {
			for err := &failed[i]; ctx.Err() == nil && *err == nil; changes.Add(1) {
				_, _, *err = h.query.CreateMessage(t.Context(), app, number, "paged, but later", nil)
			}
		})
		group.Go(func() {
			err := &failed[others+i]
			for m := 7 * (i + 1); ctx.Err() == nil && m <= n && *err == nil; m += 7 * others {
				_, *err = h.query.Delete(t.Context(), app, number, m, nil)
				changes.Add(1)
			}
		})
	}
	for _, way := range []string{"/messages?limit=97", "/messages?limit=100&order=desc", "/search?q=paged&limit=89"} {
		seen, pages := pageThrough(t, h.query, at+way, token)
		for m := int64(1); m <= n; m++ {
			if times := seen[m]; times > 1 || times == 0 && stays(m) {
				t.Errorf("%s: message %d seen %d times", way, m, times)
			}
		}
		for m, times := range seen {
			if m > n && times > 1 {
				t.Errorf("%s: message %d, written meanwhile, seen %d times", way, m, times)
			}
		}
		t.Logf("%s: %d pages, %d messages, %d writes and deletes so far", way, pages, len(seen), changes.Load())
	}
	stop()
	group.Wait()
	if err := errors.Join(failed...); err != nil {
		t.Error(err)
	}
}

// fillChat gives a chat its messages, by many at once, and the position after
// the last.
func fillChat(t *testing.T, h *house, app string, number, n int64) string {
	t.Helper()
	const writers = 32
	tokens, errs := make([]string, writers), make([]error, writers)
	var left atomic.Int64
	left.Store(n)
	var group sync.WaitGroup
	for i := range writers {
		group.Go(func() {
			for left.Add(-1) >= 0 && errs[i] == nil {
				_, tokens[i], errs[i] = h.ingest.CreateMessage(t.Context(), app, number, "paged", nil)
			}
		})
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	last, token, err := h.ingest.CreateMessage(t.Context(), app, number, "the last", nil)
	if err != nil || last != n+1 {
		t.Fatalf("message %d after %d: %v", last, n, err)
	}
	return token
}

// pageThrough follows the links to the last page and counts how often each
// message was seen. The token goes with the first page only.
func pageThrough(t *testing.T, c *client.Client, path, token string) (seen map[int64]int, pages int) {
	t.Helper()
	seen = map[int64]int{}
	headers := client.Headers{"Consistency-Token", token}
	for ; path != ""; pages++ {
		reply, err := c.Do(t.Context(), "GET", path, "", headers)
		if err != nil || reply.Status != 200 {
			t.Fatal(path, reply, err)
		}
		for _, part := range strings.Split(reply.Body, `"messageID":`)[1:] {
			m, err := strconv.ParseInt(part[:strings.Index(part, ",")], 10, 64)
			if err != nil {
				t.Fatal(part)
			}
			seen[m]++
		}
		if path, err = reply.Next(); err != nil {
			t.Fatal(err)
		}
		headers = nil
	}
	return seen, pages
}

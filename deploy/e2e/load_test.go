package e2e

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode/utf8"

	"chatlog/deploy/client"
)

// testPairs posts and reads back at once, without a token.
func testPairs(t *testing.T, h *house) {
	app := application(t, h.query)
	number := chat(t, h.query, app)
	const pairs = 300
	for i := range pairs {
		text := fmt.Sprint("pair ", i)
		n, _, err := h.query.CreateMessage(t.Context(), app, number, text, nil)
		if err != nil || n != int64(i+1) {
			t.Fatal(n, err)
		}
		if got, err := h.query.Message(t.Context(), app, number, n, nil); err != nil || got != text {
			t.Fatal(got, err)
		}
	}
	for i := range 30 { // applications and chats just made, too
		app := application(t, h.query)
		if _, _, err := h.query.Application(t.Context(), app, nil); err != nil {
			t.Fatal(i, err)
		}
		number := chat(t, h.query, app)
		if _, err := h.query.Chat(t.Context(), app, number, nil); err != nil {
			t.Fatal(i, err)
		}
		if list, err := h.query.Messages(t.Context(), app, number, nil); err != nil || len(list) != 0 {
			t.Fatal(i, list, err)
		}
	}
}

func testConcurrent(t *testing.T, h *house) {
	app := application(t, h.query)
	number := chat(t, h.query, app)
	const clients, each = 16, 25
	texts := make([]string, clients*each+1) // by number
	var mutex sync.Mutex
	var token string
	var group sync.WaitGroup
	for c := range clients {
		group.Go(func() {
			for i := range each {
				text := fmt.Sprintf("client %d message %d", c, i)
				n, at, err := h.ingest.CreateMessage(t.Context(), app, number, text, nil)
				mutex.Lock()
				switch {
				case err != nil:
					t.Error(err)
				case n < 1 || n > clients*each || texts[n] != "":
					t.Errorf("number %d is out of range or was given twice", n)
				default:
					texts[n] = text
				}
				token = at
				mutex.Unlock()
			}
		})
	}
	group.Wait()
	if t.Failed() {
		return
	}
	after := client.Headers{"Consistency-Token", token}
	eventually(t, 5*time.Second, "the count", func() error {
		count, err := h.query.Chat(t.Context(), app, number, after)
		if err == nil && count != clients*each {
			err = fmt.Errorf("count %d", count)
		}
		return err
	})
	list, err := h.query.Messages(t.Context(), app, number, after)
	if err != nil || len(list) != clients*each {
		t.Fatal(len(list), err)
	}
	for i, m := range list {
		if m.Number != int64(i+1) || m.Text != texts[i+1] {
			t.Fatalf("at %d: number %d %q, acked as %q", i+1, m.Number, m.Text, texts[i+1])
		}
	}
}

func testLongWord(t *testing.T, h *house) {
	app := application(t, h.query)
	number := chat(t, h.query, app)
	for _, word := range []string{strings.Repeat("a", 64<<10), strings.Repeat("ж", 32<<10), strings.Repeat("漢", 21845) + "a", strings.Repeat("\x00", 64<<10)} {
		n, token, err := h.query.CreateMessage(t.Context(), app, number, word, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := h.query.Message(t.Context(), app, number, n, nil); err != nil || got != word {
			t.Fatalf("%d bytes, want %d; %v", len(got), len(word), err)
		}
		if word[0] == 0 {
			continue
		}
		first, size := utf8.DecodeRuneInString(word)
		part := strings.Repeat(string(first), 40/size)
		found, err := h.query.Search(t.Context(), app, number, part, 10, client.Headers{"Consistency-Token", token})
		if err != nil || len(found) != 1 || found[0].Number != n || found[0].Text != word {
			t.Fatalf("search for a part of the long word of %q: %d found, %v", first, len(found), err)
		}
	}
	exact(t, h.query, "POST", fmt.Sprintf("/application/%s/chat/%d/message", app, number), `{"message":"`+strings.Repeat("a", 64<<10+1)+`"}`,
		http.StatusRequestEntityTooLarge, `{"error":"Message is larger than 64 KiB"}`)
}

// testLargest sends more at once than fits one batch.
func testLargest(t *testing.T, h *house) {
	app := application(t, h.query)
	number := chat(t, h.query, app)
	const count = 17
	numbers := make([]int64, count)
	texts := make([]string, count)
	var group sync.WaitGroup
	for i := range count {
		// Control characters are the largest in JSON: six bytes for one.
		texts[i] = strings.Repeat(string(rune('\x01'+i%8)), 64<<10)
		group.Go(func() {
			var err error
			if numbers[i], _, err = h.ingest.CreateMessage(context.WithoutCancel(t.Context()), app, number, texts[i], nil); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	seen := map[int64]bool{}
	for i, n := range numbers {
		if n < 1 || n > count || seen[n] {
			t.Fatalf("numbers %v", numbers)
		}
		seen[n] = true
		if got, err := h.query.Message(t.Context(), app, number, n, nil); err != nil || got != texts[i] {
			t.Fatalf("message %d: %d bytes, %v", n, len(got), err)
		}
	}
}

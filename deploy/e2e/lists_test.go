package e2e

import (
	"fmt"
	"strings"
	"testing"

	"chatlog/deploy/client"
)

func testPages(t *testing.T, h *house) {
	app := application(t, h.query)
	number := chat(t, h.query, app)
	var token string
	for i := range 25 {
		var err error
		if _, token, err = h.query.CreateMessage(t.Context(), app, number, fmt.Sprint("m", i+1), nil); err != nil {
			t.Fatal(err)
		}
	}
	for _, order := range []string{"asc", "desc"} {
		path := fmt.Sprintf("/application/%s/chats/%d/messages?limit=10&order=%s", app, number, order)
		var numbers []string
		pages := 0
		for path != "" {
			reply, err := h.query.Do(t.Context(), "GET", path, "", client.Headers{"Consistency-Token", token})
			if err != nil || reply.Status != 200 {
				t.Fatal(path, reply, err)
			}
			for _, part := range strings.Split(reply.Body, `"id":`)[1:] {
				numbers = append(numbers, part[:strings.Index(part, ",")])
			}
			if path, err = reply.Next(); err != nil {
				t.Fatal(err)
			}
			pages++
		}
		if pages != 3 || len(numbers) != 25 || order == "asc" && (numbers[0] != "1" || numbers[24] != "25") || order == "desc" && (numbers[0] != "25" || numbers[24] != "1") {
			t.Fatal(order, pages, numbers)
		}
	}
	at := fmt.Sprintf("/application/%s/chats/%d/messages", app, number)
	for _, limit := range []string{"0", "1001", "-1", "x", "99999999999999999999"} {
		exact(t, h.query, "GET", at+"?limit="+limit, "", 400, `{"error":"limit must be a number from 1 to 1000"}`)
	}
	exact(t, h.query, "GET", at+"?order=up", "", 400, `{"error":"order must be asc or desc"}`)
	exact(t, h.query, "GET", at+"?cursor=abc", "", 400, `{"error":"cursor is not one of this list"}`)
}

func testSearch(t *testing.T, h *house) {
	app := application(t, h.query)
	number, other := chat(t, h.query, app), chat(t, h.query, app)
	stranger := application(t, h.query)
	strangers := chat(t, h.query, stranger)
	var token string
	texts := []string{"Alhamdulilah!", "Café au lait", "Die Straße ist lang", "Привет, мир", "你好，世界", "東京タワー", "السَّلامُ عليكم", "안녕하세요 여러분",
		"สวัสดีครับ", "snake_case and dash-ed", "100% sure? \"quoted\" (maybe)", "émoji 🎉 party", "İstanbul"}
	for _, text := range texts {
		for _, to := range []int64{number, other} {
			if _, _, err := h.query.CreateMessage(t.Context(), app, to, text, nil); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := h.query.CreateMessage(t.Context(), stranger, strangers, text, nil); err != nil {
			t.Fatal(err)
		}
	}
	_, token, err := h.query.CreateMessage(t.Context(), app, number, "the last one", nil)
	if err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]int{"alhamdulilah": 1, "ALHAM": 1, "hamdul": 1, "cafe": 2, "CAFÉ lait": 2, "strasse": 3, "привет": 4, "рив": 4,
		"你好": 5, "世": 5, "東京": 6, "タワー": 6, "السلام": 7, "안녕": 8, "สวัสดี": 9, "snake_case": 10, "case": 10, "dash": 10, "100%": 11,
		`"quoted" maybe`: 11, "🎉": 12, "istanbul": 13} {
		headers := client.Headers{"Consistency-Token", token}
		found, err := h.query.Search(t.Context(), app, number, query, 50, headers)
		if err != nil || len(found) != 1 || found[0].Number != int64(want) || found[0].Chat != number || found[0].Application != app {
			t.Errorf("%q in the chat: %v %v, want message %d", query, found, err, want)
		}
		found, err = h.query.Search(t.Context(), app, 0, query, 50, headers)
		if err != nil || len(found) != 2 || found[0].Application != app || found[1].Application != app {
			t.Errorf("%q in the application: %v %v, want two", query, found, err)
		}
	}
	for _, odd := range []string{"*", "?", "AND OR NOT", "+-&|!(){}[]^~:\\/", "\"", "\"\"", "\"unbalanced", "%", "\x00", " ", "a:b", "nothing like it", "..", "."} {
		if _, err := h.query.Search(t.Context(), app, number, odd, 50, client.Headers{"Consistency-Token", token}); err != nil {
			t.Errorf("%q: %v", odd, err)
		}
	}
}

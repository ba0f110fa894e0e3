package e2e

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"time"

	"chatlog/deploy/client"
)

// oddPieces are what odd queries are made of: the syntaxes of query languages,
// what breaks analyzers, and what costs a lot.
var oddPieces = []string{
	`"`, `""`, `" "`, `'`, "`", `\`, `\"`, `*`, `**`, `a*`, `*a`, `?`, `a?c`, `~`, `hello~2`, `^4`, `+`, `-`, `!`, `&&`, `||`, `AND`, `OR`, `NOT`, `(`, `)`, `((((`,
	`[`, `]`, `[a TO z]`, `{`, `}`, `{"match_all":{}}`, `{"query":{"script":{"source":"1"}}}`, `message:x`, `_id:*`, `_exists_:x`, `$where`, `'; DROP TABLE message; --`,
	`%`, `%%`, `_`, `/.*/`, `(a+)+$`, `(.*)*`, `a{1,100000}`, `<script>alert(1)</script>`, `</em>`, `&lt;`, "\x00", "\x01\x02", "\x1b[31m", "\x7f", "\r\n", "\t", "\u2028", "\ufeff",
	"\u202e", "\u200b", "\u200d", "\u0301", strings.Repeat("\u0301", 200), "\ufffd", "\ufffe", "\U0010ffff", "👨‍👩‍👧‍👦", "🏳️‍🌈", "🇩🇪🇩", "ﷺ", "ﬁ", "ſ", "ß", "İı", "Ⅷ", "½", "ª", "ー", "ﾊﾟ", "々",
	"你", "好世界", "ของ", "한", "ᄒ", "ال", "ـــــ", "َُِ", "שָׁלוֹם", "ก็", "क्ष", "hello", "wrold", "don't", "foo_bar.baz", "a/b/c", "https://x.y/?z=1#q", "@me", "#tag", "C++", ".NET", "1e309", "-0", "0x1F",
	"3.14", "1,000", strings.Repeat("a", 300), strings.Repeat("ab ", 200), strings.Repeat("你", 150), strings.Repeat(`"a b" `, 60), strings.Repeat("x y", 40),
}

// oddQuery makes one query; a few are as long as a message may be.
func oddQuery(r *rand.Rand) string {
	var text strings.Builder
	pieces := 1 + r.IntN(6)
	if r.IntN(100) == 0 {
		pieces = 4000
	}
	for range pieces {
		switch piece := oddPieces[r.IntN(len(oddPieces))]; r.IntN(5) {
		case 0:
			text.WriteString(piece + " ")
		case 1:
			runes := []rune(piece)
			r.Shuffle(len(runes), func(i, j int) { runes[i], runes[j] = runes[j], runes[i] })
			text.WriteString(string(runes))
		default:
			text.WriteString(piece)
		}
		if text.Len() > 64<<10 {
			break
		}
	}
	return text.String()
}

// testOddQueries asks for what nobody should: a query is words, whatever it
// looks like; it is answered or refused, and never a fault of ours.
func testOddQueries(t *testing.T, h *house) {
	app := application(t, h.query)
	number := chat(t, h.query, app)
	var token string
	for i, piece := range oddPieces {
		var err error
		if _, token, err = h.query.CreateMessage(t.Context(), app, number, fmt.Sprint("odd ", i, " ", piece), nil); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := h.query.Search(t.Context(), app, number, "odd", 1, client.Headers{"Consistency-Token", token}); err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(6, 6))
	statuses := map[int]int{}
	var slowest time.Duration
	for range 2000 {
		query := oddQuery(r)
		path := fmt.Sprintf("/application/%s/chat/%d/search?highlight=true&q=%s", app, number, url.QueryEscape(query))
		if r.IntN(4) == 0 && len(query) < 2000 && query != "" {
			path = fmt.Sprintf("/application/%s/search/%s", app, url.PathEscape(query))
		}
		began := time.Now()
		reply, err := h.query.Do(t.Context(), "GET", path, "", nil)
		slowest = max(slowest, time.Since(began))
		statuses[reply.Status]++
		if err != nil || reply.Status != 200 && reply.Status != 400 && reply.Status != 431 || !json.Valid([]byte(reply.Body)) {
			t.Errorf("%.200q: %d %.300s %v", query, reply.Status, reply.Body, err)
		}
	}
	t.Logf("statuses %v, the slowest took %s", statuses, slowest)
}

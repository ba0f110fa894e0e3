package httpapi

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"chatlog/query/internal/read"
	"chatlog/shared/analysis"
	"chatlog/shared/command"
	"chatlog/shared/searchview"
)

// body reads a reply as it is.
func body(t *testing.T, server *httptest.Server, path string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(text)
}

// talk is an application with two chats; messages get their numbers and times in order.
func talk(t *testing.T, texts ...string) *httptest.Server {
	commands := []command.Command{in(app, command.Command{Op: command.ApplicationCreate, Username: "u"}),
		in(app, command.Command{Op: command.ChatCreate, Chat: 1}), in(app, command.Command{Op: command.ChatCreate, Chat: 2})}
	for i, text := range texts {
		commands = append(commands, in(app, command.Command{Op: command.MessageCreate, Chat: int64(i%2) + 1, Number: int64(i/2) + 1, Message: text}))
	}
	commands = append(commands, in(app, command.Command{Op: command.MessageUpdate, Chat: 1, Number: 1, Message: texts[0] + "!", Created: time.Unix(3, 0)}))
	return serving(t, commands...)
}

// Whatever is asked for, the pages that the links lead to are together the one
// page that has all.
func TestPagesOfASearch(t *testing.T) {
	var texts []string
	for i := range 40 {
		texts = append(texts, []string{"hello / <b>", "Othello / b", "hallo b /"}[i%3])
	}
	server := talk(t, texts...)
	for _, where := range []string{"", "/chat/2", "/chats/1"} {
		for _, path := range []string{"/search?q=" + url.QueryEscape("b hello") + "&", "/search/" + url.PathEscape(`b "/" hello`) + "?"} {
			for _, how := range []string{"", "&sort=relevance&detail=false", "&sort=newest&highlight=true", "&detail=true&from=1970-01-01T00:00:07Z&to=1970-01-01T01:00:31%2B01:00"} {
				at := "/application/" + app + where + path
				whole, none := get(t, server, at+"limit=1000"+how)
				if none != "" || len(whole) < 10 {
					t.Fatalf("%s%s: %d found, next %q", at, how, len(whole), none)
				}
				for _, limit := range []int{1, 7, len(whole) - 1, len(whole)} {
					var all []item
					next := fmt.Sprintf("%slimit=%d%s", at, limit, how)
					for pages := 0; next != "" && pages <= len(whole); pages++ {
						var page []item
						if page, next = get(t, server, next); len(page) == 0 || len(page) > limit {
							t.Fatalf("a page of %d, limit %d", len(page), limit)
						}
						all = append(all, page...)
					}
					if !slices.Equal(all, whole) {
						t.Errorf("%s%s by %d: %v, want %v", at, how, limit, all, whole)
					}
				}
			}
		}
	}
}

func TestWhatASearchShows(t *testing.T) {
	server := talk(t, "hello <b>", "one", "Othello", "two", "hallo", "three")
	chat := "/application/" + app + "/chat/1"
	plain := `[{"appID":"` + app + `","chatID":1,"messageID":1,"message":"hello <b>!"},{"appID":"` + app + `","chatID":1,"messageID":2,"message":"Othello"},` +
		`{"appID":"` + app + `","chatID":1,"messageID":3,"message":"hallo"}]`
	for _, c := range []struct {
		path   string
		status int
		want   string
	}{
		{chat + "/search/hello", 200, plain},
		{"/application/" + app + "/search/hello?sort=&detail=false&highlight=false&from=&to=&cursor=", 200, plain},
		{chat + "/search?q=othello&highlight=true&detail=true", 200, `[{"appID":"` + app + `","chatID":1,"messageID":2,"message":"Othello","created":"1970-01-01T00:00:05.000000Z","highlight":"<em>Othello</em>"}]`},
		{chat + "/search/hello?detail=true&to=1970-01-01T00:00:05Z", 200,
			`[{"appID":"` + app + `","chatID":1,"messageID":1,"message":"hello <b>!","created":"1970-01-01T00:00:03.000000Z","edited":"1970-01-01T00:00:09.000000Z"}]`},
		{chat + "/search/b?highlight=true", 200, `[{"appID":"` + app + `","chatID":1,"messageID":1,"message":"hello <b>!","highlight":"hello &lt;<em>b</em>&gt;!"}]`},
		{chat + "/search/hello?from=1970-01-01T00:00:05Z&to=1970-01-01T00:00:07Z", 200, `[{"appID":"` + app + `","chatID":1,"messageID":2,"message":"Othello"}]`},
		{chat + "/search/hello?from=0000-01-01T00:00:00Z&to=0001-01-01T00:00:00Z", 200, `[]`},
		{chat + "/search/hello?sort=oldest", 400, `{"error":"sort must be relevance or newest"}`},
		{chat + "/search/hello?from=yesterday", 400, `{"error":"from and to must be times as in RFC 3339"}`},
		{chat + "/search/hello?to=1970-01-01", 400, `{"error":"from and to must be times as in RFC 3339"}`},
		{chat + "/search/hello?highlight=1", 400, `{"error":"highlight must be true or false"}`},
		{chat + "/search/hello?detail=yes", 400, `{"error":"detail must be true or false"}`},
		{chat + "/search/hello?cursor=x", 400, `{"error":"cursor is not one of this search"}`},
		{chat + "/message/1", 200, `{"Application":"` + app + `","Chat":1,"MessageID":"1","Message":"hello <b>!"}`},
		{chat + "/message/1?detail=true", 200, `{"Application":"` + app + `","Chat":1,"MessageID":"1","Message":"hello <b>!","created":"1970-01-01T00:00:03.000000Z","edited":"1970-01-01T00:00:09.000000Z"}`},
		{chat + "/message/2?detail=true", 200, `{"Application":"` + app + `","Chat":1,"MessageID":"2","Message":"Othello","created":"1970-01-01T00:00:05.000000Z"}`},
		{chat + "/message/2?detail=no", 400, `{"error":"detail must be true or false"}`},
		{chat + "/messages?limit=1", 200, `[{"id":1,"appID":"` + app + `","chatID":1,"messageID":1,"message":"hello <b>!"}]`},
		{chat + "/messages?limit=1&order=desc&detail=true", 200, `[{"id":3,"appID":"` + app + `","chatID":1,"messageID":3,"message":"hallo","created":"1970-01-01T00:00:07.000000Z"}]`},
		{chat + "/messages?detail=1", 400, `{"error":"detail must be true or false"}`},
	} {
		if status, got := body(t, server, c.path); status != c.status || got != c.want {
			t.Errorf("%s: %d %s, want %d %s", c.path, status, got, c.status, c.want)
		}
	}
	if _, next := get(t, server, chat+"/messages?limit=1&detail=true"); !strings.HasSuffix(next, "&detail=true&limit=1") {
		t.Errorf("the next page is %s", next)
	}
}

// A cursor fits the search that it comes from, and no other.
func TestACursorOfAnotherSearch(t *testing.T) {
	server := talk(t, "hello", "hello", "hello", "hello")
	at := "/application/" + app + "/search?q=hello&limit=1"
	_, next := get(t, server, at)
	link, err := url.Parse(next)
	if err != nil || link.Query().Get("cursor") == "" {
		t.Fatal(next, err)
	}
	cursor := "cursor=" + url.QueryEscape(link.Query().Get("cursor"))
	for path, status := range map[string]int{
		at + "&" + cursor: 200, "/application/" + app + "/search/hello?limit=3&highlight=true&detail=true&" + cursor: 200,
		"/application/" + app + "/search/hullo?" + cursor: 400, "/application/" + app + "/chat/1/search/hello?" + cursor: 400,
		at + "&sort=newest&" + cursor: 400, at + "&from=1970-01-01T00:00:00Z&" + cursor: 400, at + "&to=2030-01-01T00:00:00Z&" + cursor: 400,
		at + "&" + cursor + "A": 400, "/application/" + app + "/chats?" + cursor: 400, "/application/" + app + "/chat/1/messages?" + cursor: 400,
	} {
		if got, text := body(t, server, path); got != status {
			t.Errorf("%s: %d %s, want %d", path, got, text, status)
		}
	}
}

// No text to search for is an error of the server.
func TestOddTexts(t *testing.T) {
	server := talk(t, "hello", "hello")
	for _, text := range []string{"\x00\x01\x1f\x7f", "*", "?*", "hel*", `{"query":{"match_all":{}}}`, strings.Repeat("a", 4096), strings.Repeat("é", 2048), "\xff\xfe", `"`, "a AND (b", "\u202e\u2066",
		strings.Repeat("hello ", 32), strings.Repeat("日", 1365)} {
		if status, reply := body(t, server, "/application/"+app+"/search?q="+url.QueryEscape(text)); status != 200 {
			t.Errorf("%.40q: %d %s", text, status, reply)
		}
	}
	for _, text := range []string{strings.Repeat("a", 64<<10), strings.Repeat("hello ", 33)} {
		if status, reply := body(t, server, "/application/"+app+"/search/"+url.PathEscape(text)); status != 400 {
			t.Errorf("%.40q: %d %s", text, status, reply)
		}
	}
}

// FuzzPlace: no cursor but the one that was given is taken, and that gives its place.
func FuzzPlace(f *testing.F) {
	s := read.Search{Application: app, Text: "hello"}
	f.Add(placeText(searchview.Place{Class: analysis.Part, Created: 1 << 50, Number: 7, Chat: 9}, s), "hello", int64(0), false)
	f.Add("cy4xLjEuMS4x", "x", int64(-1), true)
	f.Add("", "", int64(1), false)
	f.Fuzz(func(t *testing.T, cursor, text string, number int64, newest bool) {
		s := read.Search{Application: app, Text: text, Newest: newest}
		if p, err := parsePlace(cursor, s); err == nil && placeText(*p, s) != cursor {
			t.Fatalf("%q is %+v, which is %q", cursor, p, placeText(*p, s))
		}
		want := searchview.Place{Class: analysis.Typo, Created: number ^ 1<<40, Number: number, Chat: -number}
		if newest {
			want.Class = analysis.None
		}
		made := placeText(want, s)
		if p, err := parsePlace(made, s); err != nil || *p != want {
			t.Fatalf("%+v became %q and %+v: %v", want, made, p, err)
		}
		s.Text += "x"
		if _, err := parsePlace(made, s); err == nil {
			t.Fatalf("%q fits another text", made)
		}
	})
}

// FuzzCursor: the same of the lists' cursors.
func FuzzCursor(f *testing.F) {
	f.Add(cursorText("m", true, 7), int64(7))
	f.Fuzz(func(t *testing.T, cursor string, number int64) {
		if after, err := parseCursor(cursor, "m", false); err == nil && (after < 1 || cursorText("m", false, after) != cursor) {
			t.Fatalf("%q is %d", cursor, after)
		}
		if after, err := parseCursor(cursorText("m", false, number), "m", false); (err == nil) != (number > 0) || err == nil && after != number {
			t.Fatalf("%d became %d: %v", number, after, err)
		}
	})
}

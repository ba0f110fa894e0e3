package httpapi

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"chatlog/query/internal/read"
	"chatlog/shared/command"
	"chatlog/shared/httpserve"
	"chatlog/shared/searchview"
	"chatlog/shared/searchview/bleve"
	"chatlog/shared/sqlview/sqlite"
	"chatlog/shared/view"
)

const (
	app   = "0123456789abcdef0123456789abcdef"
	other = "ffffffffffffffffffffffffffffffff"
)

// atEnd says that the log ends where the views are.
type atEnd int64

func (e atEnd) Do(context.Context, int32) (int64, error) { return int64(e), nil }
func (e atEnd) Wait(context.Context, int32, int64) error { return nil }

func here([]byte) int32 { return 0 }

type noRefresh struct{}

func (noRefresh) Do(context.Context, struct{}) (struct{}, error) { return struct{}{}, nil }

// serving answers reads of embedded views that have taken some commands.
func serving(t *testing.T, commands ...command.Command) *httptest.Server {
	t.Helper()
	rows, err := sqlite.Open(filepath.Join(t.TempDir(), "view.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { rows.Close() })
	if err := rows.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	index, err := bleve.Open(filepath.Join(t.TempDir(), "index"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { index.Close() })
	b := view.Batch{}
	for i, c := range commands {
		c.ID, c.Time = fmt.Sprintf("00000000-0000-7000-8000-%012x", i), time.Unix(int64(i), 0).UTC()
		b.Entries = append(b.Entries, view.Entry{Offset: int64(i), Command: c})
		b.To = view.Progress{Log: "00000000000000a1", Generation: 1, Next: int64(i) + 1, LastID: c.ID, LastOffset: int64(i)}
	}
	if err := rows.Apply(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if _, err := index.Apply(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	end := atEnd(b.To.Next)
	f := &read.Freshness{Waiter: end, Ends: end, Limit: time.Minute, Count: func(string) {}}
	reader := read.NewReader(rows, f, here)
	router := httpserve.NewRouter(slog.New(slog.DiscardHandler), httpserve.NewMetrics("x", prometheus.NewRegistry()))
	New(reader, read.NewSearcher(reader, searchview.Index(index), f, noRefresh{})).Routes(router)
	server := httptest.NewServer(router)
	t.Cleanup(server.Close)
	return server
}

type item struct {
	Application string `json:"appID"`
	Chat        int64  `json:"chatID"`
	Number      int64  `json:"messageID"`
}

// get reads a list and where its next page is.
func get(t *testing.T, server *httptest.Server, path string) (list []item, next string) {
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
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s %v", path, response.StatusCode, body, err)
	}
	if err := json.Unmarshal(body, &list); err != nil {
		t.Fatalf("%s: %s: %v", path, body, err)
	}
	return list, strings.TrimSuffix(strings.TrimPrefix(response.Header.Get("Link"), "<"), `>; rel="next"`)
}

func in(application string, c command.Command) command.Command {
	c.Application = application
	return c
}

// Whatever a page's size and order, the pages together have every item once,
// and none is empty or larger than asked for.
func TestPagesTogetherAreTheList(t *testing.T) {
	const count = 12
	commands := []command.Command{in(app, command.Command{Op: command.ApplicationCreate, Username: "u"})}
	for n := int64(1); n <= count; n++ {
		commands = append(commands, in(app, command.Command{Op: command.ChatCreate, Chat: n}),
			in(app, command.Command{Op: command.MessageCreate, Chat: 1, Number: n, Message: "m"}))
	}
	commands = append(commands, in(app, command.Command{Op: command.MessageDelete, Chat: 1, Number: 4, Created: time.Unix(1, 0)}))
	server := serving(t, commands...)
	for _, list := range []struct {
		path   string
		number func(item) int64
		gone   int64
	}{
		{"/application/" + app + "/chat/1/messages", func(i item) int64 { return i.Number }, 4},
		{"/application/" + app + "/chats", func(i item) int64 { return i.Chat }, 0},
	} {
		for _, order := range []string{"asc", "desc"} {
			for _, limit := range []int{1, 2, 3, 5, 11, 12, 13, 1000} {
				var want, got []int64
				for n := int64(1); n <= count; n++ {
					if n != list.gone {
						want = append(want, n)
					}
				}
				if order == "desc" {
					slices.Reverse(want)
				}
				next := fmt.Sprintf("%s?limit=%d&order=%s", list.path, limit, order)
				for pages := 0; next != "" && pages <= count; pages++ {
					var page []item
					if page, next = get(t, server, next); len(page) == 0 || len(page) > limit {
						t.Fatalf("a page of %d, limit %d", len(page), limit)
					}
					for _, i := range page {
						got = append(got, list.number(i))
					}
				}
				if !slices.Equal(got, want) {
					t.Errorf("%s %s by %d: %v, want %v", list.path, order, limit, got, want)
				}
			}
		}
	}
}

// A search sees its own application, and its own chat if it names one.
func TestASearchStaysWhereItIs(t *testing.T) {
	var commands []command.Command
	for _, application := range []string{app, other} {
		commands = append(commands, in(application, command.Command{Op: command.ApplicationCreate, Username: "u"}))
		for chat := int64(1); chat <= 2; chat++ {
			commands = append(commands, in(application, command.Command{Op: command.ChatCreate, Chat: chat}),
				in(application, command.Command{Op: command.MessageCreate, Chat: chat, Number: 1, Message: "secret"}))
		}
	}
	server := serving(t, commands...)
	for _, application := range []string{app, other} {
		for path, want := range map[string][]int64{"": {1, 2}, "/chat/1": {1}, "/chats/2": {2}} {
			for _, spelling := range []string{"/search/secret", "/search?q=secret"} {
				found, _ := get(t, server, "/application/"+application+path+spelling)
				var chats []int64
				for _, i := range found {
					if i.Application != application {
						t.Errorf("%s%s: a message of %s", path, spelling, i.Application)
					}
					chats = append(chats, i.Chat)
				}
				if slices.Sort(chats); !slices.Equal(chats, want) {
					t.Errorf("%s%s: found in chats %v, want %v", path, spelling, chats, want)
				}
			}
		}
	}
}

package httpserve

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"chatlog/shared/fault"
)

// gateway guards every route, remembers whom it saw, and turns down who is full.
type gateway struct{ tokens []string }

func (g *gateway) Of(string, string) Guard { return g }

func (g *gateway) Enter(_ *http.Request, token string) error {
	g.tokens = append(g.tokens, token)
	if token == "full" {
		return &fault.Error{Kind: fault.Limited, Public: "Too many", RetryAfter: time.Second}
	}
	return nil
}

func (g *gateway) Missed(*http.Request) {}

// gated makes a router behind a gate, with a route of each kind.
func gated() (*Router, *gateway) {
	r, g := NewRouter(slog.New(slog.DiscardHandler), NewMetrics("gated", prometheus.NewRegistry())), &gateway{}
	r.Guard(g)
	r.Handle("POST", "/handled/:token", func(http.ResponseWriter, *http.Request, Params) (any, error) { return "ok", nil })
	r.Mount("POST", "/mounted/:token", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.URL.Path) }))
	return r, g
}

// A guard has a token as it is, whatever it was spelt like and whatever answers; a
// mounted handler has the path as it came.
func TestAGuardSeesWhatTheTokenIs(t *testing.T) {
	r, g := gated()
	for path, body := range map[string]string{"/handled/%66ree": `"ok"`, "/handled/fr%65e": `"ok"`, "/mounted/%66ree": "/mounted/%66ree", "/mounted/fr%65e": "/mounted/fr%65e"} {
		w := httptest.NewRecorder()
		r.ServeHTTP(w, httptest.NewRequest("POST", path, nil))
		if w.Code != 200 || w.Body.String() != body || g.tokens[len(g.tokens)-1] != "free" {
			t.Errorf("%s: %d %s, the guard saw %q", path, w.Code, w.Body, g.tokens)
		}
	}
}

// counting is a body that knows how much of it was read.
type counting struct {
	io.Reader
	read int
}

func (c *counting) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.read += n
	return n, err
}

// A request over a limit costs little: beyond some of its body it is not read, and
// the connection is closed. A small one keeps it.
func TestABodyOverALimitIsNotRead(t *testing.T) {
	r, _ := gated()
	for _, path := range []string{"/handled/full", "/mounted/full"} {
		for _, c := range []struct {
			size, read int
			connection string
		}{{0, 0, ""}, {1000, 1000, ""}, {limitedDrain, limitedDrain, ""}, {limitedDrain + 1, limitedDrain + 1, "close"}, {8 << 20, limitedDrain + 1, "close"}} {
			body := &counting{Reader: strings.NewReader(strings.Repeat("a", c.size))}
			w := httptest.NewRecorder()
			r.ServeHTTP(w, httptest.NewRequest("POST", path, body))
			if w.Code != 429 || w.Header().Get("Retry-After") != "1" || body.read != c.read || w.Header().Get("Connection") != c.connection {
				t.Errorf("%s of %d bytes: %d %v, %d were read, must be %d", path, c.size, w.Code, w.Header(), body.read, c.read)
			}
		}
	}
}

// The server neither waits for what is left of such a body nor takes it for the next
// request; after a small one it goes on.
func TestWhatFollowsABodyOverALimit(t *testing.T) {
	r, _ := gated()
	s := NewServer("gated", Default("127.0.0.1:0"), r, slog.New(slog.DiscardHandler))
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	})
	next := "POST /handled/free" + closing + "Content-Length: 0\r\n\r\n"
	for _, c := range []struct{ length, sent, answers int }{{1000, 1000, 2}, {12 << 20, limitedDrain + 4096, 1}} {
		answer := raw(t, s.Addr(), fmt.Sprintf("POST /mounted/full HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", c.length, strings.Repeat("a", c.sent)+next))
		if !strings.HasPrefix(answer, "HTTP/1.1 429 ") || strings.Count(answer, "HTTP/1.1 ") != c.answers || strings.Contains(answer, "HTTP/1.1 200 ") != (c.answers == 2) {
			t.Errorf("%d bytes of %d: %q", c.sent, c.length, answer)
		}
	}
}

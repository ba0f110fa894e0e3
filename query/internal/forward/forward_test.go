package forward

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"chatlog/shared/httpserve"
)

const (
	nothingWritten = "nothing was written"
	unknown        = "The outcome is unknown"
)

func TestARequestArrivesAsItWasSent(t *testing.T) {
	for _, c := range []struct{ method, path, body, target string }{
		{"POST", "/application/a", `{"username":"Zoë"}`, "/application/a"},
		{"PUT", "/application/a", "\x00\xff no JSON at all", "/application/a"},
		{"DELETE", "/application/a", "", "/application/a"},
		{"POST", "/application/a%2Fb%20%22%3F%23", "{}", "/application/a%2Fb%20%22%3F%23"},
		{"POST", "/application/%E6%97%A5%00", "{}", "/application/%E6%97%A5%00"},
		{"POST", "/application/a/", "{}", "/application/a"},
	} {
		t.Run(c.method+" "+c.path, func(t *testing.T) {
			ingest := newIngest(t, nil)
			g := knowing(t, ingest.URL)
			if r := g.do(c.method, c.path, strings.NewReader(c.body)); r.status != http.StatusOK {
				t.Errorf("answered by %d %s", r.status, r.body)
			}
			seen := ingest.requests()
			if len(seen) != 1 || seen[0].method != c.method || seen[0].target != c.target || seen[0].body != c.body {
				t.Errorf("arrived as %q", seen)
			}
			if g.counted("forwarded") != 1 || g.counted("failed") != 0 {
				t.Errorf("counted %v", g.counts)
			}
		})
	}
}

// Headers that mean something to the other side pass, all others belong to one
// connection or to nobody.
func TestHeadersPassInBothDirections(t *testing.T) {
	ingest := newIngest(t, func(w http.ResponseWriter, _ *http.Request) {
		for name, value := range map[string]string{"Content-Type": "application/json", "Consistency-Token": "00000000000000a1-3-7", "Retry-After": "4",
			"Allow": "POST", "X-Request-Id": "of-ingest", "Set-Cookie": "a=b", "Server": "secret", "X-Other": "y"} {
			w.Header().Set(name, value)
		}
		w.WriteHeader(http.StatusTooManyRequests)
		io.WriteString(w, `{"error":"Slow down"}`)
	})
	g := knowing(t, ingest.URL)
	r := g.post("{}", "Content-Type", "application/json", "Idempotency-Key", "the key", "X-Request-Id", "of-the-client",
		"Traceparent", "00-1-2-01", "Tracestate", "a=1", "Tracestate", "b=2", "Authorization", "secret", "Cookie", "a=b", "X-Other", "x")
	if r.status != http.StatusTooManyRequests || r.body != `{"error":"Slow down"}` {
		t.Errorf("answered by %d %s", r.status, r.body)
	}
	for name, want := range map[string]string{"Content-Type": "application/json", "Consistency-Token": "00000000000000a1-3-7", "Retry-After": "4",
		"Allow": "POST", "X-Request-Id": "of-the-client", "Set-Cookie": "", "Server": "", "X-Other": ""} {
		if values := r.header.Values(name); strings.Join(values, "|") != want {
			t.Errorf("the client got %s %q, want %q", name, values, want)
		}
	}
	header := ingest.requests()[0].header
	for name, want := range map[string]string{"Content-Type": "application/json", "Idempotency-Key": "the key", "X-Request-Id": "of-the-client",
		"Traceparent": "00-1-2-01", "Tracestate": "a=1|b=2", "Authorization": "", "Cookie": "", "X-Other": "", "X-Chatlog-Forwarded": "query"} {
		if values := header.Values(name); strings.Join(values, "|") != want {
			t.Errorf("ingest got %s %q, want %q", name, values, want)
		}
	}
	if values := header.Values("X-Chatlog-Forwarded"); len(values) != 1 || values[0] == "" { // what it says is for people
		t.Errorf("ingest got the mark %q", values)
	}
}

// A request without an id gets one that both services log.
func TestBothSidesKnowARequestByOneID(t *testing.T) {
	ingest := newIngest(t, nil)
	g := knowing(t, ingest.URL)
	for _, sent := range []string{"", "not a sane id"} {
		r := g.post("{}", "X-Request-Id", sent)
		seen := ingest.requests()
		at := seen[len(seen)-1].header.Get(httpserve.HeaderRequestID)
		if id := r.header.Get(httpserve.HeaderRequestID); id == "" || id == sent || id != at {
			t.Errorf("the client was told %q, ingest %q", id, at)
		}
	}
}

func TestEveryAnswerPasses(t *testing.T) {
	for _, status := range []int{200, 400, 404, 405, 413, 415, 422, 429, 500, 503, 307} {
		t.Run(fmt.Sprint(status), func(t *testing.T) {
			body := strings.Repeat(`{"a":"ü"}`, 20_000)
			ingest := newIngest(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "application/json")
				w.Header().Set("Location", "/application/b") // followed by nobody
				w.WriteHeader(status)
				io.WriteString(w, body)
			})
			other := newIngest(t, nil)
			r := knowing(t, ingest.URL, other.URL).post("{}")
			if r.status != status || r.body != body || r.header.Get("Content-Type") != "application/json" || r.header.Get("Location") != "" {
				t.Errorf("status %d, %d bytes, headers %v", r.status, len(r.body), r.header)
			}
			// An answer is an answer, a 503 too: ingest alone knows what it means.
			if len(ingest.requests()) != 1 || len(other.requests()) != 0 {
				t.Errorf("asked %d and %d times", len(ingest.requests()), len(other.requests()))
			}
		})
	}
}

// One hop only: a request that comes back is not sent round again.
func TestNoCircles(t *testing.T) {
	ingest := newIngest(t, nil)
	g := knowing(t, ingest.URL)
	for _, mark := range []string{"1", "0", "x"} {
		g.refused(g.post("{}", "X-Chatlog-Forwarded", mark), http.StatusInternalServerError, "in a circle")
	}
	if n := len(ingest.requests()); n > 0 {
		t.Errorf("%d were sent on", n)
	}
	// Two that know only each other, as a wrong setting makes them.
	var first, second *gate
	first = knowing(t)
	second = knowing(t, first.url)
	first.fallback = []string{second.url}
	r := first.post("{}")
	first.refused(r, http.StatusInternalServerError, "in a circle")
	if first.counted("forwarded") != 1 || second.counted("forwarded") != 0 {
		t.Errorf("counted %v and %v", first.counts, second.counts)
	}
}

func TestTheBodysLimit(t *testing.T) {
	for _, c := range []struct {
		name   string
		size   int
		stream bool // of a length that nobody tells
		passes bool
	}{
		{"empty", 0, false, true},
		{"at the limit", httpserve.MaxBody, false, true},
		{"at the limit, streamed", httpserve.MaxBody, true, true},
		{"one byte more", httpserve.MaxBody + 1, false, false},
		{"one byte more, streamed", httpserve.MaxBody + 1, true, false},
		{"much more", 5 << 20, false, false},
		{"much more, streamed", 5 << 20, true, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			ingest := newIngest(t, nil)
			g := knowing(t, ingest.URL)
			sent := bytes.Repeat([]byte("x"), c.size)
			var body io.Reader = bytes.NewReader(sent)
			if c.stream {
				body = struct{ io.Reader }{body}
			}
			r := g.do(http.MethodPost, "/application/a", body)
			seen := ingest.requests()
			if !c.passes {
				g.refused(r, http.StatusRequestEntityTooLarge, "larger than 1 MiB")
				if len(seen) > 0 {
					t.Errorf("%d were sent on", len(seen))
				}
				return
			}
			if r.status != http.StatusOK || len(seen) != 1 || seen[0].body != string(sent) {
				t.Errorf("answered by %d, sent on %d", r.status, len(seen))
			}
		})
	}
}

// Several clients at once neither mix their requests nor their answers.
func TestManyAtOnce(t *testing.T) {
	echo := func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, r.Header.Get("Idempotency-Key")) }
	ingests := []*fakeIngest{newIngest(t, echo), newIngest(t, echo)}
	g := knowing(t, ingests[0].URL, ingests[1].URL)
	var clients sync.WaitGroup
	for n := range 40 {
		clients.Go(func() {
			key := fmt.Sprint("key ", n)
			if r := g.post(fmt.Sprint("body ", n), "Idempotency-Key", key); r.status != http.StatusOK || r.body != key {
				t.Errorf("%s was answered by %d %s", key, r.status, r.body)
			}
		})
	}
	clients.Wait()
	pairs := map[string]string{}
	for _, r := range append(ingests[0].requests(), ingests[1].requests()...) {
		pairs[strings.TrimPrefix(r.header.Get("Idempotency-Key"), "key ")] = strings.TrimPrefix(r.body, "body ")
	}
	for key, body := range pairs {
		if key != body {
			t.Errorf("key %s came with body %s", key, body)
		}
	}
	if len(pairs) != 40 {
		t.Errorf("%d arrived", len(pairs))
	}
}

package forward

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"chatlog/shared/httpserve"
	"chatlog/shared/relay"
	"chatlog/shared/tlsconf"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// got is a request as ingest has got it.
type got struct {
	method, target, body string
	header               http.Header
}

// fakeIngest notes what it gets. answer, if any, answers.
type fakeIngest struct {
	*httptest.Server
	mutex  sync.Mutex
	seen   []got
	answer http.HandlerFunc
}

func newIngest(t *testing.T, answer http.HandlerFunc) *fakeIngest {
	f := &fakeIngest{answer: answer}
	f.Server = httptest.NewServer(f)
	t.Cleanup(f.Close)
	return f
}

func (f *fakeIngest) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	f.mutex.Lock()
	f.seen = append(f.seen, got{r.Method, r.RequestURI, string(body), r.Header.Clone()})
	f.mutex.Unlock()
	if f.answer != nil {
		f.answer(w, r)
	}
}

func (f *fakeIngest) requests() []got {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return append([]got(nil), f.seen...)
}

// hangUp ends the connection without an answer: the request was read, and
// nobody can know what became of it.
func hangUp(w http.ResponseWriter, _ *http.Request) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		conn.Close()
	}
}

// nobody gives the base URL of an address where nobody listens.
func nobody(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

func sender(t *testing.T, timeout time.Duration) *relay.Sender {
	t.Helper()
	s, err := relay.NewSender("query", timeout, nil, tlsconf.Client{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// gate is a query service that passes writes on.
type gate struct {
	*testing.T
	*Forwarder
	url    string
	mutex  sync.Mutex
	counts map[string]int
}

var errNoDirectory = errors.New("the directory is down")

// lookingUp makes a gate that finds the instances in a directory and falls back
// to others.
func lookingUp(t *testing.T, lookup Lookup, timeout time.Duration, fallback ...string) *gate {
	logger := slog.New(slog.DiscardHandler)
	g := &gate{T: t, counts: map[string]int{}}
	g.Forwarder = New(lookup, fallback, sender(t, timeout), logger, func(outcome string) {
		g.mutex.Lock()
		defer g.mutex.Unlock()
		g.counts[outcome]++
	})
	t.Cleanup(g.Close)
	router := httpserve.NewRouter(logger, httpserve.NewMetrics("gate", prometheus.NewRegistry()))
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
		router.Mount(method, "/application/:token", g.Forwarder)
	}
	server := httptest.NewServer(router)
	t.Cleanup(server.Close)
	g.url = server.URL
	return g
}

// knowing makes a gate without a directory.
func knowing(t *testing.T, urls ...string) *gate {
	return lookingUp(t, func(context.Context) ([]string, error) { return nil, errNoDirectory }, 5*time.Second, urls...)
}

func (g *gate) counted(outcome string) int {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	return g.counts[outcome]
}

type reply struct {
	status int
	body   string
	header http.Header
	err    error // while the body was read
}

// do sends a request with headers, given as name and value in turn.
func (g *gate) do(method, path string, body io.Reader, headers ...string) reply {
	g.Helper()
	r, err := http.NewRequestWithContext(g.Context(), method, g.url+path, body)
	if err != nil {
		g.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Do(r)
	if err != nil {
		g.Fatal(err)
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	return reply{response.StatusCode, string(raw), response.Header, err}
}

func (g *gate) post(body string, headers ...string) reply {
	g.Helper()
	return g.do(http.MethodPost, "/application/a", strings.NewReader(body), headers...)
}

// refused fails unless a reply is an error as the contract has it.
func (g *gate) refused(r reply, status int, says string) {
	g.Helper()
	var body map[string]string
	if err := json.Unmarshal([]byte(r.body), &body); err != nil || len(body) != 1 || !strings.Contains(body["error"], says) {
		g.Errorf("body %q, want an error that says %q", r.body, says)
	}
	if r.status != status || r.header.Get("Content-Type") != "application/json" || r.header.Get(httpserve.HeaderRequestID) == "" {
		g.Errorf("status %d, headers %v", r.status, r.header)
	}
	if (r.header.Get("Retry-After") != "") != (status == http.StatusServiceUnavailable) {
		g.Errorf("status %d, Retry-After %q", r.status, r.header.Get("Retry-After"))
	}
}

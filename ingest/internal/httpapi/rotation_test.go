package httpapi

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"chatlog/ingest/internal/forward"
	"chatlog/ingest/internal/partition"
	"chatlog/shared/fault"
	"chatlog/shared/httpserve"
	"chatlog/shared/position"
	"chatlog/shared/relay"
	"chatlog/shared/tlsconf"
)

func sender(t testing.TB, timeout time.Duration) *relay.Sender {
	t.Helper()
	s, err := relay.NewSender(forward.By, timeout, nil, tlsconf.Client{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// world is the log as all instances see it, perfectly idempotent by command id.
type world struct {
	mutex   sync.Mutex
	written map[string]partition.Request
	order   []string
}

func (w *world) made() []string {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return append([]string(nil), w.order...)
}

type instance struct {
	world *world
	delay func(partition.Request) time.Duration
	fail  error
}

func (i *instance) Submit(_ context.Context, r partition.Request) (partition.Reply, position.Token, error) {
	if i.fail != nil {
		return partition.Reply{}, position.Token{}, i.fail
	}
	i.world.mutex.Lock()
	_, found := i.world.written[r.ID]
	if !found && r.Find {
		i.world.mutex.Unlock()
		return partition.Reply{}, position.Token{}, fault.New(fault.NotFound, "Application not found")
	}
	i.world.written[r.ID] = r
	if !found {
		i.world.order = append(i.world.order, r.Application)
	}
	i.world.mutex.Unlock()
	if i.delay != nil {
		time.Sleep(i.delay(r))
	}
	return partition.Reply{Chat: 1, Number: 1}, position.Token{Log: "0000000000000001"}, nil
}

type holderOf struct{ url string }

func (h holderOf) Holder(int32) (string, string, bool) { return "an instance", h.url, h.url == "" }
func (holderOf) Unreachable(string)                    {}

func serve(t *testing.T, s Submitter, holder string, secrets ...string) *httptest.Server {
	router := httpserve.NewRouter(slog.New(slog.DiscardHandler), httpserve.NewMetrics("x", prometheus.NewRegistry()))
	f := forward.New(holderOf{holder}, sender(t, 400*time.Millisecond), func(string) {})
	New(s, f, NewTokens(secrets, func(string) bool { return true }), func(string) int32 { return 0 }, "an instance").Routes(router)
	server := httptest.NewServer(router)
	t.Cleanup(func() { server.Close(); f.Close() })
	return server
}

func post(t *testing.T, url, key, body string) (int, string, http.Header) {
	r, _ := http.NewRequest("POST", url, strings.NewReader(body))
	r.Header.Set("Idempotency-Key", key)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	return res.StatusCode, string(b), res.Header
}

var oldS, newS = strings.Repeat("o", 32), strings.Repeat("n", 32)

func TestRotationTwoApplications(t *testing.T) {
	w := &world{written: map[string]partition.Request{}}
	b := serve(t, &instance{world: w, delay: func(partition.Request) time.Duration { return 300 * time.Millisecond }}, "", newS, oldS)
	a := serve(t, &instance{world: w}, b.URL, oldS, newS)
	key := uuid.NewString()
	_, first, _ := post(t, a.URL+"/application", key, `{"username":"x"}`)
	time.Sleep(400 * time.Millisecond)
	_, second, _ := post(t, a.URL+"/application", key, `{"username":"x"}`)
	if first != second || len(w.made()) != 1 {
		t.Errorf("one key: %d applications; replies %s and %s", len(w.made()), first, second)
	}
}

// The holder sleeps with the request. What it names is not there as long as the
// holder sleeps, and may be there when it wakes up and writes.
func TestForwardedThenNotFound(t *testing.T) {
	for _, missing := range []string{"Application not found", "Chat not found"} {
		w := &world{written: map[string]partition.Request{}}
		b := serve(t, &instance{world: w, delay: func(partition.Request) time.Duration { return 300 * time.Millisecond }}, "", newS)
		a := serve(t, &instance{world: w, fail: fault.New(fault.NotFound, missing)}, b.URL, newS)
		status, text, h := post(t, a.URL+"/application/"+strings.Repeat("a", 32)+"/chat", "k", "")
		if len(w.made()) != 1 || status != http.StatusServiceUnavailable || !strings.Contains(text, "outcome is unknown") || h.Get("Retry-After") == "" {
			t.Errorf("%d %s, but the holder has written %v", status, text, w.made())
		}
	}
}

func TestForwardedThenNothingWritten(t *testing.T) {
	// what the real owner says when MySQL is away or the time is up; or when it stops
	for _, fail := range []error{fault.New(fault.Transient, "Temporarily unavailable, nothing was written"), partition.ErrClosing} {
		w := &world{written: map[string]partition.Request{}}
		b := serve(t, &instance{world: w, delay: func(partition.Request) time.Duration { return 300 * time.Millisecond }}, "", newS)
		a := serve(t, &instance{world: w, fail: fail}, b.URL, newS)
		status, text, h := post(t, a.URL+"/application/"+strings.Repeat("a", 32)+"/chat", "k", "")
		if len(w.made()) == 1 && strings.Contains(text, "nothing was written") {
			t.Errorf("%d %s, Unwritten %q, but the holder has written it", status, text, h.Get("X-Chatlog-Unwritten"))
		}
	}
}

package ratelimit

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/prometheus/client_golang/prometheus"

	"chatlog/shared/fault"
	"chatlog/shared/httpserve"
	"chatlog/shared/redisconn"
	"chatlog/shared/relay"
)

const tokenA, tokenB = "9f86d081884c7d659a2feaa0c55ad015", "00000000000000000000000000000001"

// api is a service with limits, over a Redis of its own.
type api struct {
	*httpserve.Router
	gate    *Gate
	entered int
}

func newAPI(t *testing.T, change func(*Config)) *api { return calledBy(t, Instances, change) }

func calledBy(t *testing.T, callers Callers, change func(*Config)) *api {
	t.Helper()
	server := miniredis.RunT(t)
	cfg, at := Default(), redisconn.Default()
	cfg.Burst, cfg.Timeout, at.Address = time.Second, time.Second, server.Addr()
	change(&cfg)
	if errs := cfg.Validate(); len(errs) > 0 {
		t.Fatal(errs)
	}
	logger, registry := slog.New(slog.DiscardHandler), prometheus.NewRegistry()
	a := &api{Router: httpserve.NewRouter(logger, httpserve.NewMetrics("x", registry)), gate: NewGate("x", callers, cfg, at, logger, registry)}
	t.Cleanup(func() { a.gate.Close() })
	if a.gate != nil {
		a.Guard(a.gate)
	}
	found := func(_ http.ResponseWriter, _ *http.Request, p httpserve.Params) (any, error) {
		a.entered++
		if p.Get("token") == tokenB {
			return nil, fault.New(fault.NotFound, "Application not found")
		}
		return "ok", nil
	}
	a.Handle(http.MethodPost, "/application", found)
	a.Handle(http.MethodGet, "/application/:token", found)
	a.Handle(http.MethodGet, "/application/:token/search/:query", found)
	a.Mount(http.MethodPost, "/application/:token/chat", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { a.entered++; w.WriteHeader(200) }))
	a.Handle(http.MethodGet, "/openapi.yaml", found)
	a.Status(nil, registry)
	return a
}

// call asks from an address; headers are names and values.
func (a *api) call(method, path, from string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	r.RemoteAddr = from + ":4711"
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	a.ServeHTTP(w, r)
	return w
}

// admitted counts the calls of many that are not answered with 429.
func (a *api) admitted(n int, method, path, from string, headers ...string) (admitted int) {
	for range n {
		if a.call(method, path, from, headers...).Code != http.StatusTooManyRequests {
			admitted++
		}
	}
	return admitted
}

// rare is a rate at which nothing is due again during a test: 1 at once.
const rare = leastRate

func TestScopes(t *testing.T) {
	a := newAPI(t, func(c *Config) { c.Writes, c.Reads, c.Searches = rare, rare, rare })
	for _, c := range []struct {
		method, path, from, scope string
		admitted                  int
	}{
		{"POST", "/application/" + tokenA + "/chat", "192.0.2.1", "writes", 1},
		{"POST", "/application/%39" + tokenA[1:] + "/chat", "192.0.2.1", "writes", 0}, // the same, spelt otherwise
		{"GET", "/application/" + tokenA, "192.0.2.1", "reads", 1},
		{"GET", "/application/%39" + tokenA[1:], "192.0.2.1", "reads", 0},
		{"HEAD", "/application/" + tokenA, "192.0.2.2", "reads", 0}, // as GET, whoever asks
		{"GET", "/application/" + tokenA + "/search/x", "192.0.2.1", "searches", 1},
		{"GET", "/application/" + tokenB, "192.0.2.1", "reads", 1}, // another application
		{"GET", "/application/no-token", "192.0.2.1", "", 3},       // nobody's
		{"POST", "/application", "192.0.2.1", "", 3},
		{"GET", "/openapi.yaml", "192.0.2.1", "", 3},
		{"GET", "/healthz", "192.0.2.1", "", 3},
		{"GET", "/readyz", "192.0.2.1", "", 3},
		{"GET", "/metrics", "192.0.2.1", "", 3},
	} {
		if got := a.admitted(3, c.method, c.path, c.from); got != c.admitted {
			t.Errorf("%s %s: %d of 3 were let in, not %d", c.method, c.path, got, c.admitted)
		}
	}
	for scope, want := range map[string]float64{"writes": 5, "reads": 10, "searches": 2} {
		if got := value(t, a.gate.limited.WithLabelValues(scope)); got != want {
			t.Errorf("%v of %s were counted as limited, not %v", got, scope, want)
		}
	}
}

func TestWhatIsAnsweredOverALimit(t *testing.T) {
	a := newAPI(t, func(c *Config) { c.Writes = 0.1 })
	a.call("POST", "/application/"+tokenA+"/chat", "192.0.2.1")
	w := a.call("POST", "/application/"+tokenA+"/chat", "192.0.2.1", "Idempotency-Key", "k")
	after, err := strconv.Atoi(w.Header().Get("Retry-After"))
	if w.Code != 429 || err != nil || after < 9 || after > 10 || w.Body.String() != `{"error":"Too many writes of this application"}` || a.entered != 1 {
		t.Errorf("%d %s %v, %d were let in", w.Code, w.Body, w.Header(), a.entered)
	}
}

func TestAddresses(t *testing.T) {
	a := newAPI(t, func(c *Config) { c.Address = rare; c.Proxies = []string{"10.0.0.0/8", "2001:db8:1::1"} })
	path := "/application/" + tokenA
	for _, c := range []struct {
		from, forwarded string
		admitted        int
		why             string
	}{
		{"192.0.2.1", "", 1, "a new address"},
		{"192.0.2.1", "203.0.113.1", 0, "not a proxy: what it says counts for nothing"},
		{"10.1.2.3", "203.0.113.1", 1, "a client behind a proxy"},
		{"10.9.9.9", "203.0.113.1", 0, "the same behind another"},
		{"10.1.2.3", "203.0.113.1, 203.0.113.2", 1, "the last that no proxy has is the client"},
		{"10.1.2.3", "8.8.8.8, 203.0.113.2, 10.4.4.4", 0, "a proxy behind a proxy"},
		{"10.1.2.3", "203.0.113.3:5000", 1, "with a port"},
		{"10.1.2.3", "nonsense", 1, "the proxy itself"},
		{"10.1.2.3", "8.8.8.8, nonsense", 0, "nobody's word beyond nonsense"},
		{"[2001:db8:1::1]", "2001:db8:2:3::1", 1, "IPv6 behind a proxy"},
		{"[2001:db8:2:3:ffff::9]", "", 0, "the same network"},
		{"[2001:db8:2:4::9]", "", 1, "another network"},
		{"[::ffff:192.0.2.1]", "", 0, "IPv4 in IPv6"},
	} {
		var headers []string
		if c.forwarded != "" {
			headers = []string{"X-Forwarded-For", c.forwarded}
		}
		if got := a.admitted(2, "GET", path, c.from, headers...); got != c.admitted {
			t.Errorf("%s, forwarded for %q (%s): %d of 2 were let in, not %d", c.from, c.forwarded, c.why, got, c.admitted)
		}
	}
	if w := a.call("GET", path, "10.1.2.3", "X-Forwarded-For", "8.8.4.4", "X-Forwarded-For", "203.0.113.1"); w.Code != 429 {
		t.Errorf("of two headers the last is the nearest: %d", w.Code)
	}
}

// What an instance passes on was counted where it came in, its misses too.
func TestPassedOnIsCountedOnce(t *testing.T) {
	a := newAPI(t, func(c *Config) { c.Writes, c.Reads, c.Address, c.Misses = rare, rare, rare, rare })
	for _, path := range []string{"/application/" + tokenA, "/application/" + tokenB} {
		if got := a.admitted(5, "GET", path, "10.0.0.1", relay.Guard, "query"); got != 5 {
			t.Errorf("%s: %d of 5 were let in", path, got)
		}
	}
	if w := a.call("GET", "/application/"+tokenA, "10.0.0.1"); w.Code != 200 {
		t.Errorf("%d: something of them was counted", w.Code)
	}
}

// Where only clients call, nobody can say that he was counted already.
func TestAClientThatSaysItWasPassedOn(t *testing.T) {
	for scope, change := range map[Scope]func(*Config){
		Writes: func(c *Config) { c.Writes = rare }, Address: func(c *Config) { c.Address = rare }, Misses: func(c *Config) { c.Misses = rare },
	} {
		a := calledBy(t, Clients, change)
		method, path := "POST", "/application/"+tokenA+"/chat"
		if scope == Misses {
			method, path = "GET", "/application/"+tokenB
		}
		if got := a.admitted(5, method, path, "127.0.0.1", relay.Guard, "query"); got != 1 {
			t.Errorf("%s: %d of 5 were let in", scope, got)
		}
	}
}

// Whoever asks for what is not there is turned down after some, whatever he asks.
func TestGuessing(t *testing.T) {
	a := newAPI(t, func(c *Config) { c.Misses, c.Burst = rare, mostBurst }) // 3 at once
	if got := a.admitted(20, "GET", "/application/"+tokenB, "192.0.2.1"); got != 3 || a.entered != 3 {
		t.Errorf("%d guesses of 20 were let in", got)
	}
	if w := a.call("GET", "/application/"+tokenA, "192.0.2.1"); w.Code != 429 || !strings.Contains(w.Body.String(), "not there") {
		t.Errorf("another request of his: %d %s", w.Code, w.Body)
	}
	if got := a.admitted(20, "GET", "/application/"+tokenA, "192.0.2.2"); got != 20 {
		t.Errorf("%d of 20 of somebody who knows his token", got)
	}
}

// However many guess at once, the answers that they got are paid back.
func TestGuessingAtOnce(t *testing.T) {
	a := newAPI(t, func(c *Config) { c.Misses, c.Burst = 0.1, 30*time.Second }) // 3 at once
	of, r := a.gate.Of("GET", "/application/:token"), httptest.NewRequest("GET", "/application/"+tokenB, nil)
	const guesses = 20
	for i := range guesses {
		if err := of.Enter(r, tokenB); err != nil {
			t.Fatalf("guess %d, while none is answered: %v", i, err)
		}
	}
	for range guesses {
		of.Missed(r)
	}
	const wait = (guesses + 1 - 3) * 10 * time.Second
	if got := fault.RetryAfterOf(of.Enter(r, tokenB)); got > wait || got < wait-10*time.Second {
		t.Errorf("the next one is to wait for %s, it must be about %s", got, wait)
	}
}

func TestWithoutLimitsThereIsNoGate(t *testing.T) {
	if a := newAPI(t, func(*Config) {}); a.gate != nil || a.gate.Close() != nil {
		t.Error("there is one")
	}
}

func TestTokensAreNotKeys(t *testing.T) {
	a := newAPI(t, func(c *Config) { c.Writes = rare })
	a.call("POST", "/application/"+tokenA+"/chat", "192.0.2.1")
	keys, err := a.gate.redis.Keys(t.Context(), "*").Result()
	if err != nil || len(keys) != 1 || strings.Contains(keys[0], tokenA) {
		t.Errorf("%v, %v", keys, err)
	}
}

func TestValidate(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"writes_per_application:": func(c *Config) { c.Writes = -1 }, "reads_per_application:": func(c *Config) { c.Reads = 2e6 },
		"misses_per_address:": func(c *Config) { c.Misses = 1e-9 }, "burst:": func(c *Config) { c.Burst = 0 },
		"redis_timeout:": func(c *Config) { c.Timeout = time.Minute }, "trusted_proxies:": func(c *Config) { c.Proxies = []string{"10.0.0.0/33"} },
	} {
		c := Default()
		change(&c)
		if errs := c.Validate(); len(errs) != 1 || !strings.HasPrefix(errs[0].Error(), name) {
			t.Errorf("%s %v", name, errs)
		}
	}
	if errs := Default().Validate(); errs != nil {
		t.Error(errs)
	}
}

package relay

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"log/slog"

	"chatlog/shared/config"
	"chatlog/shared/fault"
	"chatlog/shared/httpserve"
	"chatlog/shared/tlsconf"
)

const (
	secretA = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	secretB = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// seal is one whose clock is off.
func seal(secret string, off time.Duration, counted map[string]int) *Seal {
	cfg := Default()
	cfg.Secret = config.Secret(secret)
	return NewSeal(cfg, func() time.Time { return noon.Add(off) }, func(reason string) { counted[reason]++ })
}

// passed is a request as an instance passes it on.
func passed(s *Seal, change func(*http.Request)) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "http://ingest/application/a/chat/1/message", nil)
	r.Header.Set(Guard, "query")
	r.Header.Set(Instance, "i-1")
	r.RemoteAddr = "192.0.2.1:1234"
	if s != nil {
		s.put(r)
	}
	if change != nil {
		change(r)
	}
	return r
}

func TestSeal(t *testing.T) {
	ours := seal(secretA, 0, nil)
	for _, c := range []struct {
		name    string
		secret  string // of who gets it
		request *http.Request
		want    string // why it is refused
	}{
		{"one of us", secretA, passed(ours, nil), ""},
		{"a client", secretA, httptest.NewRequest(http.MethodPost, "/application", nil), ""},
		{"ours is the second of a list", secretB + "," + secretA, passed(ours, nil), ""},
		{"the list of who sends begins with ours", secretA, passed(seal(secretA+" "+secretB, 0, nil), nil), ""},
		{"a slash at the end, which the router drops", secretA, passed(ours, func(r *http.Request) { r.URL.Path += "/" }), ""},
		{"a clock nearly a minute ahead", secretA, passed(seal(secretA, 59*time.Second, nil), nil), ""},
		{"a clock nearly a minute behind", secretA, passed(seal(secretA, -59*time.Second, nil), nil), ""},
		{"no seal", secretA, passed(nil, nil), "unsealed"},
		{"only the instance's header", secretA, passed(nil, func(r *http.Request) { r.Header.Del(Guard) }), "unsealed"},
		{"an empty guard", secretA, passed(nil, func(r *http.Request) { r.Header.Del(Instance); r.Header.Set(Guard, "") }), "unsealed"},
		{"another secret", secretB, passed(ours, nil), "forged"},
		{"another method", secretA, passed(ours, func(r *http.Request) { r.Method = http.MethodDelete }), "forged"},
		{"another path", secretA, passed(ours, func(r *http.Request) { r.URL.Path = "/application/b/chat/1/message" }), "forged"},
		{"another guard", secretA, passed(ours, func(r *http.Request) { r.Header.Set(Guard, "ingest") }), "forged"},
		{"one more guard", secretA, passed(ours, func(r *http.Request) { r.Header.Add(Guard, "ingest") }), "forged"},
		{"another instance", secretA, passed(ours, func(r *http.Request) { r.Header.Set(Instance, "i-2") }), "forged"},
		{"the instance's header taken away", secretA, passed(ours, func(r *http.Request) { r.Header.Del(Instance) }), "forged"},
		{"another time", secretA, passed(ours, func(r *http.Request) {
			_, sum, _ := strings.Cut(r.Header.Get(HeaderSeal), ".")
			r.Header.Set(HeaderSeal, "1795435200001."+sum)
		}), "forged"},
		{"old", secretA, passed(seal(secretA, -61*time.Second, nil), nil), "stale"},
		{"from the future", secretA, passed(seal(secretA, 61*time.Second, nil), nil), "stale"},
		{"an empty sum", secretA, passed(nil, func(r *http.Request) { r.Header.Set(HeaderSeal, "1795435200000.") }), "malformed"},
		{"no time", secretA, passed(nil, func(r *http.Request) { r.Header.Set(HeaderSeal, strings.Repeat("0", 64)) }), "malformed"},
		{"no secret here, from elsewhere", "", passed(nil, nil), "unsealed"},
		{"no secret here, from this machine", "", passed(nil, func(r *http.Request) { r.RemoteAddr = "127.0.0.1:1" }), ""},
		{"no secret here, from this machine by IPv6", "", passed(nil, func(r *http.Request) { r.RemoteAddr = "[::1]:1" }), ""},
	} {
		counted := map[string]int{}
		w := httptest.NewRecorder()
		err := seal(c.secret, 0, counted).Admit(w, c.request)
		switch {
		case c.want == "" && (err != nil || len(counted) > 0 || len(w.Header()) > 0):
			t.Errorf("%s: %v, counted %v", c.name, err, counted)
		case c.want != "" && (!fault.Is(err, fault.Transient) || counted[c.want] != 1 || w.Header().Get(Unwritten) == ""):
			t.Errorf("%s: %v, counted %v, want %s", c.name, err, counted, c.want)
		}
	}
}

// TestSealedOverTheWire: what a sender seals, a router with the same secret admits,
// however the path is spelled, and one with another secret does not.
func TestSealedOverTheWire(t *testing.T) {
	sending := seal(secretA, 0, nil)
	sender, err := NewSender("query", 5*time.Second, sending, tlsconf.Client{})
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close()
	counted := map[string]int{}
	serve := func(s *Seal) *httptest.Server {
		router := httpserve.NewRouter(slog.New(slog.DiscardHandler), httpserve.NewMetrics("x", prometheus.NewRegistry()))
		router.Admit(s.Admit)
		router.Handle(http.MethodPost, "/application/:token", func(_ http.ResponseWriter, r *http.Request, p httpserve.Params) (any, error) {
			return p.Get("token"), nil
		})
		server := httptest.NewServer(router)
		t.Cleanup(server.Close)
		return server
	}
	well, wrong := serve(seal(secretA, 0, counted)), serve(seal(secretB, 0, counted))
	gate := httpserve.NewRouter(slog.New(slog.DiscardHandler), httpserve.NewMetrics("y", prometheus.NewRegistry()))
	var base string
	gate.Mount(http.MethodPost, "/application/:token", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		response, err := sender.Send(r.Context(), r, base, "", nil)
		if err != nil {
			httpserve.WriteError(w, err)
			return
		}
		defer response.Body.Close()
		w.WriteHeader(response.StatusCode)
		io.Copy(w, response.Body)
	}))
	for path, token := range map[string]string{"/application/a": "a", "/application/a/": "a", "/application/a%2Fb": "a/b",
		"/application/%C3%A9": "é", "/application/\xc3\xa9": "é", "/application/a%20b": "a b", "/application/a+b%25": "a+b%"} {
		for _, c := range []struct {
			to     *httptest.Server
			status int
		}{{well, http.StatusOK}, {wrong, http.StatusServiceUnavailable}} {
			base = c.to.URL
			r := httptest.NewRequest(http.MethodPost, "/", nil)
			r.URL.Path, r.URL.RawPath = "", ""
			parsed, err := r.URL.Parse(path)
			if err != nil {
				t.Fatal(err)
			}
			r.URL = parsed
			w := httptest.NewRecorder()
			gate.ServeHTTP(w, r)
			if w.Code != c.status || c.status == http.StatusOK && strings.TrimSpace(w.Body.String()) != `"`+token+`"` {
				t.Errorf("%q: %d %s, counted %v", path, w.Code, w.Body, counted)
			}
		}
	}
	if counted["forged"] != 7 || len(counted) != 1 {
		t.Errorf("counted %v", counted)
	}
}

// TestOnlyOverTLS: with forward.tls a plain address is never spoken to.
func TestOnlyOverTLS(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("it was sent in the clear") }))
	defer plain.Close()
	sender, err := NewSender("query", time.Second, nil, tlsconf.Client{Enabled: true})
	if err != nil {
		t.Fatal(err)
	}
	defer sender.Close()
	encrypted := httptest.NewTLSServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("a stranger's certificate was trusted") }))
	defer encrypted.Close()
	encrypted.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	for _, base := range []string{plain.URL, encrypted.URL, "https" + strings.TrimPrefix(plain.URL, "http")} {
		_, err := sender.Send(t.Context(), httptest.NewRequest(http.MethodPost, "/application", nil), base, "", nil)
		if !Unsent(err) {
			t.Errorf("%s: %v, which does not say that nothing was sent", base, err)
		}
	}
}

func TestConfigRefuses(t *testing.T) {
	for secret, wrong := range map[string]int{"": 0, secretA: 0, secretA + "," + secretB: 0, "short": 1, secretA + ",short": 1} {
		cfg := Default()
		cfg.Secret = config.Secret(secret)
		if errs := cfg.Validate(); len(errs) != wrong {
			t.Errorf("%d characters: %v", len(secret), errs)
		}
	}
	cfg := Default()
	cfg.Skew = 0
	if len(cfg.Validate()) != 1 {
		t.Error("a skew of nothing is taken")
	}
}

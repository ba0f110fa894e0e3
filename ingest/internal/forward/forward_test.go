package forward

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"chatlog/shared/fault"
	"chatlog/shared/relay"
	"chatlog/shared/tlsconf"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// owners knows one holder of everything; empty: this instance.
type owners struct {
	url         string
	unreachable atomic.Int64
}

func (o *owners) Holder(int32) (string, string, bool) { return "meant", o.url, o.url == "" }
func (o *owners) Unreachable(string)                  { o.unreachable.Add(1) }

// holder answers as the instance that holds the partition.
func holder(t *testing.T, answer http.HandlerFunc) (*owners, *atomic.Int64) {
	t.Helper()
	var arrived atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived.Add(1)
		w.Header().Set(relay.Instance, "meant")
		answer(w, r)
	}))
	t.Cleanup(server.Close)
	return &owners{url: server.URL}, &arrived
}

func request(headers ...string) *http.Request {
	r := httptest.NewRequest("POST", "/application/a/chat/1/message", nil)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

func sender(t *testing.T, timeout time.Duration) *relay.Sender {
	t.Helper()
	s, err := relay.NewSender(By, timeout, nil, tlsconf.Client{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func counting(counted map[string]int) func(string) {
	return func(outcome string) { counted[outcome]++ }
}

func TestForwarded(t *testing.T) {
	to, arrived := holder(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.URL.Path != "/application/a/chat/1/message" || string(body) != "body" || r.Header.Get("Idempotency-Key") != "k" || r.Header.Get(relay.Guard) != "ingest" {
			t.Errorf("arrived as %s %q %v", r.URL.Path, body, r.Header)
		}
		w.Header().Set("Consistency-Token", "token")
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(422)
		io.WriteString(w, `{"error":"x"}`)
	})
	counted := map[string]int{}
	f := New(to, sender(t, time.Second), counting(counted))
	defer f.Close()
	w := httptest.NewRecorder()
	raw, _, err := f.Do(w, request("Idempotency-Key", "k"), 3, []byte("body"), true)
	if err != nil || raw == nil || raw.Status != 422 || string(raw.Body) != `{"error":"x"}` || raw.ContentType != "application/json" {
		t.Fatalf("%+v %v", raw, err)
	}
	if w.Header().Get("Consistency-Token") != "token" || arrived.Load() != 1 || counted["forwarded"] != 1 {
		t.Error(w.Header(), arrived.Load(), counted)
	}
}

// TestHere: what this instance holds, and what was forwarded already, goes no
// further: two that take each other for the holder would pass it for ever.
func TestHere(t *testing.T) {
	to, arrived := holder(t, func(http.ResponseWriter, *http.Request) {})
	for name, test := range map[string]struct {
		owners *owners
		guard  string
	}{"held here": {&owners{}, ""}, "forwarded by an ingest": {to, "ingest"}} {
		f := New(test.owners, sender(t, time.Second), func(string) {})
		raw, _, err := f.Do(httptest.NewRecorder(), request(relay.Guard, test.guard), 3, nil, false)
		if raw != nil || err != nil || arrived.Load() != 0 {
			t.Errorf("%s: %v %v, %d arrived", name, raw, err, arrived.Load())
		}
		f.Close()
	}
	f := New(to, sender(t, time.Second), func(string) {})
	defer f.Close()
	if raw, _, err := f.Do(httptest.NewRecorder(), request(relay.Guard, "query"), 3, nil, false); raw == nil || err != nil {
		t.Error("what comes from query goes on to the holder: ", raw, err)
	}
}

// TestNotWritten: a holder that cannot be reached, or stops, has certainly
// written nothing, so this instance may, keyed or not.
func TestNotWritten(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	nobody := &owners{url: "http://" + l.Addr().String()}
	l.Close()
	stopping, _ := holder(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set(relay.Unwritten, "1")
		w.WriteHeader(503)
	})
	for name, to := range map[string]*owners{"unreachable": nobody, "refused": stopping} {
		counted := map[string]int{}
		f := New(to, sender(t, time.Second), counting(counted))
		w := httptest.NewRecorder()
		raw, tried, err := f.Do(w, request(), 3, []byte("x"), false)
		if raw != nil || tried || err != nil || counted[name] != 1 || len(w.Header()) > 0 {
			t.Errorf("%s: %v %v %v %v", name, raw, err, counted, w.Header())
		}
		f.Close()
	}
	if nobody.unreachable.Load() != 1 || stopping.unreachable.Load() != 0 {
		t.Error("who is told to be unreachable: ", nobody.unreachable.Load(), stopping.unreachable.Load())
	}
}

// TestUnknown: a holder that got the request and did not answer may have
// written it. Only a write that carries a key may be done again.
func TestUnknown(t *testing.T) {
	hung := make(chan struct{})
	for name, answer := range map[string]http.HandlerFunc{
		"hangs up": func(w http.ResponseWriter, _ *http.Request) {
			if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
				c.Close()
			}
		},
		"half an answer": func(w http.ResponseWriter, _ *http.Request) {
			if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
				io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
				c.Close()
			}
		},
		"says nothing": func(_ http.ResponseWriter, r *http.Request) {
			io.Copy(io.Discard, r.Body)
			<-hung
		},
	} {
		to, _ := holder(t, answer)
		f := New(to, sender(t, 200*time.Millisecond), func(string) {})
		raw, _, err := f.Do(httptest.NewRecorder(), request(), 3, []byte("x"), false)
		if raw != nil || !fault.Is(err, fault.Transient) || !strings.Contains(fault.PublicOf(err), "outcome is unknown") {
			t.Errorf("%s, no key: %v %v", name, raw, err)
		}
		if raw, _, err := f.Do(httptest.NewRecorder(), request("Idempotency-Key", "k"), 3, []byte("x"), true); raw != nil || err != nil {
			t.Errorf("%s, with a key: %v %v", name, raw, err)
		}
		f.Close()
	}
	close(hung)
}

// TestRepeated: net/http sends a keyed write again when the connection dies that
// it was sent on. Whoever gets it then may well have written nothing.
func TestRepeated(t *testing.T) {
	calls := 0
	to, arrived := holder(t, func(w http.ResponseWriter, _ *http.Request) {
		switch calls++; calls {
		case 1:
		case 2:
			if c, _, err := http.NewResponseController(w).Hijack(); err == nil {
				c.Close()
			}
		default:
			w.Header().Set(relay.Unwritten, "1")
			w.WriteHeader(503)
		}
	})
	f := New(to, sender(t, time.Second), func(string) {})
	defer f.Close()
	if raw, tried, err := f.Do(httptest.NewRecorder(), request("Idempotency-Key", "a"), 3, []byte("x"), true); raw == nil || tried || err != nil {
		t.Fatal(raw, tried, err)
	}
	raw, tried, err := f.Do(httptest.NewRecorder(), request("Idempotency-Key", "b"), 3, []byte("x"), true)
	if raw != nil || !tried || err != nil || arrived.Load() != 3 {
		t.Errorf("%v, tried %v, %v; %d arrived", raw, tried, err, arrived.Load())
	}
}

// TestClientGone: nobody waits for the answer any more; nothing is done twice.
func TestClientGone(t *testing.T) {
	hung := make(chan struct{})
	to, _ := holder(t, func(_ http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		<-hung
	})
	defer close(hung)
	f := New(to, sender(t, time.Minute), func(string) {})
	defer f.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if raw, _, err := f.Do(httptest.NewRecorder(), request().WithContext(ctx), 3, nil, true); raw != nil || err == nil {
		t.Error(raw, err)
	}
}

// TestStranger: the address has become another's. What it answers is nothing
// that a client may see, and nothing that says what became of the write.
func TestStranger(t *testing.T) {
	to, _ := holder(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Del(relay.Instance)
		w.WriteHeader(404)
	})
	f := New(to, sender(t, time.Second), func(string) {})
	defer f.Close()
	if raw, tried, err := f.Do(httptest.NewRecorder(), request(), 3, nil, false); raw != nil || !tried || !fault.Is(err, fault.Transient) {
		t.Error(raw, tried, err)
	}
	if raw, tried, err := f.Do(httptest.NewRecorder(), request("Idempotency-Key", "k"), 3, nil, true); raw != nil || !tried || err != nil {
		t.Error("with a key: ", raw, tried, err)
	}
	if to.unreachable.Load() != 2 {
		t.Error("it is brought more writes")
	}
}

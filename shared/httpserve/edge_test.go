package httpserve

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"chatlog/shared/lifecycle"
)

var _ lifecycle.Mortal = (*Server)(nil)

// edge starts a server whose /hold answers once release is closed.
func edge(t *testing.T, release <-chan struct{}) (s *Server, held <-chan struct{}) {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	r := NewRouter(logger, NewMetrics("edge", prometheus.NewRegistry()))
	in := make(chan struct{}, 1)
	r.Handle("GET", "/hold", func(http.ResponseWriter, *http.Request, Params) (any, error) {
		in <- struct{}{}
		<-release
		return "held", nil
	})
	r.Handle("GET", "/search/:query", func(_ http.ResponseWriter, _ *http.Request, p Params) (any, error) { return p.Get("query"), nil })
	r.Handle("POST", "/body", func(_ http.ResponseWriter, req *http.Request, _ Params) (any, error) {
		b, err := ReadBody(req)
		return len(b.Raw), err
	})
	for path, cause := range map[string]any{"/aborted": http.ErrAbortHandler, "/panicked": "x"} {
		r.Mount("GET", path, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			io.WriteString(w, "half a reply")
			http.NewResponseController(w).Flush()
			panic(cause)
		}))
	}
	r.Mount("GET", "/plain", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "plain") }))
	s = NewServer("edge", Default("127.0.0.1:0"), r, logger)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Stop(context.Background()) })
	return s, in
}

const closing = " HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"

func TestOddTargets(t *testing.T) {
	s, _ := edge(t, nil)
	for _, c := range []struct{ target, status, body string }{
		{"GET /search/日本", "200", `"日本"`},
		{"GET /search/日%2F本", "200", `"日/本"`},
		{"GET /search/%E6%97%A5%2F%00", "200", `"日/\u0000"`},
		{"GET /search/a+b%20%22c%22?x=1", "200", `"a+b \"c\""`},
		{"GET /search/..", "200", `".."`},
		{"GET /search/x/", "200", `"x"`},
		{"GET //search/x", "404", `{"error":"Not found"}`},
		{"GET /", "404", `{"error":"Not found"}`},
		{"HEAD /plain", "200", ""},
		{"HEAD /search/x", "200", ""},
		{"CONNECT x:1", "404", `{"error":"Not found"}`},
		{"BREW /plain", "405", `{"error":"Method not allowed"}`},
	} {
		answer := raw(t, s.Addr(), c.target+closing+"\r\n")
		_, body, _ := strings.Cut(answer, "\r\n\r\n")
		if !strings.HasPrefix(answer, "HTTP/1.1 "+c.status) || body != c.body {
			t.Errorf("%s: %q", c.target, answer)
		}
	}
}

// A client that sends all of a body before it reads must be able to send it
// all, and to read why nobody wanted it.
func TestARefusedLargeBodyIsNoBrokenPipe(t *testing.T) {
	s, _ := edge(t, nil)
	large := strings.Repeat("a", 12<<20)
	for _, c := range []struct{ head, status string }{
		{"POST /body" + closing + "Content-Length: 12582912\r\n\r\n", "413"},
		{"POST /body" + closing + "Content-Type: text/plain\r\nContent-Length: 12582912\r\n\r\n", "415"},
		{"POST /nowhere" + closing + "Content-Length: 12582912\r\n\r\n", "404"},
		{"POST /plain" + closing + "Content-Length: 12582912\r\n\r\n", "405"},
		{"POST /body" + closing + "Transfer-Encoding: chunked\r\n\r\nC00000\r\n", "413"},
	} {
		conn, err := net.Dial("tcp", s.Addr())
		if err != nil {
			t.Fatal(err)
		}
		conn.SetDeadline(time.Now().Add(20 * time.Second))
		if _, err := io.WriteString(conn, c.head+large+"\r\n0\r\n\r\n"); err != nil {
			t.Errorf("%s: sending: %v", c.status, err)
		}
		answer, err := io.ReadAll(conn)
		if err != nil && !strings.Contains(err.Error(), "reset") || !strings.HasPrefix(string(answer), "HTTP/1.1 "+c.status) || !strings.Contains(string(answer), `{"error":`) {
			t.Errorf("want %s, got %q, %v", c.status, answer, err)
		}
		conn.Close()
	}
}

func TestRefusalsBeforeTheBody(t *testing.T) {
	s, _ := edge(t, nil)
	for _, c := range []struct{ head, status string }{
		{"Expect: 100-continue\r\nContent-Length: 12582912\r\n\r\n", "413"}, // not invited to send it
		{"Expect: something\r\nContent-Length: 2\r\n\r\n{}", "417"},
		{"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n{}", "415"},
	} {
		answer := raw(t, s.Addr(), "POST /body"+closing+c.head)
		if !strings.HasPrefix(answer, "HTTP/1.1 "+c.status) || !strings.Contains(answer, "application/json") || !strings.Contains(answer, `{"error":`) {
			t.Errorf("want %s in JSON, got %q", c.status, answer)
		}
	}
}

func TestHalfAReplyDoesNotLookWhole(t *testing.T) {
	s, _ := edge(t, nil)
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for _, path := range []string{"/aborted", "/panicked"} {
		res, err := client.Get("http://" + s.Addr() + path)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(res.Body)
		res.Body.Close()
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: read %q as if it were all, %v", path, body, err)
		}
	}
}

func TestStopAnswersWhatIsUnderWayAndDoesNotWaitForSilence(t *testing.T) {
	release := make(chan struct{})
	s, held := edge(t, release)
	var silent [3]net.Conn // one says nothing, one half a header, one has had its answer
	for i := range silent {
		conn, err := net.Dial("tcp", s.Addr())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		silent[i] = conn
	}
	io.WriteString(silent[1], "GET /plain HTTP/1.1\r\nHos")
	io.WriteString(silent[2], "GET /plain HTTP/1.1\r\nHost: x\r\n\r\n")
	io.ReadFull(silent[2], make([]byte, 1))
	answer := make(chan string, 1)
	go func() { answer <- raw(t, s.Addr(), "GET /hold"+closing+"\r\n") }()
	<-held
	began := time.Now()
	stopped := make(chan error, 1)
	go func() { stopped <- s.Stop(context.Background()) }()
	<-s.Done() // it takes no new ones
	if _, err := net.Dial("tcp", s.Addr()); err == nil {
		t.Error("it still listens")
	}
	close(release)
	if got := <-answer; !strings.HasSuffix(got, `"held"`) {
		t.Errorf("the request under way got %q", got)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > 3*time.Second { // 5 s is what Shutdown alone takes
		t.Errorf("the stop took %v", took)
	}
	if err := s.Err(); err != nil {
		t.Errorf("a stop is no death: %v", err)
	}
}

func TestStopIsBounded(t *testing.T) {
	release := make(chan struct{})
	s, held := edge(t, release)
	go func() {
		if res, err := http.Get("http://" + s.Addr() + "/hold"); err == nil {
			res.Body.Close()
		}
	}()
	<-held
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if err := s.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	close(release)
}

func TestAnAddressThatIsTakenIsAStartError(t *testing.T) {
	s, _ := edge(t, nil)
	second := NewServer("second", Default(s.Addr()), http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	if err := second.Start(t.Context()); err == nil {
		t.Error("started")
	}
	if err := second.Stop(t.Context()); err != nil {
		t.Errorf("stop of what never started: %v", err)
	}
}

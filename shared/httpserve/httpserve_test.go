package httpserve

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"chatlog/shared/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func start(t *testing.T) string {
	t.Helper()
	logger := slog.New(slog.DiscardHandler)
	r := NewRouter(logger, NewMetrics("test", prometheus.NewRegistry()))
	r.Handle("GET", "/echo/:text", func(_ http.ResponseWriter, _ *http.Request, p Params) (any, error) { return p.Get("text"), nil })
	r.Handle("POST", "/body", func(_ http.ResponseWriter, req *http.Request, _ Params) (any, error) {
		b, err := ReadBody(req)
		if err != nil {
			return nil, err
		}
		text, present, err := b.String("message")
		if err == nil && !present {
			err = fault.New(fault.Invalid, "message is required")
		}
		return text, err
	})
	r.Handle("GET", "/panic", func(http.ResponseWriter, *http.Request, Params) (any, error) { panic("x") })
	r.Handle("GET", "/busy", func(http.ResponseWriter, *http.Request, Params) (any, error) {
		return nil, fault.New(fault.Transient, "busy")
	})
	cfg := Default("127.0.0.1:0")
	cfg.HeaderTimeout, cfg.BodyTimeout = 300*time.Millisecond, 600*time.Millisecond
	s := NewServer("test", cfg, r, logger)
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		if err := s.Stop(t.Context()); err != nil && t.Context().Err() == nil {
			t.Error(err)
		}
	})
	return s.Addr()
}

// raw sends bytes as they are and gives the whole answer.
func raw(t *testing.T, addr, request string) string {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(10 * time.Second))
	io.WriteString(c, request)
	answer, err := io.ReadAll(c)
	if err != nil && len(answer) == 0 { // a reset after the answer is the end too
		t.Fatalf("%q: %v", request[:min(len(request), 60)], err)
	}
	return string(answer)
}

func TestAnswers(t *testing.T) {
	addr := start(t)
	for _, test := range []struct{ method, path, contentType, body, want string }{
		{"GET", "/echo/a", "", "", `200 "a"`},
		{"GET", "/echo/a/", "", "", `200 "a"`},
		{"GET", "/echo/a%2Fb%00%22%3C", "", "", `200 "a/b\u0000\"<"`},
		{"GET", "/nothing", "", "", `404 {"error":"Not found"}`},
		{"GET", "//echo/a", "", "", `404 {"error":"Not found"}`},
		{"PUT", "/body", "", "", `405 {"error":"Method not allowed"}`},
		{"GET", "/panic", "", "", `500 {"error":"Internal error"}`},
		{"GET", "/busy", "", "", `503 {"error":"busy"}`},
		{"POST", "/body", "application/json; charset=UTF-8", `{"message":"é\ud83d\ude00"}`, `200 "é😀"`},
		{"POST", "/body", "application/vnd.x+json", `{"message":"a\u0000","x":[1]}`, `200 "a\u0000"`},
		{"POST", "/body", "text/plain", `{"message":"a"}`, `415 {"error":"Content-Type must be application/json"}`},
		{"POST", "/body", "application/json; charset=latin1", `{"message":"a"}`, `415 {"error":"Content-Type must be application/json"}`},
		{"POST", "/body", "", `{"message":"\ud800"}`, `400 {"error":"Body has an escape that is half of a surrogate pair"}`},
		{"POST", "/body", "", `{"message":"\udc00x"}`, `400 {"error":"Body has an escape that is half of a surrogate pair"}`},
		{"POST", "/body", "", `{"message":"\\ud800"}`, `200 "\\ud800"`},
		{"POST", "/body", "", "{\"message\":\"\xff\"}", `400 {"error":"Body is not valid UTF-8"}`},
		{"POST", "/body", "", `{"message":1}`, `400 {"error":"message must be a string"}`},
		{"POST", "/body", "", `{"message":null}`, `400 {"error":"message is required"}`},
		{"POST", "/body", "", `{"Message":"a"}`, `400 {"error":"message is required"}`},
		{"POST", "/body", "", `{"message":"a"} {}`, `400 {"error":"Body is not one valid JSON value"}`},
		{"POST", "/body", "", `{"message":"a"`, `400 {"error":"Body is not one valid JSON value"}`},
		{"POST", "/body", "", ``, `400 {"error":"Body is not one valid JSON value"}`},
		{"POST", "/body", "", `[]`, `400 {"error":"Body must be a JSON object"}`},
		{"POST", "/body", "", `null`, `400 {"error":"Body must be a JSON object"}`},
		{"POST", "/body", "", strings.Repeat(`{"a":`, 20000), `400 {"error":"Body is not one valid JSON value"}`},
		{"POST", "/body", "", `{"message":"` + strings.Repeat("x", 12<<20) + `"}`, `413 {"error":"Body is larger than 1 MiB"}`},
	} {
		req, err := http.NewRequest(test.method, "http://"+addr+test.path, strings.NewReader(test.body))
		if err != nil {
			t.Fatal(err)
		}
		if test.contentType != "" {
			req.Header.Set("Content-Type", test.contentType)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatalf("%s %s: %v", test.method, test.path, err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		if got := fmt.Sprintf("%d %s", res.StatusCode, body); got != test.want {
			t.Errorf("%s %s %.60q: got %s, want %s", test.method, test.path, test.body, got, test.want)
		}
		if res.Header.Get("Content-Type") != "application/json" || res.Header.Get(HeaderRequestID) == "" {
			t.Errorf("%s %s: headers %v", test.method, test.path, res.Header)
		}
		if (res.Header.Get("Retry-After") != "") != (res.StatusCode == 503) || (res.Header.Get("Allow") != "") != (res.StatusCode == 405) {
			t.Errorf("%s %s: headers %v", test.method, test.path, res.Header)
		}
	}
}

func TestAnswersOfTheLibraryAreJSON(t *testing.T) {
	addr := start(t)
	for request, want := range map[string]string{
		"GET /echo/%zz HTTP/1.1\r\nHost: x\r\n\r\n": "400",
		"nonsense\r\n\r\n":                          "400",
		"GET / HTTP/1.1\r\n\r\n":                    "400",
		"GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("y", 80<<10) + "\r\n\r\n":                    "431",
		"POST /body HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n":                              "501",
		"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n":               "400",
		"POST /body HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{": "408",
	} {
		answer := raw(t, addr, request)
		status, rest, _ := strings.Cut(answer, "\r\n")
		if !strings.HasPrefix(status, "HTTP/1.1 "+want) || !strings.Contains(rest, "Content-Type: application/json") || !strings.Contains(rest, `{"error":"`) {
			t.Errorf("%.60q: %q", request, answer)
		}
	}
}

// A client that sends its header byte by byte is cut off.
func TestSlowHeader(t *testing.T) {
	addr := start(t)
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	io.WriteString(c, "GET / HTTP/1.1\r\nHost:")
	c.SetReadDeadline(time.Now().Add(5 * time.Second))
	if _, err := bufio.NewReader(c).ReadByte(); err == nil {
		return // an answer, and the end
	} else if nerr, ok := err.(net.Error); ok && nerr.Timeout() {
		t.Fatal("a slow header holds a connection for ever")
	}
}

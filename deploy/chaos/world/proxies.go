package world

import (
	"errors"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"time"
)

// Manner is how the way to Elasticsearch behaves.
type Manner int32

// The manners.
const (
	Passes   Manner = iota
	Refuses         // answers 429 to every write, and to searches
	Swallows        // brings a write to Elasticsearch and loses the answer
)

// SearchWire is the way to Elasticsearch.
type SearchWire struct {
	server *http.Server
	URL    string
	manner atomic.Int32
}

func newSearchWire(upstream string) (*SearchWire, error) {
	target, err := url.Parse(upstream)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	pass := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) },
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) {
			panic(http.ErrAbortHandler) // whoever asked sees what it would see without a proxy: no answer
		},
		Transport: &http.Transport{MaxIdleConnsPerHost: 64},
	}
	s := &SearchWire{URL: "http://" + listener.Addr().String()}
	s.server = &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.serve(pass, w, r) })}
	go s.server.Serve(listener) // ends with close
	return s, nil
}

func (s *SearchWire) serve(pass http.Handler, w http.ResponseWriter, r *http.Request) {
	bulk := strings.HasSuffix(r.URL.Path, "/_bulk")
	switch m := Manner(s.manner.Load()); {
	case m == Refuses && (bulk || strings.HasSuffix(r.URL.Path, "/_search")):
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusTooManyRequests)
		w.Write([]byte(`{"error":{"type":"es_rejected_execution_exception","reason":"rejected"},"status":429}`)) // a client that is gone is no matter
	case m == Swallows && bulk:
		pass.ServeHTTP(&deaf{header: http.Header{}}, r)
		panic(http.ErrAbortHandler)
	default:
		pass.ServeHTTP(w, r)
	}
}

// Behave changes the manner.
func (s *SearchWire) Behave(m Manner) { s.manner.Store(int32(m)) }

func (s *SearchWire) close() error {
	err := s.server.Close()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// deaf takes an answer that nobody gets.
type deaf struct{ header http.Header }

func (d *deaf) Header() http.Header         { return d.header }
func (d *deaf) Write(p []byte) (int, error) { return len(p), nil }
func (d *deaf) WriteHeader(int)             {}

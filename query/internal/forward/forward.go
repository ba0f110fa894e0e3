// Package forward passes writes on to ingest, so that a client needs to know
// one address only.
package forward

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"chatlog/shared/fault"
	"chatlog/shared/httpserve"
)

// Lookup gives the base URLs of ingest instances.
type Lookup func(ctx context.Context) ([]string, error)

// Forwarder is a handler that sends a request to an ingest instance and its
// answer back.
type Forwarder struct {
	lookup   Lookup
	fallback []string // used when the lookup gives nothing
	client   *http.Client
	logger   *slog.Logger
	count    func(outcome string)

	mutex sync.Mutex
	urls  []string
	at    time.Time
	turn  int
}

// New makes a forwarder. fallback are the configured base URLs.
func New(lookup Lookup, fallback []string, timeout time.Duration, logger *slog.Logger, count func(string)) *Forwarder {
	transport := &http.Transport{
		DialContext:         (&net.Dialer{Timeout: time.Second}).DialContext,
		MaxIdleConnsPerHost: 256,
		IdleConnTimeout:     time.Minute,
		DisableCompression:  true,
	}
	return &Forwarder{lookup: lookup, fallback: fallback, logger: logger, count: count,
		client: &http.Client{Transport: transport, Timeout: timeout,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}}
}

// Close ends idle connections.
func (f *Forwarder) Close() { f.client.CloseIdleConnections() }

// guard marks a request that was forwarded once.
const guard = "X-Chatlog-Forwarded"

// Headers that are passed on; all others belong to the connection.
var (
	requestHeaders  = []string{"Content-Type", "Content-Encoding", "Idempotency-Key", httpserve.HeaderRequestID, "Traceparent", "Tracestate"}
	responseHeaders = []string{"Content-Type", "Consistency-Token", "Retry-After", "Allow"}
)

var (
	errLoop    = fault.New(fault.Terminal, "Request was forwarded in a circle")
	errNobody  = "Writes are temporarily unavailable, nothing was written"
	errUnknown = "The outcome is unknown: repeat the request with the same Idempotency-Key to learn it"
)

// ServeHTTP forwards one request.
func (f *Forwarder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get(guard) != "" {
		httpserve.WriteError(w, errLoop)
		return
	}
	body, err := httpserve.ReadRaw(r)
	if err != nil {
		httpserve.WriteError(w, err)
		return
	}
	response, err := f.send(r, body)
	if err != nil {
		f.count("failed")
		f.logger.Warn("write not forwarded", "request_id", r.Header.Get(httpserve.HeaderRequestID), "error", err)
		httpserve.WriteError(w, err)
		return
	}
	defer response.Body.Close()
	f.count("forwarded")
	for _, name := range responseHeaders {
		if value := response.Header.Get(name); value != "" {
			w.Header().Set(name, value)
		}
	}
	w.WriteHeader(response.StatusCode)
	io.Copy(w, response.Body) // a client that has gone away is no error of ours
}

// send tries one instance after the other as long as it is certain that none
// has got the request. The router has left the path as it was escaped.
func (f *Forwarder) send(r *http.Request, body []byte) (*http.Response, error) {
	err := errors.New("no instance is known")
	for _, base := range f.instances(r.Context()) {
		var request *http.Request
		request, err = http.NewRequestWithContext(r.Context(), r.Method, base+r.URL.Path, bytes.NewReader(body))
		if err != nil {
			continue
		}
		for _, name := range requestHeaders {
			if values := r.Header.Values(name); len(values) > 0 {
				request.Header[http.CanonicalHeaderKey(name)] = values
			}
		}
		request.Header.Set(guard, "1")
		var response *http.Response
		if response, err = f.client.Do(request); err == nil {
			return response, nil
		}
		if !unsent(err) {
			return nil, fault.Wrap(fault.Transient, errUnknown, err)
		}
		f.forget()
	}
	return nil, fault.Wrap(fault.Transient, errNobody, fmt.Errorf("forward: %w", err))
}

// unsent reports whether a request has certainly not reached anybody.
func unsent(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

// instancesFor is how long a lookup is believed.
const instancesFor = time.Second

// instances gives base URLs to try, a different one first each time.
func (f *Forwarder) instances(ctx context.Context) []string {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if time.Since(f.at) > instancesFor {
		bounded, cancel := context.WithTimeout(ctx, 500*time.Millisecond)
		defer cancel()
		urls, err := f.lookup(bounded)
		if err != nil || len(urls) == 0 {
			urls = nil
		}
		f.urls, f.at = append(urls, f.fallback...), time.Now()
	}
	if len(f.urls) == 0 {
		return nil
	}
	f.turn++
	found := max(1, len(f.urls)-len(f.fallback))
	first := f.turn % found
	return append(append([]string(nil), f.urls[first:]...), f.urls[:first]...)
}

// forget makes the next request look up again.
func (f *Forwarder) forget() {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.at = time.Time{}
}

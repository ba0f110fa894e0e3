// Package relay passes a request on to another service and its answer back:
// from query to an ingest, and from an ingest to the one that holds the
// partition.
package relay

import (
	"bytes"
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"chatlog/shared/httpserve"
)

// Guard is the header that names who passed a request on, so that no request
// goes in a circle.
const Guard = "X-Chatlog-Forwarded"

// Unwritten is the header of a 503 that is certain to have written nothing and
// will not soon: whoever passed the request on may bring it elsewhere.
const Unwritten = "X-Chatlog-Unwritten"

// Headers that are passed on; all others belong to the connection.
var (
	requestHeaders  = []string{"Content-Type", "Content-Encoding", "Idempotency-Key", httpserve.HeaderRequestID, "Traceparent", "Tracestate"}
	responseHeaders = []string{"Content-Type", "Consistency-Token", "Retry-After", "Allow"}
)

// NewClient makes a client for many requests to few hosts. It follows no
// redirect.
func NewClient(timeout time.Duration) *http.Client {
	return &http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: time.Second}).DialContext,
			MaxIdleConnsPerHost: 256,
			IdleConnTimeout:     time.Minute,
			DisableCompression:  true,
		},
	}
}

// Send passes a request on to a base URL. The router has left the path as it
// was escaped.
func Send(ctx context.Context, client *http.Client, r *http.Request, base, by string, body []byte) (*http.Response, error) {
	request, err := http.NewRequestWithContext(ctx, r.Method, base+r.URL.Path, bytes.NewReader(body))
	if err != nil {
		return nil, malformedError{err}
	}
	for _, name := range requestHeaders {
		if values := r.Header.Values(name); len(values) > 0 {
			request.Header[http.CanonicalHeaderKey(name)] = values
		}
	}
	request.Header.Set(Guard, by)
	return client.Do(request)
}

// CopyHeaders takes over the headers of an answer that a client is to see.
func CopyHeaders(to http.Header, response *http.Response) {
	for _, name := range responseHeaders {
		if value := response.Header.Get(name); value != "" {
			to.Set(name, value)
		}
	}
}

// Unsent reports whether a request that failed has certainly reached nobody.
func Unsent(err error) bool {
	var op *net.OpError
	var malformed malformedError
	return errors.As(err, &malformed) || errors.As(err, &op) && op.Op == "dial"
}

// malformedError says that an address is none.
type malformedError struct{ error }

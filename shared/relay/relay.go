// Package relay passes a request on to another service and its answer back:
// from query to an ingest, and from an ingest to the one that holds the
// partition.
package relay

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"chatlog/shared/httpserve"
	"chatlog/shared/tlsconf"
	"chatlog/shared/tracing"
)

// Guard is the header that names who passed a request on, so that no request
// goes in a circle.
const Guard = "X-Chatlog-Forwarded"

// Unwritten is the header of a 503 that is certain to have written nothing and
// will not soon: whoever passed the request on may bring it elsewhere.
const Unwritten = "X-Chatlog-Unwritten"

// Instance is the header that names the run of the process that a request is
// meant for, and that answers: an address may have become another's.
const Instance = "X-Chatlog-Instance"

// Headers that are passed on; all others belong to the connection.
var (
	requestHeaders  = []string{"Content-Type", "Content-Encoding", "Idempotency-Key", httpserve.HeaderRequestID, "Traceparent", "Tracestate"}
	responseHeaders = []string{"Content-Type", "Consistency-Token", "Retry-After", "Allow"}
)

// Sender passes requests on: many, to few hosts.
type Sender struct {
	by        string // this service's name in the guard header
	client    *http.Client
	seal      *Seal
	encrypted bool // over https only
}

// NewSender makes a sender of the service `by`. Each request may take timeout. It
// follows no redirect. A nil seal leaves requests unsealed.
func NewSender(by string, timeout time.Duration, seal *Seal, trust tlsconf.Client) (*Sender, error) {
	authorities, err := trust.Config()
	if err != nil {
		return nil, fmt.Errorf("forward: %w", err)
	}
	client := &http.Client{
		Timeout:       timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: time.Second}).DialContext,
			TLSClientConfig:     authorities,
			MaxIdleConnsPerHost: 256,
			IdleConnTimeout:     time.Minute,
			DisableCompression:  true,
		},
	}
	return &Sender{by: by, client: client, seal: seal, encrypted: trust.Enabled}, nil
}

// By is the service's name in the guard header.
func (s *Sender) By() string { return s.by }

// Timeout is how long each request may take.
func (s *Sender) Timeout() time.Duration { return s.client.Timeout }

// Close ends idle connections.
func (s *Sender) Close() { s.client.CloseIdleConnections() }

// Send passes a request on to a base URL; instance is the one that is meant, if
// any. The router has left the path as it was escaped.
func (s *Sender) Send(ctx context.Context, r *http.Request, base, instance string, body []byte) (*http.Response, error) {
	if !tracing.On(ctx) {
		return s.send(ctx, r, base, instance, body)
	}
	ctx, span := tracing.Begin(ctx, r.Method+" ingest", trace.SpanKindClient, semconv.HTTPRequestMethodKey.String(r.Method), serverOf(base))
	response, err := s.send(ctx, r, base, instance, body)
	if err == nil {
		span.SetAttributes(semconv.HTTPResponseStatusCode(response.StatusCode))
		if response.StatusCode >= http.StatusBadRequest { // to a client any refusal is an error (the conventions for HTTP)
			span.SetStatus(codes.Error, response.Status)
		}
	}
	tracing.Done(span, err)
	return response, err
}

// serverOf names the host and port of a base URL.
func serverOf(base string) attribute.KeyValue {
	_, host, _ := strings.Cut(base, "://")
	return semconv.ServerAddress(host)
}

func (s *Sender) send(ctx context.Context, r *http.Request, base, instance string, body []byte) (*http.Response, error) {
	if s.encrypted && !strings.HasPrefix(base, "https://") {
		return nil, unsentError{fmt.Errorf("%s is not https, which forward.tls asks for", base)}
	}
	// A request that carries an Idempotency-Key is repeated by net/http itself
	// when a kept connection dies: that the last try found nobody, or was turned
	// down, does not mean that the first one did not arrive.
	var begun atomic.Int64
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { begun.Add(1) }})
	request, err := http.NewRequestWithContext(ctx, r.Method, base+r.URL.Path, bytes.NewReader(body))
	if err != nil {
		return nil, unsentError{err}
	}
	for _, name := range requestHeaders {
		if values := r.Header.Values(name); len(values) > 0 {
			request.Header[http.CanonicalHeaderKey(name)] = values
		}
	}
	tracing.Inject(ctx, request.Header) // the client's own trace goes on as it is when there is no span of ours
	request.Header.Set(Guard, s.by)
	if instance != "" {
		request.Header.Set(Instance, instance)
	}
	if s.seal != nil {
		s.seal.put(request)
	}
	response, err := s.client.Do(request)
	switch {
	case err != nil && begun.Load() == 0 && neverConnected(err):
		return nil, unsentError{err}
	case err == nil && begun.Load() > 1 && r.Header.Get("Idempotency-Key") != "" && turnedDown(response.StatusCode):
		response.Body.Close()
		return nil, fmt.Errorf("sent to %s %d times, and the last was answered with %d", base, begun.Load(), response.StatusCode)
	}
	return response, err
}

// neverConnected reports whether a request failed before there was a connection
// that could have carried it: nobody listens, or whoever does has no certificate
// that is trusted here.
func neverConnected(err error) bool {
	var op *net.OpError
	var certificate *tls.CertificateVerificationError
	var plain tls.RecordHeaderError
	return errors.As(err, &op) && op.Op == "dial" || errors.As(err, &certificate) || errors.As(err, &plain) ||
		errors.Is(err, http.ErrSchemeMismatch)
}

// turnedDown reports whether an answer says that nothing was written: by the try
// that it answers, that is. Whatever else is answered to a key holds for all tries.
func turnedDown(status int) bool {
	return status == http.StatusServiceUnavailable || status == http.StatusNotFound
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
	var unsent unsentError
	return errors.As(err, &unsent)
}

type unsentError struct{ error }

func (e unsentError) Unwrap() error { return e.error }

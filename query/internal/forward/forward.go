// Package forward passes writes on to ingest, so that a client needs to know
// one address only.
package forward

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"time"

	"chatlog/shared/fault"
	"chatlog/shared/httpserve"
	"chatlog/shared/relay"
)

// Lookup gives the base URLs of ingest instances.
type Lookup func(ctx context.Context) ([]string, error)

// Forwarder is a handler that sends a request to an ingest instance and its
// answer back.
type Forwarder struct {
	lookup   Lookup
	fallback []string // used when the lookup gives nothing
	sender   *relay.Sender
	logger   *slog.Logger
	count    func(outcome string)

	mutex sync.Mutex
	urls  []string
	at    time.Time
	turn  int
}

// New makes a forwarder. fallback are the configured base URLs.
func New(lookup Lookup, fallback []string, sender *relay.Sender, logger *slog.Logger, count func(string)) *Forwarder {
	return &Forwarder{lookup: lookup, fallback: fallback, logger: logger, count: count, sender: sender}
}

// Close ends idle connections.
func (f *Forwarder) Close() { f.sender.Close() }

var (
	errLoop    = fault.New(fault.Terminal, "Request was forwarded in a circle")
	errNobody  = "Writes are temporarily unavailable, nothing was written"
	errUnknown = "The outcome is unknown: repeat the request with the same Idempotency-Key to learn it"
)

// ServeHTTP forwards one request.
func (f *Forwarder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get(relay.Guard) != "" {
		httpserve.WriteError(w, errLoop)
		return
	}
	body, err := httpserve.ReadRaw(r)
	if err != nil {
		httpserve.WriteError(w, err)
		return
	}
	response, content, err := f.send(r, body)
	if err != nil {
		f.count("failed")
		f.logger.Warn("write not forwarded", "request_id", r.Header.Get(httpserve.HeaderRequestID), "error", err)
		httpserve.WriteError(w, err)
		return
	}
	f.count("forwarded")
	relay.CopyHeaders(w.Header(), response)
	w.WriteHeader(response.StatusCode)
	w.Write(content) // a client that has gone away is no error of ours
}

// send tries one instance after the other as long as it is certain that none
// has got the request. Half an answer is none: it must not look whole.
func (f *Forwarder) send(r *http.Request, body []byte) (*http.Response, []byte, error) {
	err := errors.New("no instance is known")
	for _, base := range f.instances(r.Context()) {
		var response *http.Response
		if response, err = f.sender.Send(r.Context(), r, base, "", body); err == nil {
			var content []byte
			content, err = io.ReadAll(response.Body)
			response.Body.Close()
			if err == nil {
				return response, content, nil
			}
		}
		if !relay.Unsent(err) {
			return nil, nil, fault.Wrap(fault.Transient, errUnknown, err)
		}
		f.forget()
	}
	return nil, nil, fault.Wrap(fault.Transient, errNobody, fmt.Errorf("forward: %w", err))
}

// instancesFor is how long a lookup is believed. An instance that stops serves
// for longer once it has left the directory.
const instancesFor = 250 * time.Millisecond

// instances gives base URLs to try, a different one first each time.
func (f *Forwarder) instances(ctx context.Context) []string {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if time.Since(f.at) > instancesFor {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), 500*time.Millisecond)
		defer cancel()
		urls, err := f.lookup(bounded)
		if err != nil || len(urls) == 0 {
			urls = nil
		}
		f.urls, f.at = urls, time.Now()
	}
	f.turn++
	return slices.Concat(turned(f.urls, f.turn), f.fallback)
}

// turned begins a list with another of its items each turn.
func turned(list []string, turn int) []string {
	if len(list) == 0 {
		return nil
	}
	first := turn % len(list)
	return slices.Concat(list[first:], list[:first])
}

// forget makes the next request look up again.
func (f *Forwarder) forget() {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.at = time.Time{}
}

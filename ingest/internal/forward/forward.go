// Package forward brings a write to the instance that holds its partition: two
// instances that append to one partition are safe but in each other's way.
package forward

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"

	"chatlog/shared/fault"
	"chatlog/shared/httpserve"
	"chatlog/shared/relay"
)

// Owners says where partitions are.
type Owners interface {
	// Holder gives the instance to bring a write to; here means this one.
	Holder(partition int32) (id, url string, here bool)
	// Unreachable says that an instance did not take a connection.
	Unreachable(url string)
}

// Forwarder passes writes on to the holders of their partitions.
type Forwarder struct {
	owners Owners
	sender *relay.Sender
	count  func(outcome string)
}

// By is this service's name in the guard header: a write goes at most from
// query to an ingest and from there to one other.
const By = "ingest"

// New makes a forwarder. The holder may take as long for its answer as any
// request of the sender.
func New(owners Owners, sender *relay.Sender, count func(outcome string)) *Forwarder {
	return &Forwarder{owners: owners, sender: sender, count: count}
}

// Close ends idle connections.
func (f *Forwarder) Close() { f.sender.Close() }

var errUnknown = "The outcome is unknown: repeat the request with the same Idempotency-Key to learn it"

// keyedShare is the part of its time after which a repeatable write is no
// longer waited for: it is then appended here, under the same command id.
const keyedShare = 2

// Do brings a write to the holder of its partition. Without a reply and an
// error the write is this instance's: it holds the partition, or whoever does
// cannot be reached, or has certainly written nothing. repeatable says that
// the write carries an Idempotency-Key: done twice it is still done once. tried
// says that the holder may have written it all the same: whatever comes of it
// here, it must not be told that nothing was written.
func (f *Forwarder) Do(w http.ResponseWriter, r *http.Request, partition int32, body []byte, repeatable bool) (reply *httpserve.Raw, tried bool, err error) {
	if r.Header.Get(relay.Guard) == f.sender.By() {
		return nil, false, nil
	}
	id, url, here := f.owners.Holder(partition)
	if here {
		return nil, false, nil
	}
	ctx := r.Context()
	if repeatable {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, f.sender.Timeout()/keyedShare)
		defer cancel()
	}
	response, err := f.sender.Send(ctx, r, url, id, body)
	if err == nil {
		defer response.Body.Close()
		var content []byte
		if content, err = io.ReadAll(io.LimitReader(response.Body, 1<<20)); err == nil {
			if response.Header.Get(relay.Instance) == id || response.Header.Get(relay.Unwritten) != "" {
				return f.answer(w, response, content), false, nil
			}
			f.owners.Unreachable(url)
			err = fmt.Errorf("%s is no longer the address of instance %s", url, id)
		}
	}
	switch {
	case relay.Unsent(err):
		f.owners.Unreachable(url)
		f.count("unreachable")
		return nil, false, nil
	case repeatable && r.Context().Err() == nil:
		f.count("unanswered")
		return nil, true, nil
	}
	f.count("unknown")
	return nil, true, fault.Wrap(fault.Transient, errUnknown, fmt.Errorf("forward to the holder: %w", errors.Join(err)))
}

func (f *Forwarder) answer(w http.ResponseWriter, response *http.Response, content []byte) *httpserve.Raw {
	if response.Header.Get(relay.Unwritten) != "" {
		f.count("refused")
		return nil
	}
	f.count("forwarded")
	relay.CopyHeaders(w.Header(), response)
	return &httpserve.Raw{Status: response.StatusCode, ContentType: response.Header.Get("Content-Type"), Body: content}
}

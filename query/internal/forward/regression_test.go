package forward

import (
	"context"
	"io"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"
)

// A keyed request on a connection that was in use: net/http repeats it, dials,
// and is refused because ingest was killed. It had been sent all the same.
func TestNothingWrittenIsNotSaidOfWhatWasSent(t *testing.T) {
	for _, more := range []bool{false, true} {
		var calls atomic.Int64
		var ingest *fakeIngest
		ingest = newIngest(t, func(w http.ResponseWriter, r *http.Request) {
			if calls.Add(1) > 1 {
				ingest.Listener.Close()
				hangUp(w, r)
			}
		})
		well, urls := newIngest(t, nil), []string{ingest.URL}
		if more {
			urls = append(urls, well.URL)
		}
		g := knowing(t, urls...)
		g.post("first", "Idempotency-Key", "k1")
		g.refused(g.post("second", "Idempotency-Key", "k2"), http.StatusServiceUnavailable, unknown)
		if len(well.requests()) > 0 {
			t.Error("sent to another instance although the first had got it")
		}
	}
}

// A keyed request on a connection that was in use: net/http repeats it, and finds
// the ingest that was started after the one that got it was killed. What that one
// refuses, or denies, says nothing of what the other has done.
func TestARefusalOfARepeatSaysNothingOfTheFirst(t *testing.T) {
	for _, status := range []int{http.StatusServiceUnavailable, http.StatusNotFound} {
		var calls atomic.Int64
		ingest := newIngest(t, func(w http.ResponseWriter, r *http.Request) {
			switch calls.Add(1) {
			case 1:
			case 2:
				hangUp(w, r)
			default:
				w.WriteHeader(status)
				io.WriteString(w, `{"error":"Temporarily unavailable, nothing was written"}`)
			}
		})
		g := knowing(t, ingest.URL)
		g.post("first", "Idempotency-Key", "k1")
		g.refused(g.post("second", "Idempotency-Key", "k2"), http.StatusServiceUnavailable, unknown)
		if n := calls.Load(); n != 3 {
			t.Fatalf("%d requests arrived, so this test shows nothing", n)
		}
		// Once more, by the client this time, the answer is of the only try there was.
		if r := g.post("third", "Idempotency-Key", "k2"); r.status != status {
			t.Errorf("answered by %d %s", r.status, r.body)
		}
	}
}

func TestHalfAnAnswerDoesNotLookWhole(t *testing.T) {
	ingest := newIngest(t, func(w http.ResponseWriter, _ *http.Request) {
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"Chat\":1")
			conn.Close()
		}
	})
	if r := knowing(t, ingest.URL).post("{}"); r.status == http.StatusOK && r.err == nil {
		t.Errorf("%d %q as if it were all", r.status, r.body)
	}
}

func TestAClientThatHangsUpSpoilsNoLookup(t *testing.T) {
	f := New(func(ctx context.Context) ([]string, error) { return []string{"a"}, ctx.Err() }, nil, sender(t, time.Second), nil, nil)
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	f.instances(gone)
	if got := f.instances(t.Context()); !slices.Equal(got, []string{"a"}) {
		t.Errorf("the next client gets %q", got)
	}
}

func TestConfiguredOnesComeLast(t *testing.T) {
	f := New(func(context.Context) ([]string, error) { return []string{"a", "b", "c"}, nil }, []string{"f"}, sender(t, time.Second), nil, nil)
	for range 3 {
		if got := f.instances(t.Context()); got[3] != "f" {
			t.Errorf("%q", got)
		}
	}
}

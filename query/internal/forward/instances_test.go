package forward

import (
	"context"
	"io"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestNobodyIsThere(t *testing.T) {
	for name, urls := range map[string][]string{
		"no instance is known":   nil,
		"one that does not run":  {nobody(t)},
		"several, none runs":     {nobody(t), nobody(t), nobody(t)},
		"an address that is odd": {"http://127.0.0.1:99999"},
		"a URL that is none":     {"://"},
	} {
		t.Run(name, func(t *testing.T) {
			g := knowing(t, urls...)
			g.refused(g.post("{}"), http.StatusServiceUnavailable, nothingWritten)
			if g.counted("failed") != 1 || g.counted("forwarded") != 0 {
				t.Errorf("counted %v", g.counts)
			}
		})
	}
}

// The next instance is tried only when it is certain that the last one has got
// nothing.
func TestTheNextIsTriedOnlyIfNothingWasSent(t *testing.T) {
	well := newIngest(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "well") })
	for _, urls := range [][]string{{nobody(t), well.URL}, {nobody(t), nobody(t), nobody(t), well.URL}, {"://", well.URL}} {
		before := len(well.requests())
		g := knowing(t, urls...)
		if r := g.post("the body"); r.status != http.StatusOK || r.body != "well" {
			t.Errorf("answered by %d %s", r.status, r.body)
		}
		seen := well.requests()[before:]
		if len(seen) != 1 || seen[0].body != "the body" {
			t.Errorf("arrived as %q", seen)
		}
		if g.counted("forwarded") != 1 || g.counted("failed") != 0 {
			t.Errorf("counted %v", g.counts)
		}
	}
}

// Once a request may have arrived, its outcome is unknown, and it is the
// client who decides to repeat it.
func TestAnUnknownOutcomeIsNotRepeated(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
	}{
		{"it hangs up", hangUp},
		{"it does not answer in time", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }}, // until the gate hangs up
		{"its answer is none", func(w http.ResponseWriter, _ *http.Request) {
			if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
				io.WriteString(conn, "SSH-2.0-x\r\n")
				conn.Close()
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			bad, well := newIngest(t, c.answer), newIngest(t, nil)
			g := lookingUp(t, func(context.Context) ([]string, error) { return nil, errNoDirectory }, 300*time.Millisecond, bad.URL, well.URL)
			for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
				g.refused(g.do(method, "/application/a", nil), http.StatusServiceUnavailable, unknown)
				g.refused(g.do(method, "/application/a", nil, "Idempotency-Key", "k"), http.StatusServiceUnavailable, unknown)
			}
			if len(bad.requests()) != 6 || len(well.requests()) != 0 {
				t.Errorf("of 6 requests %d and %d arrived", len(bad.requests()), len(well.requests()))
			}
			if g.counted("failed") != 6 {
				t.Errorf("counted %v", g.counts)
			}
		})
	}
}

// net/http repeats some requests by itself when a connection that was in use
// before dies under them; what may have been done must not be among them.
func TestAnUnknownOutcomeOnAnOldConnectionIsNotRepeated(t *testing.T) {
	var calls atomic.Int64
	bad := newIngest(t, func(w http.ResponseWriter, r *http.Request) {
		if calls.Add(1) > 1 {
			hangUp(w, r)
		}
	})
	well := newIngest(t, nil)
	g := knowing(t, bad.URL, well.URL)
	if r := g.post("first"); r.status != http.StatusOK {
		t.Fatalf("answered by %d %s", r.status, r.body)
	}
	g.refused(g.post("second"), http.StatusServiceUnavailable, unknown)
	if len(bad.requests()) != 2 || len(well.requests()) != 0 {
		t.Errorf("%d and %d arrived", len(bad.requests()), len(well.requests()))
	}
}

// A client that goes away takes its request along.
func TestAClientThatGoesAway(t *testing.T) {
	arrived, ended := make(chan struct{}), make(chan struct{})
	ingest := newIngest(t, func(_ http.ResponseWriter, r *http.Request) {
		close(arrived)
		<-r.Context().Done()
		close(ended)
	})
	g := knowing(t, ingest.URL)
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, g.url+"/application/a", nil)
	if err != nil {
		t.Fatal(err)
	}
	left := make(chan struct{})
	go func() {
		defer close(left)
		if response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r); err == nil {
			response.Body.Close()
			t.Error("it was answered")
		}
	}()
	<-arrived
	cancel()
	<-left
	<-ended
}

func TestWhichInstancesAreTried(t *testing.T) {
	for _, c := range []struct {
		name     string
		found    []string
		err      error
		fallback []string
		want     []string // in any order of those that were found, the others last of all
	}{
		{"nothing", nil, nil, nil, nil},
		{"the directory is down", nil, errNoDirectory, []string{"f"}, []string{"f"}},
		{"the directory is empty", nil, nil, []string{"f", "g"}, []string{"f", "g"}},
		{"found", []string{"a", "b", "c"}, nil, nil, []string{"a", "b", "c"}},
		{"found, and others configured", []string{"a", "b"}, nil, []string{"f"}, []string{"a", "b", "f"}},
		{"an error is one although something came along", []string{"a"}, errNoDirectory, []string{"f"}, []string{"f"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := New(func(context.Context) ([]string, error) { return slices.Clone(c.found), c.err }, c.fallback, sender(t, time.Second), nil, nil)
			first := map[string]bool{}
			for range 6 {
				got := f.instances(t.Context())
				if len(got) > 0 {
					first[got[0]] = true
				}
				slices.Sort(got)
				if !slices.Equal(got, c.want) {
					t.Errorf("got %q, want %q", got, c.want)
				}
			}
			for _, url := range c.found {
				if c.err == nil && !first[url] {
					t.Errorf("%s is never the first", url)
				}
			}
			for _, url := range c.fallback {
				if c.err == nil && len(c.found) > 0 && first[url] {
					t.Errorf("%s is the first although others were found", url)
				}
			}
		})
	}
}

// A lookup is believed for a moment, but not after one of its instances turned
// out to be away; a directory that hangs holds nobody up for long.
func TestLookups(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		lookup := func(context.Context) ([]string, error) { asked++; return []string{"a"}, nil }
		f := New(func(ctx context.Context) ([]string, error) { return lookup(ctx) }, []string{"f"}, sender(t, time.Second), nil, nil)
		for range 100 { // ten seconds
			f.instances(t.Context())
			time.Sleep(100 * time.Millisecond)
		}
		if asked < 32 || asked > 36 { // one every 300 ms
			t.Errorf("%d lookups in ten seconds", asked)
		}
		before := asked
		f.instances(t.Context())
		f.forget()
		f.instances(t.Context())
		if asked < before+1 {
			t.Error("an instance was away, and nobody looked again")
		}
		lookup = func(ctx context.Context) ([]string, error) { <-ctx.Done(); return nil, ctx.Err() }
		time.Sleep(2 * instancesFor)
		from := time.Now()
		if got := f.instances(t.Context()); !slices.Equal(got, []string{"f"}) || time.Since(from) > time.Second {
			t.Errorf("got %q after %v", got, time.Since(from))
		}
	})
}

// What a lookup has found wrong is found right by the next request.
func TestAnInstanceThatHasMoved(t *testing.T) {
	well := newIngest(t, nil)
	gone := nobody(t)
	var moved atomic.Bool
	g := lookingUp(t, func(context.Context) ([]string, error) {
		if moved.Load() {
			return []string{well.URL}, nil
		}
		return []string{gone}, nil
	}, 5*time.Second)
	g.refused(g.post("{}"), http.StatusServiceUnavailable, nothingWritten)
	moved.Store(true)
	if r := g.post("{}"); r.status != http.StatusOK {
		t.Errorf("answered by %d %s", r.status, r.body)
	}
}

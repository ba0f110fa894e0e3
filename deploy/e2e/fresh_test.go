package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chatlog/deploy/client"
	"chatlog/deploy/system"
	"chatlog/deploy/wire"
	"chatlog/shared/parts"
)

// freshClients is how many clients there are at most.
const freshClients = 512

// slowed gives an address that leads to another, and everything that comes back
// takes a while.
func slowed(t *testing.T, to string, late time.Duration) string {
	t.Helper()
	at, err := system.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	way, err := wire.New(at, to)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(way.Close)
	if err := way.Spoil("latency", 1, map[string]int{"latency": int(late.Milliseconds()), "jitter": int(late.Milliseconds() / 2)}); err != nil {
		t.Fatal(err)
	}
	return at
}

// fresh is a house whose sinks are slow, with two query instances.
type fresh struct {
	*house
	clients []*client.Client // of ingest, and of both query instances
	apps    []string
	turns   atomic.Int64 // odd while a fault is on
	stale   atomic.Int64
	refused atomic.Int64 // 503 and no fault
	again   atomic.Int64 // 503 during a fault
}

func newFresh(t *testing.T) *fresh {
	t.Helper()
	p := realParts(t)
	s, err := system.Real(bin, filepath.Join(t.TempDir(), "logs"), p)
	if err != nil {
		t.Fatal(err)
	}
	sinks := s.Program("sinks")
	sinks.Env = append(slices.Clone(sinks.Env), "CHATLOG_MYSQL_ADDRESS="+slowed(t, p.MySQL, 20*time.Millisecond),
		"CHATLOG_ELASTICSEARCH_ADDRESSES=http://"+slowed(t, strings.TrimPrefix(p.Elasticsearch, "http://"), 20*time.Millisecond))
	second, err := s.Program("query").Another("query 2", "CHATLOG_QUERY_LISTEN")
	if err != nil {
		t.Fatal(err)
	}
	s.Programs = append(s.Programs, second)
	h := &house{System: s, parts: p}
	h.connect(t)
	t.Cleanup(func() { h.finish(t) })
	if err := h.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	f := &fresh{house: h}
	for _, base := range []string{h.Writes, h.Reads, "http://" + second.Listen} {
		c := client.New(base, freshClients)
		t.Cleanup(c.Close)
		f.clients = append(f.clients, c)
	}
	for range 24 {
		app := application(t, h.ingest)
		chat(t, h.ingest, app)
		f.apps = append(f.apps, app)
	}
	return f
}

// look reads one message with its token, and says whether it is the one that was
// written.
type look func(ctx context.Context, c *client.Client, app string, number int64, text string, h client.Headers) (bool, error)

func byNumber(ctx context.Context, c *client.Client, app string, number int64, text string, h client.Headers) (bool, error) {
	got, err := c.Message(ctx, app, 1, number, h)
	return got == text, err
}

func bySearch(ctx context.Context, c *client.Client, app string, number int64, text string, h client.Headers) (bool, error) {
	found, err := c.Search(ctx, app, 1, `"`+text+`"`, 5, h)
	return slices.ContainsFunc(found, func(l client.Listed) bool { return l.Number == number && l.Text == text }), err
}

// pair writes a message and reads it back at once through one of the instances.
// A refusal during a fault begins it anew.
func (f *fresh) pair(ctx context.Context, n int64, read look) error {
	app, text := f.apps[n%int64(len(f.apps))], "fresh w"+strconv.FormatInt(1_000_000+n, 36)
	for {
		turn := f.turns.Load()
		number, token, err := f.clients[0].CreateMessage(ctx, app, 1, text, nil)
		if err == nil {
			var right bool
			right, err = read(ctx, f.clients[1+n%2], app, number, text, client.Headers{"Consistency-Token", token})
			var status *client.StatusError
			if err == nil && !right || errors.As(err, &status) && status.Status == http.StatusNotFound {
				f.stale.Add(1)
				return fmt.Errorf("%s: message %d is not there after its own token: %w", text, number, errors.Join(err))
			}
			if err == nil {
				return nil
			}
		}
		var status *client.StatusError
		if !errors.As(err, &status) || !status.Again() {
			return err
		}
		if turn%2 == 0 && turn == f.turns.Load() {
			f.refused.Add(1)
			return fmt.Errorf("%s: no fault is on: %w", text, err)
		}
		f.again.Add(1)
	}
}

// pairs runs many pairs by many clients; at tells of each that begins.
func (f *fresh) pairs(t *testing.T, what string, n, clients int64, read look, at func(n int64)) {
	t.Helper()
	began := time.Now()
	var next atomic.Int64
	var group sync.WaitGroup
	for range min(max(n/50, 32), clients) { // they mostly wait
		group.Go(func() {
			for i := next.Add(1); i <= n; i = next.Add(1) {
				at(i)
				if err := f.pair(t.Context(), i, read); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	t.Logf("%s: %d pairs in %s, %d stale, %d times 503 and no fault; %d times 503 during the fault", what, n, time.Since(began).Round(time.Millisecond),
		f.stale.Load(), f.refused.Load(), f.again.Load())
}

// setBack brings an older dump back under the load, and ends the fault when every
// application has been written to and read again.
func (f *fresh) setBack(t *testing.T, dump []byte) {
	sinks := f.Program("sinks")
	f.turns.Add(1)
	if err := sinks.Stop(10 * time.Second); err != nil {
		t.Error(err)
	}
	f.restore(t, dump)
	if err := errors.Join(sinks.Start(), sinks.Ready(t.Context())); err != nil {
		t.Error(err)
	}
	for i := range f.apps {
		if err := f.pair(t.Context(), int64(i), byNumber); err != nil {
			t.Error(err)
		}
	}
	f.turns.Add(1)
}

// TestRealFresh reads every write back with its token, through two instances, by
// number and by searching, while the sinks are slow; MySQL is once set back to an
// older dump meanwhile.
func TestRealFresh(t *testing.T) {
	parts.Tool(t, "mysqldump")
	f := newFresh(t)
	n := sized(t, "CHATLOG_TEST_PAIRS", 600) // by each way of reading
	var fault sync.WaitGroup
	half := make(chan struct{})
	f.pairs(t, "by number", n, freshClients, byNumber, func(i int64) {
		switch i {
		case n / 4:
			fault.Go(func() {
				dump := f.mysqlTool(t, nil, "mysqldump", "--single-transaction", "--no-tablespaces", f.parts.Database)
				<-half
				f.setBack(t, dump)
			})
		case n / 2:
			close(half)
		}
	})
	fault.Wait()
	if f.again.Load() == 0 {
		t.Log("nobody noticed that MySQL was set back")
	}
	f.pairs(t, "by searching", n, freshClients/4, bySearch, func(int64) {})
}

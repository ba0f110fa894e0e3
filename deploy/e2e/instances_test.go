package e2e

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chatlog/deploy/client"
	"chatlog/deploy/system"
	"chatlog/deploy/workload"
)

// ingests is how many instances there are.
const ingests = 3

// many is a house with several ingest instances and a Redis of its own.
type many struct {
	*house
	redis   *system.Program
	ingests []*system.Program
	clients []*client.Client
}

func newMany(t *testing.T, env ...string) *many {
	t.Helper()
	dir := t.TempDir()
	server, err := system.Redis(dir)
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal("REAL PART MISSING: ", err)
		}
		t.Skip("REAL PART MISSING: ", err)
	}
	p := realParts(t)
	p.Redis = server.Listen
	s, err := system.Real(bin, filepath.Join(dir, "logs"), p, env...)
	if err != nil {
		t.Fatal(err)
	}
	m := &many{house: &house{System: s, parts: p}, redis: server}
	t.Cleanup(func() {
		m.finish(t)
		if err := server.Stop(5 * time.Second); err != nil {
			t.Error(err)
		}
	})
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	if err := server.Listening(t.Context()); err != nil {
		t.Fatal(err)
	}
	m.connect(t)
	m.ingests, m.clients = []*system.Program{s.Program("ingest")}, []*client.Client{m.ingest, m.query}
	for i := 1; i < ingests; i++ {
		another, err := m.ingests[0].Another(fmt.Sprint("ingest ", i+1), "CHATLOG_INGEST_LISTEN")
		if err != nil {
			t.Fatal(err)
		}
		c := client.New("http://"+another.Listen, 64)
		t.Cleanup(c.Close)
		s.Programs = append(s.Programs, another)
		m.ingests, m.clients = append(m.ingests, another), append(m.clients, c)
	}
	if err := m.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return m
}

// held waits until the instances that run hold all partitions among them, and
// says how long that took.
func (m *many) held(t *testing.T) time.Duration {
	t.Helper()
	began := time.Now()
	eventually(t, 15*time.Second, "all partitions leased", func() error {
		sum := 0.0
		for _, p := range m.ingests {
			if p.Running() {
				sum += m.metric(t, "http://"+p.Listen, "chatlog_partition_leased")
			}
		}
		if sum != 12 {
			return fmt.Errorf("%v of 12 are", sum)
		}
		return nil
	})
	return time.Since(began)
}

func (m *many) again(t *testing.T, p *system.Program) {
	t.Helper()
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	if err := m.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	m.held(t)
}

// TestRealInstances lets three instances come and go, by kill -9 and
// gracefully, and takes Redis away, while clients write through all of them.
func TestRealInstances(t *testing.T) {
	m := newMany(t)
	t.Logf("all partitions held after %s", m.held(t).Round(time.Millisecond))
	l := &workload.Load{Clients: m.clients, Count: 16, Chats: 8, Patience: time.Minute}
	if err := l.Start(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	more(t, l, 300)
	for _, p := range m.ingests {
		if err := p.Kill(); err != nil {
			t.Fatal(err)
		}
		took := m.held(t)
		t.Logf("kill -9 %s: its partitions were taken over after %s", p.Name, took.Round(time.Millisecond))
		if took > 5*time.Second {
			t.Errorf("the take-over took %s", took)
		}
		more(t, l, 100)
		m.again(t, p)
	}
	broken := l.Broken.Load()
	for _, p := range m.ingests {
		if err := p.Stop(10 * time.Second); err != nil {
			t.Fatal(err)
		}
		took := m.held(t)
		t.Logf("%s stopped: its partitions were handed over by %s after its end", p.Name, took.Round(time.Millisecond))
		if took > time.Second {
			t.Errorf("the hand-over took %s", took)
		}
		m.again(t, p)
	}
	t.Logf("broken requests while instances stopped: %d", l.Broken.Load()-broken)
	m.redisFails(t, l)
	l.Stop()
	for _, w := range append(l.Wrong(), l.Unknown()...) {
		t.Error(w)
	}
	forwards, conflicts := 0.0, 0.0
	for _, p := range m.ingests {
		forwards += m.metric(t, "http://"+p.Listen, "chatlog_owner_forwards_total")
		conflicts += m.metric(t, "http://"+p.Listen, "chatlog_append_conflicts_total")
	}
	t.Logf("%d acked writes, %d answers 503, %d broken, %v forwarded and %v conflicts since the last starts", l.Acks.Load(), l.Unavailable.Load(),
		l.Broken.Load(), forwards, conflicts)
	if forwards == 0 {
		t.Error("nothing was forwarded: the test proves nothing of it")
	}
	truth := m.audit(t)
	truth.History(l.Acked())
	report(t, truth)
}

// wipe empties Redis.
func (m *many) wipe(t *testing.T) {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: m.redis.Listen})
	defer client.Close()
	if err := client.FlushAll(t.Context()).Err(); err != nil {
		t.Fatal(err)
	}
}

// redisFails wipes Redis, and takes it away for a while.
func (m *many) redisFails(t *testing.T, l *workload.Load) {
	m.wipe(t)
	more(t, l, 100)
	m.held(t)
	if err := m.redis.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, 10*time.Second, "readiness names what is away", func() error {
		reply, err := m.query.Do(t.Context(), "GET", "/readyz", "", nil)
		if err != nil || reply.Status != 200 || !strings.Contains(reply.Body, `"status":"degraded"`) {
			return fmt.Errorf("%v %v", reply, err)
		}
		return nil
	})
	before := l.Unavailable.Load()
	more(t, l, 300)
	if n := l.Unavailable.Load() - before; n > 0 {
		t.Errorf("%d answers 503 while Redis is away", n)
	}
	if err := m.redis.Start(); err != nil {
		t.Fatal(err)
	}
	m.held(t)
	more(t, l, 100)
}

package e2e

import (
	"fmt"
	"testing"
	"time"

	"chatlog/deploy/client"
)

// atOnce is how many writes of an application may come at once in these tests, at
// two a second.
const atOnce = 20

// slowest is how long a write of these tests may take: a broken Redis must not show.
const slowest = 2 * time.Second

// tally is what became of many writes.
type tally struct{ taken, limited int }

// writes makes chats of an application, by the clients in turn, and refuses every
// answer but 200 and 429 with Retry-After.
func writes(t *testing.T, token string, count int, clients ...*client.Client) (sum tally, took time.Duration) {
	t.Helper()
	began := time.Now()
	for i := range count {
		asked := time.Now()
		reply, err := clients[i%len(clients)].Do(t.Context(), "POST", "/application/"+token+"/chat", "", nil)
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case reply.Status == 200:
			sum.taken++
		case reply.Status == 429 && reply.Header.Get("Retry-After") != "":
			sum.limited++
		default:
			t.Errorf("write %d: %d %s %v", i, reply.Status, reply.Body, reply.Header)
		}
		if one := time.Since(asked); one > slowest {
			t.Errorf("write %d took %s", i, one)
		}
	}
	return sum, time.Since(began)
}

// held wants as many writes taken as one limit lets through in their time.
func (s tally) held(t *testing.T, what string, took time.Duration) {
	t.Helper()
	t.Logf("%s: %d taken, %d limited in %s", what, s.taken, s.limited, took.Round(time.Millisecond))
	if most := atOnce + 2*int(took.Seconds()+1); s.taken < atOnce || s.taken > most || s.limited == 0 {
		t.Errorf("%s: %d of %d were taken, must be %d to %d", what, s.taken, s.taken+s.limited, atOnce, most)
	}
}

// TestRealLimits writes more than it may through several instances: they share one
// limit, each has its own while Redis is away, and then they share again.
func TestRealLimits(t *testing.T) {
	m := newMany(t, "CHATLOG_LIMITS_WRITES_PER_APPLICATION=2", "CHATLOG_LIMITS_BURST=10s", "CHATLOG_LIMITS_MISSES_PER_ADDRESS=0.5")
	m.held(t)
	instances := m.clients[2:]
	instances = append(instances, m.ingest)
	if len(instances) != ingests {
		t.Fatal("not one client for each instance")
	}
	sum, took := writes(t, application(t, m.ingest), 60, instances...)
	sum.held(t, "through three instances", took)
	// query passes each on to an ingest, which brings it to the one that holds the
	// partition: up to three hops, one count.
	sum, took = writes(t, application(t, m.ingest), 60, m.query)
	sum.held(t, "through query", took)

	token := application(t, m.ingest)
	if err := m.redis.Kill(); err != nil {
		t.Fatal(err)
	}
	for i, c := range instances {
		sum, took = writes(t, token, 30, c)
		sum.held(t, fmt.Sprint("without Redis, through instance ", i), took)
	}
	alone := 0.0
	for _, p := range m.ingests {
		alone += m.metric(t, "http://"+p.Listen, "chatlog_rate_limit_alone_total")
	}
	if alone < 90 {
		t.Errorf("%v were counted alone, of 90", alone)
	}
	if err := m.redis.Start(); err != nil {
		t.Fatal(err)
	}
	if err := m.redis.Listening(t.Context()); err != nil {
		t.Fatal(err)
	}
	m.held(t)
	eventually(t, 10*time.Second, "limits are shared again", func() error {
		sum, took := writes(t, application(t, m.ingest), 60, instances...)
		if sum.taken > atOnce+2*int(took.Seconds()+1) {
			return fmt.Errorf("%d of 60 were taken", sum.taken)
		}
		return nil
	})
	report(t, m.audit(t))
	guesses(t, m)
}

// guesses asks for tokens that nobody has until it is turned down, through every
// instance in turn, and sees that health and metrics are still told.
func guesses(t *testing.T, m *many) {
	t.Helper()
	const path = "/application/0123456789abcdef0123456789abcdef"
	limited := 0
	for i := range 20 {
		method, suffix, c := "GET", "", m.query
		if i%2 == 1 {
			method, suffix, c = "POST", "/chat", m.clients[2+i%4/2]
		}
		reply, err := c.Do(t.Context(), method, path+suffix, "", nil)
		if err != nil || reply.Status != 404 && reply.Status != 429 {
			t.Fatal(reply, err)
		}
		if reply.Status == 429 {
			limited++
		}
	}
	if limited < 10 { // 5 at once, and one each two seconds
		t.Errorf("%d of 20 guesses were turned down", limited)
	}
	for _, open := range []string{"/healthz", "/readyz", "/metrics", "/openapi.yaml"} {
		if reply, err := m.query.Do(t.Context(), "GET", open, "", nil); err != nil || reply.Status != 200 {
			t.Errorf("%s: %d, %v", open, reply.Status, err)
		}
	}
	sum := m.metric(t, m.Reads, "chatlog_http_rate_limited_total")
	for _, p := range m.ingests {
		sum += m.metric(t, "http://"+p.Listen, "chatlog_http_rate_limited_total")
	}
	if sum < float64(limited) {
		t.Errorf("%v requests were counted as limited", sum)
	}
}

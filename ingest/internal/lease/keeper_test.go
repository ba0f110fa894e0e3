package lease

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
	"go.uber.org/goleak"

	"chatlog/shared/parts"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const partitions = 12

func TestConformance(t *testing.T) {
	t.Run("embedded", func(t *testing.T) { handOver(t, miniredis.RunT(t).Addr()) })
	t.Run("real", func(t *testing.T) { handOver(t, parts.Redis(t)) })
}

type member struct {
	*Keeper
	client *redis.Client
}

func join(t *testing.T, address, prefix string, number int) member {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: address, MaxRetries: -1, DialTimeout: 200 * time.Millisecond})
	m := member{NewKeeper(client, prefix, partitions, fmt.Sprint("instance ", number), func() string {
		return fmt.Sprintf("http://127.0.0.1:%d", 8000+number)
	}, slog.New(slog.DiscardHandler)), client}
	if err := m.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return m
}

func (m member) leave(t *testing.T) {
	t.Helper()
	if err := m.Stop(context.Background()); err != nil {
		t.Error(err)
	}
	if err := m.client.Close(); err != nil {
		t.Error(err)
	}
}

// settled waits until all agree that each partition is held by the one that it
// belongs to.
func settled(t *testing.T, all ...member) time.Duration {
	t.Helper()
	began := time.Now()
	for {
		var there []Instance
		for _, m := range all {
			there = append(there, Instance{ID: m.id})
		}
		agreed := true
		for _, m := range all {
			holders := m.table.Load().Holders
			for p := range int32(partitions) {
				agreed = agreed && len(holders) == partitions && holders[p] == rendezvous(there, p)
			}
		}
		if agreed {
			return time.Since(began)
		}
		if time.Since(began) > 10*time.Second {
			for _, m := range all {
				t.Logf("%s sees %v", m.id, *m.table.Load())
			}
			t.Fatal("not settled")
		}
		time.Sleep(10 * time.Millisecond) // between two looks
	}
}

// handOver: partitions are spread, brought to, and given up at once by one that
// stops.
func handOver(t *testing.T, address string) {
	prefix := "test-" + uuid.NewString() + ":"
	one, two, three := join(t, address, prefix, 1), join(t, address, prefix, 2), join(t, address, prefix, 3)
	settled(t, one, two, three)
	for p := range int32(partitions) {
		here := 0
		for _, m := range []member{one, two, three} {
			if _, url, mine := m.Holder(p); mine {
				here++
			} else if url == "" || url == m.url() {
				t.Errorf("%s brings partition %d to %q", m.id, p, url)
			}
		}
		if here != 1 {
			t.Errorf("%d instances take partition %d for theirs", here, p)
		}
	}
	began, left := time.Now(), make(chan time.Duration)
	go func() {
		two.leave(t)
		left <- time.Since(began)
	}()
	if took := settled(t, one, three); took > time.Second {
		t.Errorf("hand-over took %s", took)
	}
	for p := range int32(partitions) { // nobody brings anything there any more
		for _, m := range []member{one, three} {
			if _, url, _ := m.Holder(p); url == two.url() {
				t.Errorf("%s brings partition %d to one that leaves", m.id, p)
			}
		}
	}
	if took := <-left; took < linger {
		t.Errorf("it left after %s: others may not have seen it yet", took)
	}
	three.leave(t)
	settled(t, one)
	began = time.Now()
	one.leave(t)
	if took := time.Since(began); took > linger {
		t.Errorf("the last one lingered for %s, for nobody", took)
	}
}

// TestRedisFails: wiped, everything is found again; away, owners stay owners.
func TestRedisFails(t *testing.T) {
	server := miniredis.RunT(t)
	one, two := join(t, server.Addr(), "x:", 1), join(t, server.Addr(), "x:", 2)
	defer one.leave(t)
	defer two.leave(t)
	settled(t, one, two)
	server.FlushAll()
	settled(t, one, two)
	before := slices.Clone(one.table.Load().Holders)
	server.Close()
	for one.Check(t.Context()) == nil || two.Check(t.Context()) == nil {
		time.Sleep(10 * time.Millisecond) // until both have noticed
	}
	if !slices.Equal(one.table.Load().Holders, before) || !slices.Equal(two.table.Load().Holders, before) {
		t.Error("owners change while Redis is away")
	}
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	settled(t, one, two)
	for one.Check(t.Context()) != nil || two.Check(t.Context()) != nil {
		time.Sleep(10 * time.Millisecond)
	}
}

// TestKilled: what one that was killed held expires and is taken over.
func TestKilled(t *testing.T) {
	server := miniredis.RunT(t)
	one, two := join(t, server.Addr(), "x:", 1), join(t, server.Addr(), "x:", 2)
	defer one.leave(t)
	settled(t, one, two)
	two.cancel()
	<-two.done
	two.client.Close() // its leases stay
	server.FastForward(lifetime)
	settled(t, one)
}

// TestUnreachable: nothing is brought to one that takes no connection, for a
// moment.
func TestUnreachable(t *testing.T) {
	server := miniredis.RunT(t)
	one, two := join(t, server.Addr(), "x:", 1), join(t, server.Addr(), "x:", 2)
	defer one.leave(t)
	defer two.leave(t)
	settled(t, one, two)
	p := two.held()[0]
	_, url, here := one.Holder(p)
	if here {
		t.Fatal("partition ", p, " is taken for its own")
	}
	one.Unreachable(url)
	if _, _, here := one.Holder(p); !here {
		t.Error("a write is brought to one that cannot be reached")
	}
}

// TestNobodyHolds: before leases were ever seen, when a holder is gone and when
// there is nobody at all, this instance takes the write: leases are for speed.
func TestNobodyHolds(t *testing.T) {
	k := NewKeeper(redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"}), "x:", partitions, "me", func() string { return "" }, slog.New(slog.DiscardHandler))
	defer k.store.client.Close()
	for name, table := range map[string]Table{
		"nothing was seen":   {},
		"no leases":          {Instances: []Instance{{"me", "http://me"}, {"other", "http://other"}}, Holders: make([]string, partitions)},
		"the holder is gone": {Instances: []Instance{{"me", "http://me"}}, Holders: []string{"gone"}},
	} {
		k.table.Store(&table)
		for _, p := range []int32{0, partitions - 1, partitions} {
			if id, url, here := k.Holder(p); !here || id != "" || url != "" {
				t.Errorf("%s: a write to partition %d is brought to %q at %q", name, p, id, url)
			}
		}
		if k.Holds(0) {
			t.Errorf("%s: it believes that it holds a lease", name)
		}
	}
}

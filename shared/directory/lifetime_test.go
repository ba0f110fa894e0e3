package directory

import (
	"context"
	"fmt"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"chatlog/shared/fault"
	"chatlog/shared/parts"
)

// house is a directory under a prefix of its own, in one of the two stores.
type house struct {
	*Directory
	client *redis.Client
	pass   func(time.Duration) // the embedded store has to be told that time passes
}

func both(t *testing.T, test func(*testing.T, house)) {
	t.Run("embedded", func(t *testing.T) {
		server := miniredis.RunT(t)
		test(t, open(t, server.Addr(), server.FastForward))
	})
	t.Run("real", func(t *testing.T) { test(t, open(t, parts.Redis(t), func(time.Duration) {})) })
}

// open removes at the end whatever the test has left under its prefix.
func open(t *testing.T, address string, pass func(time.Duration)) house {
	client := redis.NewClient(&redis.Options{Addr: address})
	d := New(client, "test-"+uuid.NewString()+":")
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		keys := []string{d.set}
		for _, id := range client.SMembers(ctx, d.set).Val() {
			keys = append(keys, d.key(id))
		}
		if err := client.Del(ctx, keys...).Err(); err != nil {
			t.Error(err)
		}
		client.Close()
	})
	return house{d, client, pass}
}

func (h house) enter(t *testing.T, id, url string, lifetime time.Duration) {
	t.Helper()
	if err := h.Enter(t.Context(), id, url, lifetime); err != nil {
		t.Fatal(err)
	}
}

// until waits for a condition; time passes between two looks.
func (h house) until(t *testing.T, what string, condition func() bool) {
	t.Helper()
	tick, deadline := time.NewTicker(50*time.Millisecond), time.After(10*time.Second)
	defer tick.Stop()
	for !condition() {
		select {
		case <-tick.C:
			h.pass(50 * time.Millisecond)
		case <-deadline:
			t.Fatal("still not so: ", what)
		}
	}
}

// TestConformanceLifetime: who was killed is gone after its lifetime, from the
// set too, or the set would grow with every restart; who renews stays.
func TestConformanceLifetime(t *testing.T) {
	both(t, func(t *testing.T, h house) {
		h.enter(t, "killed", "http://127.0.0.1:1", time.Second)
		h.enter(t, "alive", "http://127.0.0.1:2", time.Second)
		found(t, h.Directory, "http://127.0.0.1:1", "http://127.0.0.1:2")
		h.until(t, "the killed one is gone", func() bool {
			h.enter(t, "alive", "http://127.0.0.1:2", time.Second)
			got, err := h.Lookup(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			return reflect.DeepEqual(got, []string{"http://127.0.0.1:2"})
		})
		if ids, err := h.client.SMembers(t.Context(), h.set).Result(); err != nil || !reflect.DeepEqual(ids, []string{"alive"}) {
			t.Error("what has expired stays in the set: ", ids, err)
		}
		h.enter(t, "alive", "http://127.0.0.1:3", time.Hour)
		if left := h.client.PTTL(t.Context(), h.key("alive")).Val(); left < 59*time.Minute {
			t.Errorf("renewed for an hour, %s are left", left)
		}
		found(t, h.Directory, "http://127.0.0.1:3")
	})
}

// TestConformanceApart: houses that share a Redis never see each other, also
// when one's prefix would be a pattern for the other's.
func TestConformanceApart(t *testing.T) {
	both(t, func(t *testing.T, h house) {
		name := uuid.NewString()
		var houses []house
		for _, prefix := range []string{name, name + ":", name + ":ingest:", name + "*", name + "[a-z]", name + "?", "*" + name} {
			d := house{New(h.client, prefix), h.client, h.pass}
			t.Cleanup(func() {
				if err := d.Remove(context.WithoutCancel(t.Context()), "a"); err != nil {
					t.Error(err)
				}
			})
			d.enter(t, "a", "http://127.0.0.1:1/"+prefix, time.Minute)
			houses = append(houses, d)
			for _, other := range houses {
				prefix := other.set[:len(other.set)-len("ingest")]
				found(t, other.Directory, "http://127.0.0.1:1/"+prefix)
			}
		}
	})
}

// TestConformanceMany: all are found however many there are, whatever they are
// called, while others come and go; what is no URL is nobody.
func TestConformanceMany(t *testing.T) {
	both(t, func(t *testing.T, h house) {
		want := map[string]string{}
		for i := range 300 {
			id := fmt.Sprintf("%d é* \x00\n%s", i, uuid.NewString())
			want[id] = fmt.Sprintf("http://127.0.0.1:%d", i)
			h.enter(t, id, want[id], time.Minute)
		}
		h.enter(t, "no url", "", time.Minute)
		pipe := h.client.TxPipeline()
		pipe.SAdd(t.Context(), h.set, "a list")
		pipe.RPush(t.Context(), h.key("a list"), "x")
		if _, err := pipe.Exec(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { h.client.Del(context.WithoutCancel(t.Context()), h.key("a list"), h.key("no url")) })
		var all sync.WaitGroup
		for i := range 4 {
			all.Go(func() {
				for round := range 20 { // an id is new for every run of a process
					id := fmt.Sprint("guest ", i, " ", round)
					if err := h.Enter(t.Context(), id, "http://127.0.0.1:9/"+id, time.Minute); err != nil {
						t.Error(err)
					}
					if got, err := h.Entries(t.Context()); err != nil || len(got) < len(want)+1 || got[id] == "" {
						t.Errorf("%d entries, among them %q, %v", len(got), got[id], err)
					}
					if err := h.Remove(t.Context(), id); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		if got, err := h.Entries(t.Context()); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%d entries, must be %d, %v", len(got), len(want), err)
		}
	})
}

// TestAwayAndBack: while Redis is away every call says that it passes; when it
// is back, even empty, an instance is found as soon as it enters again.
func TestAwayAndBack(t *testing.T) {
	server := miniredis.RunT(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), MaxRetries: -1, DialerRetries: 1})
	defer client.Close()
	h := house{New(client, "x:"), client, server.FastForward}
	h.enter(t, "a", "http://127.0.0.1:1", time.Minute)
	server.Close()
	_, entries := h.Entries(t.Context())
	_, lookup := h.Lookup(t.Context())
	for call, err := range map[string]error{"enter": h.Enter(t.Context(), "a", "http://127.0.0.1:1", time.Minute),
		"remove": h.Remove(t.Context(), "a"), "entries": entries, "lookup": lookup} {
		if !fault.Is(err, fault.Transient) {
			t.Errorf("%s: %v", call, err)
		}
	}
	server.FlushAll()
	if err := server.Restart(); err != nil {
		t.Fatal(err)
	}
	found(t, h.Directory)
	h.enter(t, "a", "http://127.0.0.1:1", time.Minute)
	found(t, h.Directory, "http://127.0.0.1:1")
}

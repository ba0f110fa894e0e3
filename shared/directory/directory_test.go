package directory

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"

	"chatlog/shared/fault"
	"chatlog/shared/parts"
)

func TestConformance(t *testing.T) {
	t.Run("embedded", func(t *testing.T) { entered(t, miniredis.RunT(t).Addr()) })
	t.Run("real", func(t *testing.T) { entered(t, parts.Redis(t)) })
}

// entered: an instance is found from when it is entered until it is removed.
func entered(t *testing.T, address string) {
	client := redis.NewClient(&redis.Options{Addr: address})
	defer client.Close()
	d := New(client, "test-"+uuid.NewString()+":")
	found(t, d)
	for _, id := range []string{"b", "a", "b"} {
		if err := d.Enter(t.Context(), id, "http://127.0.0.1:1/"+id, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	found(t, d, "http://127.0.0.1:1/a", "http://127.0.0.1:1/b")
	entries, err := d.Entries(t.Context())
	if want := map[string]string{"a": "http://127.0.0.1:1/a", "b": "http://127.0.0.1:1/b"}; err != nil || !reflect.DeepEqual(entries, want) {
		t.Error(entries, err)
	}
	for _, id := range []string{"b", "b", "a"} {
		if err := d.Remove(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	found(t, d)
}

func found(t *testing.T, d *Directory, want ...string) {
	t.Helper()
	if got, err := d.Lookup(t.Context()); err != nil || !reflect.DeepEqual(got, want) {
		t.Fatalf("found %v %v, must be %v", got, err, want)
	}
}

// TestExpired: an entry outlives its instance by its lifetime only, and a Redis
// that is away is an error that passes, not an empty list.
func TestExpired(t *testing.T) {
	server := miniredis.RunT(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), MaxRetries: -1})
	defer client.Close()
	d := New(client, "x:")
	for id, lifetime := range map[string]time.Duration{"short": time.Second, "long": time.Minute} {
		if err := d.Enter(t.Context(), id, "http://127.0.0.1:1/"+id, lifetime); err != nil {
			t.Fatal(err)
		}
	}
	found(t, d, "http://127.0.0.1:1/long", "http://127.0.0.1:1/short")
	server.FastForward(2 * time.Second)
	found(t, d, "http://127.0.0.1:1/long")
	if ids, err := server.Members("x:ingest"); err != nil || !reflect.DeepEqual(ids, []string{"long"}) {
		t.Error("what has expired stays in the set: ", ids, err)
	}
	server.Close()
	if got, err := d.Lookup(t.Context()); !fault.Is(err, fault.Transient) || errors.Is(err, redis.Nil) || got != nil {
		t.Error(got, err)
	}
}

package directory

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
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
	t.Run("embedded", func(t *testing.T) { announced(t, miniredis.RunT(t).Addr()) })
	t.Run("real", func(t *testing.T) { announced(t, parts.Redis(t)) })
}

// announced: an instance is found while it is announced, and not after.
func announced(t *testing.T, address string) {
	client := redis.NewClient(&redis.Options{Addr: address})
	defer client.Close()
	d := New(client, "test-"+uuid.NewString()+":")
	found(t, d)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{}, 2)
	for i := range 2 {
		go func() {
			d.Announce(ctx, fmt.Sprint(i), fmt.Sprintf("http://127.0.0.1:800%d", i), slog.New(slog.DiscardHandler))
			ended <- struct{}{}
		}()
	}
	found(t, d, "http://127.0.0.1:8000", "http://127.0.0.1:8001")
	cancel()
	<-ended
	<-ended
	found(t, d)
}

// found waits until these are all that are found.
func found(t *testing.T, d *Directory, want ...string) {
	t.Helper()
	deadline := time.Now().Add(5 * time.Second)
	for {
		got, err := d.Lookup(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if reflect.DeepEqual(got, want) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("found %v, must be %v", got, want)
		}
	}
}

// TestAway: an entry outlives its instance by its lifetime only, and a Redis
// that is away is an error that passes, not an empty list.
func TestAway(t *testing.T) {
	server := miniredis.RunT(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), MaxRetries: -1})
	defer client.Close()
	d := New(client, "x:")
	if err := client.Set(t.Context(), "x:ingest:dead", "http://127.0.0.1:1", lifetime).Err(); err != nil {
		t.Fatal(err)
	}
	found(t, d, "http://127.0.0.1:1")
	server.FastForward(lifetime)
	found(t, d)
	server.Close()
	if got, err := d.Lookup(t.Context()); !fault.Is(err, fault.Transient) || errors.Is(err, context.Canceled) || got != nil {
		t.Error(got, err)
	}
}

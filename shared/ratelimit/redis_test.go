package ratelimit

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"testing"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"chatlog/shared/parts"
)

func in(t *testing.T, address, prefix string) *shared {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: address})
	t.Cleanup(func() { client.Close() })
	return &shared{client, prefix}
}

func (s *shared) must(t *testing.T, charges []Charge) Verdict {
	t.Helper()
	v, err := s.decide(t.Context(), charges)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// The script does what decide does, by a clock that is set.
func TestScriptCountsAsMemoryDoes(t *testing.T) {
	for name, steps := range ways {
		t.Run(name, func(t *testing.T) {
			server := miniredis.RunT(t)
			s := in(t, server.Addr(), "x:")
			began := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)
			var last time.Duration
			server.SetTime(began)
			follow(t, steps, func(at time.Duration) {
				server.SetTime(began.Add(at))
				server.FastForward(at - last) // keys expire, later when the clock goes back
				last = at
			}, func(charges []Charge) Verdict { return s.must(t, charges) })
		})
	}
}

// The real Redis has a clock of its own; what does not hang on it is the same.
func TestRealScript(t *testing.T) {
	address := parts.Redis(t)
	raw := make([]byte, 6)
	rand.Read(raw)
	prefix := "test-limits-" + hex.EncodeToString(raw) + ":"
	s, another := in(t, address, prefix), in(t, address, prefix)
	a, b := Charge{Writes, "a", Limit{time.Minute, 5}, Take}, Charge{Address, "b", Limit{30 * time.Second, 100}, Take}
	t.Cleanup(func() {
		for _, key := range []string{"a", "b", "m"} {
			s.client.Del(context.Background(), prefix+"limit:"+key)
		}
	})
	for i := range 5 {
		by := s
		if i%2 == 1 {
			by = another
		}
		if v := by.must(t, []Charge{b, a}); v.Refused >= 0 {
			t.Fatalf("%d of 5: %+v", i+1, v)
		}
	}
	v := another.must(t, []Charge{b, a})
	if v.Refused != 1 || v.Wait <= 50*time.Second || v.Wait > time.Minute {
		t.Errorf("%+v: one is due in a minute", v)
	}
	for key, window := range map[string]time.Duration{"a": 5 * time.Minute, "b": 150 * time.Second} {
		left, err := s.client.PTTL(t.Context(), prefix+"limit:"+key).Result()
		if err != nil || left <= window-20*time.Second || left > window+time.Second {
			t.Errorf("%s is forgotten in %s, %v: five of it are empty in %s", key, left, err, window)
		}
	}
	look, add := Charge{Misses, "m", Limit{time.Minute, 2}, Look}, Charge{Misses, "m", Limit{time.Minute, 2}, Add}
	for i, want := range []int{-1, -1, -1, 0} {
		if v := s.must(t, []Charge{look}); v.Refused != want {
			t.Errorf("look after %d: %+v", i, v)
		}
		if i > 0 {
			s.must(t, []Charge{add})
		}
	}
}

package ratelimit

import (
	"math/rand/v2"
	"testing"
	"time"
)

func TestPerSecond(t *testing.T) {
	for _, c := range []struct {
		rate  float64
		burst time.Duration
		want  Limit
	}{
		{1, time.Second, Limit{time.Second, 1}},
		{100, 10 * time.Second, Limit{10 * time.Millisecond, 1000}},
		{0.1, time.Second, Limit{10 * time.Second, 1}}, // one is always possible
		{2.5, 2 * time.Second, Limit{400 * time.Millisecond, 5}},
		{1e6, time.Millisecond, Limit{time.Microsecond, 1000}},
	} {
		if got := PerSecond(c.rate, c.burst); got != c.want {
			t.Errorf("%v per second, %s at once: %v, not %v", c.rate, c.burst, got, c.want)
		}
	}
}

// step is one decision at a time, and what must come of it.
type step struct {
	at      time.Duration
	charges []Charge
	refused int
	wait    time.Duration
}

// steps are what every counter must do. The keys have limits of two at once, one a
// second, and of three at once, four a second.
var steps = func() []step {
	slow, fast := Limit{time.Second, 2}, Limit{250 * time.Millisecond, 3}
	a, b := Charge{Writes, "a", slow, Take}, Charge{Address, "b", fast, Take}
	look, add := Charge{Misses, "m", slow, Look}, Charge{Misses, "m", slow, Add}
	return []step{
		{0, []Charge{a}, -1, 0},
		{0, []Charge{a}, -1, 0},
		{0, []Charge{a}, 0, time.Second},
		{0, []Charge{b, a}, 1, time.Second}, // b is not counted: three of it are left
		{0, []Charge{b}, -1, 0},
		{0, []Charge{b}, -1, 0},
		{0, []Charge{b}, -1, 0},
		{0, []Charge{b, a}, 1, time.Second}, // the longer wait is told
		{0, []Charge{b}, 0, 250 * time.Millisecond},
		{0, []Charge{look}, -1, 0},
		{0, []Charge{add}, -1, 0},
		{0, []Charge{look}, -1, 0},
		{0, []Charge{look}, -1, 0}, // looking is not counted
		{0, []Charge{add}, -1, 0},
		{0, []Charge{look}, 0, time.Second},
		{0, []Charge{add}, -1, 0}, // beyond full it is full
		{400 * time.Millisecond, []Charge{a}, 0, 600 * time.Millisecond},
		{400 * time.Millisecond, []Charge{b}, -1, 0},
		{time.Second, []Charge{a, look}, -1, 0}, // one is due again of each
		{time.Second, []Charge{a}, 0, time.Second},
		{time.Second, []Charge{look}, -1, 0},
		{time.Minute, []Charge{a}, -1, 0}, // long empty: as if it were new
		{time.Minute, []Charge{a}, -1, 0},
		{time.Minute, []Charge{a}, 0, time.Second},
	}
}()

// follow takes a counter through the steps; to puts its clock.
func follow(t *testing.T, to func(time.Duration), decide func([]Charge) Verdict) {
	t.Helper()
	for i, s := range steps {
		to(s.at)
		if got := decide(s.charges); got.Refused != s.refused || got.Wait != s.wait {
			t.Errorf("step %d, at %s: %+v, must be refused by %d for %s", i, s.at, got, s.refused, s.wait)
		}
	}
}

func TestMemoryCounts(t *testing.T) {
	began := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)
	now := began
	m := newMemory(func() time.Time { return now })
	follow(t, func(at time.Duration) { now = began.Add(at) }, m.decide)
}

// Whatever comes when, no stretch of time has more than it may, and whoever waits
// as long as he is told is let in.
func TestNeverMoreThanTheLimit(t *testing.T) {
	for seed := range uint64(100) {
		r := rand.New(rand.NewPCG(seed, 1))
		limit := Limit{time.Duration(1+r.IntN(50)) * time.Millisecond, 1 + r.Int64N(8)}
		charges, full := []Charge{{Writes, "k", limit, Take}}, []time.Duration{0}
		var now time.Duration
		var taken []time.Duration
		for range 400 {
			now += time.Duration(r.Int64N(int64(limit.Every))) * time.Duration(r.IntN(3)) / 2
			v := decide(now, full, charges)
			if v.Refused >= 0 {
				if v.Wait <= 0 || v.Wait > limit.Every {
					t.Fatalf("seed %d: a wait of %s with one due every %s", seed, v.Wait, limit.Every)
				}
				now += v.Wait
				v = decide(now, full, charges)
			}
			if v.Refused >= 0 {
				t.Fatalf("seed %d: refused after the wait: %+v", seed, v)
			}
			taken = append(taken, now)
		}
		for i := range taken {
			for j := i; j < len(taken); j++ {
				if most := limit.Most + int64((taken[j]-taken[i])/limit.Every); int64(j-i+1) > most {
					t.Fatalf("seed %d: %d within %s, at most %d may be", seed, j-i+1, taken[j]-taken[i], most)
				}
			}
		}
	}
}

// However many keys there are, memory is bounded, and a key in use is not forgotten.
func TestMemoryIsBounded(t *testing.T) {
	now := time.Now()
	m := newMemory(func() time.Time { return now })
	m.half = 100
	used := Charge{Writes, "used", Limit{time.Hour, 1}, Take}
	if v := m.decide([]Charge{used}); v.Refused >= 0 {
		t.Fatal(v)
	}
	for i := range 10_000 {
		key := string(rune('a'+i%26)) + time.Duration(i).String()
		m.decide([]Charge{{Writes, key, Limit{time.Hour, 1}, Take}})
		if i%50 == 0 {
			if v := m.decide([]Charge{used}); v.Refused < 0 {
				t.Fatalf("forgotten after %d other keys", i)
			}
		}
		if n := m.size(); n > 2*m.half {
			t.Fatalf("%d keys, at most %d may be", n, 2*m.half)
		}
	}
	before := m.size()
	m.decide([]Charge{{Misses, "seen", Limit{time.Hour, 1}, Look}})
	if m.size() != before {
		t.Error("looking made a key")
	}
}

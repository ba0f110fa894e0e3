package ratelimit

import (
	"math/rand/v2"
	"slices"
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
		{0, []Charge{add}, -1, 0}, // beyond full it is owed
		{0, []Charge{look}, 0, 2 * time.Second},
		{400 * time.Millisecond, []Charge{a}, 0, 600 * time.Millisecond},
		{400 * time.Millisecond, []Charge{b}, -1, 0},
		{time.Second, []Charge{a, look}, 1, time.Second}, // one is due again of a, and is not counted
		{time.Second, []Charge{a}, -1, 0},
		{time.Second, []Charge{a}, 0, time.Second},
		{2 * time.Second, []Charge{a, look}, -1, 0}, // one is due again of each
		{time.Minute, []Charge{a}, -1, 0},           // long empty: as if it were new
		{time.Minute, []Charge{a}, -1, 0},
		{time.Minute, []Charge{a}, 0, time.Second},
	}
}()

// many repeats a step.
func many(n int, s step) []step { return slices.Repeat([]step{s}, n) }

// crowd is many who are looked at before any of them is added: all are let in, and
// nobody is until that is paid back, but never longer than it may be.
var crowd = func() []step {
	quick, slow := Limit{time.Second, 2}, Limit{10 * time.Minute, 2}
	look, add := Charge{Misses, "m", quick, Look}, Charge{Misses, "m", quick, Add}
	slowLook, slowAdd := Charge{Misses, "n", slow, Look}, Charge{Misses, "n", slow, Add}
	return slices.Concat(
		many(50, step{0, []Charge{look}, -1, 0}), many(50, step{0, []Charge{add}, -1, 0}),
		[]step{
			{0, []Charge{look}, 0, 49 * time.Second},
			{30 * time.Second, []Charge{look}, 0, 19 * time.Second},
			{49*time.Second - time.Millisecond, []Charge{look}, 0, time.Millisecond},
			{49 * time.Second, []Charge{look}, -1, 0},
		},
		many(100, step{time.Minute, []Charge{slowAdd}, -1, 0}),
		[]step{
			{time.Minute, []Charge{slowLook}, 0, owed + slow.Every},
			{time.Minute + owed + slow.Every, []Charge{slowLook}, -1, 0},
		})
}()

// stepped is a clock that goes back, and limits that are lowered: whoever was full is
// full, and no longer than that.
var stepped = func() []step {
	two, hundred := Limit{time.Second, 2}, Limit{time.Second, 100}
	take, look, add := Charge{Writes, "a", two, Take}, Charge{Misses, "m", two, Look}, Charge{Misses, "m", two, Add}
	before, after := Charge{Reads, "b", hundred, Take}, Charge{Reads, "b", two, Take}
	const day = 24 * time.Hour
	return slices.Concat(many(2, step{2 * day, []Charge{take}, -1, 0}), many(2, step{2 * day, []Charge{add}, -1, 0}),
		[]step{
			{day, []Charge{take}, 0, time.Second},
			{day + 500*time.Millisecond, []Charge{take}, 0, 500 * time.Millisecond}, // the wait has gone on
			{day + time.Second, []Charge{take}, -1, 0},
			{day + time.Second, []Charge{look}, 0, owed + time.Second},
			{day + time.Second + owed, []Charge{look}, 0, time.Second},
			{day + 2*time.Second + owed, []Charge{look}, -1, 0},
		},
		many(100, step{2 * day, []Charge{before}, -1, 0}),
		[]step{
			{2 * day, []Charge{before}, 0, time.Second},
			{2 * day, []Charge{after}, 0, time.Second},
			{2*day + time.Second, []Charge{after}, -1, 0},
			{2*day + time.Second, []Charge{after}, 0, time.Second},
		})
}()

// follow takes a counter through the steps; to puts its clock.
func follow(t *testing.T, steps []step, to func(time.Duration), decide func([]Charge) Verdict) {
	t.Helper()
	for i, s := range steps {
		to(s.at)
		if got := decide(s.charges); got.Refused != s.refused || got.Wait != s.wait {
			t.Errorf("step %d, at %s: %+v, must be refused by %d for %s", i, s.at, got, s.refused, s.wait)
		}
	}
}

// ways are the steps of which each is for a counter of its own.
var ways = map[string][]step{"steps": steps, "crowd": crowd, "stepped": stepped}

func TestMemoryCounts(t *testing.T) {
	for name, steps := range ways {
		t.Run(name, func(t *testing.T) {
			began := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)
			now := began
			m := newMemory(func() time.Time { return now })
			follow(t, steps, func(at time.Duration) { now = began.Add(at) }, m.decide)
		})
	}
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

package ratelimit

import "time"

// Limit is how often something may happen. It is counted by the generic cell rate
// algorithm (virtual scheduling, ITU-T I.371): of each key one time is kept, the
// one at which it would be empty again, and nothing has to run to forget.
type Limit struct {
	Every time.Duration // one is due again after this time; more than 0
	Most  int64         // so many may come at once; at least 1
}

// PerSecond makes a limit of so many in a second, of which those of a burst's time
// may come at once.
func PerSecond(rate float64, burst time.Duration) Limit {
	return Limit{Every: time.Duration(float64(time.Second) / rate), Most: max(1, int64(rate*burst.Seconds()))}
}

// window is how long a key that is full takes to be empty.
func (l Limit) window() time.Duration { return time.Duration(l.Most) * l.Every }

// owed is how far beyond full a key may come that is only looked at before. All who
// look at once are let in, however many they are, and what was too much is then paid
// back with time: were it forgotten, everybody could have as much as he has
// connections, again and again. It is bounded, because many may share an address.
const owed = time.Hour

// Mode says what is done about a key.
type Mode int

// The modes.
const (
	Take Mode = iota // count one more, if all that are asked for together are within their limits
	Look             // only see whether one more would be within the limit
	Add              // count one more in any case, beyond full too: it has happened
)

// Charge is one key that something is to be counted under.
type Charge struct {
	Scope Scope // what metrics and refusals call it
	Key   string
	Limit Limit
	Mode  Mode
}

// most is how far ahead the time can be at which a charge's key is empty again.
func (c Charge) most() time.Duration {
	if c.Mode == Take {
		return c.Limit.window()
	}
	return c.Limit.window() + owed
}

// Verdict is what comes of charges. Without a refusal all of them are counted,
// else none is that asked first.
type Verdict struct {
	Refused int           // index of the charge that waits longest; -1: none is refused
	Wait    time.Duration // until it would not be
}

// decide is the whole algorithm: full holds for each charge when its key is empty
// again, in time since any beginning, zero for one that nobody knows. It changes
// those that are counted, and those that are further ahead than can be: a clock has
// gone back since, or the limit was another, and left alone they would refuse all for
// as long as the step was. The script of Redis does the same.
func decide(now time.Duration, full []time.Duration, charges []Charge) Verdict {
	v := Verdict{Refused: -1}
	for i, c := range charges {
		full[i] = min(max(full[i], now), now+c.most())
		if wait := full[i] + c.Limit.Every - c.Limit.window() - now; c.Mode != Add && wait > v.Wait {
			v = Verdict{Refused: i, Wait: wait}
		}
	}
	for i, c := range charges {
		switch {
		case c.Mode == Add:
			full[i] = min(full[i]+c.Limit.Every, now+c.most())
		case c.Mode == Take && v.Refused < 0:
			full[i] += c.Limit.Every
		}
	}
	return v
}

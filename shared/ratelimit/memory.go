package ratelimit

import (
	"cmp"
	"sync"
	"time"
)

// maxKeys is how many keys are counted in memory at most: some ten megabytes. A key
// that was not used while half as many others were is forgotten.
const maxKeys = 100_000

// memory counts for this process alone.
type memory struct {
	began time.Time // what the times are counted from
	now   func() time.Time
	half  int // of all keys

	mutex    sync.Mutex
	new, old map[string]time.Duration // when a key is empty again
	full     []time.Duration          // of one decision, kept for the next
}

func newMemory(now func() time.Time) *memory {
	return &memory{began: now(), now: now, half: maxKeys / 2, new: map[string]time.Duration{}}
}

// decide judges charges and counts them.
func (m *memory) decide(charges []Charge) Verdict {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.full = m.full[:0]
	for _, c := range charges {
		m.full = append(m.full, cmp.Or(m.new[c.Key], m.old[c.Key]))
	}
	v := decide(m.now().Sub(m.began), m.full, charges)
	for i, c := range charges {
		_, known := m.new[c.Key]
		if _, older := m.old[c.Key]; c.Mode == Look && !known && !older { // or looking would make keys
			continue
		}
		if !known && len(m.new) >= m.half {
			m.new, m.old = make(map[string]time.Duration), m.new
		}
		m.new[c.Key] = m.full[i]
	}
	return v
}

// size is how many keys are kept.
func (m *memory) size() int {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	return len(m.new) + len(m.old)
}

package partition

import (
	"fmt"
	"time"

	"chatlog/shared/position"
)

// Appended takes the outcome of the batch on its way: the append rule's steps
// 3 and 4.
func (m *Machine) Appended(now time.Time, r AppendResult) {
	f := m.flight
	if f == nil || m.phase == stopped {
		return
	}
	m.flight = nil
	switch {
	case r.Err == nil && r.Base == f.base:
		m.count(f)
	case r.Err == nil && r.Base < f.base:
		m.requeue(f.calls)
		m.stop(fmt.Errorf("partition %d: the log was cut: a batch written for offset %d was appended at %d; "+
			"restore the topic, or make it anew and rebuild the views", m.cfg.Partition, f.base, r.Base))
	case r.Err == nil: // somebody else has appended: ours does not count
		m.stats.Conflicts++
		m.doubt(f) // a copy of the request may have come before it and count
		m.requeue(f.calls)
		m.backOff(now)
		m.read(now)
	case r.TooLarge:
		m.split(f)
	default:
		m.stats.Failures++
		if !r.Refused {
			m.doubt(f)
		}
		m.requeue(f.calls)
		m.backOff(now)
		m.read(now)
	}
}

// doubt remembers where a batch's commands may lie, or come to lie.
func (m *Machine) doubt(f *flight) {
	for i, c := range f.calls {
		c.doubt = max(c.doubt, f.base+int64(i)) // an earlier batch may still land
		if c.Request.Keyed {
			m.doubts[c.Request.ID] = c.doubt // its client may ask again, whatever becomes of this call
		}
	}
}

// count takes a batch that lies where it was written for into the state.
func (m *Machine) count(f *flight) {
	m.phase, m.attempts, m.retryAt = ready, 0, time.Time{}
	m.stats.Batches++
	m.stats.Records += uint64(len(f.commands))
	for i := range f.commands {
		c := &f.commands[i]
		m.state.apply(f.base+int64(i), c)
		if i < len(f.calls) {
			m.answer(f.calls[i], Reply{Chat: c.Chat, Number: c.Number, Offset: f.base + int64(i)}, nil)
		}
	}
	m.state.end = f.base + int64(len(f.commands))
	m.limit.records = min(m.limit.records*2, m.cfg.BatchRecords)
}

// split makes smaller batches of one that the broker does not take. A single
// command that is too large can never be appended.
func (m *Machine) split(f *flight) {
	m.stats.Oversized++
	m.phase = ready
	if len(f.calls) == 1 {
		m.answer(f.calls[0], Reply{}, errTooLarge)
		return
	}
	m.limit.records = max(1, len(f.commands)/2)
	m.requeue(f.calls)
}

// read makes the machine read the log on from its state's end before it does
// anything else.
func (m *Machine) read(now time.Time) {
	if m.phase != reading {
		m.stats.Recoveries++
	}
	m.phase, m.resumed = reading, true
	m.from = m.state.end
	if m.retryAt.Before(now) {
		m.retryAt = now
	}
}

// check is the record that a view's progress rests on.
type check struct {
	offset int64 // unset: nothing to check
	id     string
	log    position.LogID
	next   int64 // the view's progress: the log must reach it
}

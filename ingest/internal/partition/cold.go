package partition

import (
	"fmt"
	"time"

	"chatlog/shared/fault"
	"chatlog/shared/view"
)

// maxLoad is the most rows asked for in one load.
const maxLoad = 512

// LoadResult is what a LoadRows gave: the keys asked for, with their rows and
// the view's progress in the same snapshot.
type LoadResult struct {
	Keys Keys
	Rows Rows
	Err  error
}

// load asks for the rows that calls, and imports beside them, need; for none, the
// view's progress alone. imports go on waiting where they are.
func (m *Machine) load(now time.Time, calls, imports []*Call) {
	var keys Keys
	seen := map[any]bool{}
	for _, list := range [][]*Call{calls, imports} {
		for _, c := range list {
			keys.Applications = addNew(seen, keys.Applications, c.needs.Applications)
			keys.Chats = addNew(seen, keys.Chats, c.needs.Chats)
			keys.Messages = addNew(seen, keys.Messages, c.needs.Messages)
			keys.Commands = addNew(seen, keys.Commands, c.needs.Commands)
		}
	}
	m.loading, m.loads, m.loadFloor, m.askedAt = true, calls, m.state.watermark, now
	m.stats.Loads++
	m.effects = append(m.effects, LoadRows{Keys: keys})
}

// addNew adds the keys not seen before. Keys of different kinds never collide: a
// command id is longer than a token, the others differ in type.
func addNew[K comparable](seen map[any]bool, keys, more []K) []K {
	for _, key := range more {
		if !seen[key] {
			seen[key] = true
			keys = append(keys, key)
		}
	}
	return keys
}

// loadParked loads for the calls that wait for rows, and looks at the view's
// progress while the overlay is over its limits.
func (m *Machine) loadParked(now time.Time) {
	if m.loading {
		return
	}
	imports := m.lane.wants
	if len(m.parked) == 0 && len(imports) == 0 {
		if (m.state.over(m.cfg.Limits) || m.importsAhead()) && now.Sub(m.askedAt) >= m.cfg.ProgressEvery {
			m.load(now, nil, nil)
		}
		return
	}
	m.lane.wants = nil
	rows, count := 0, 0
	for count < len(m.parked) && rows < maxLoad {
		rows += m.parked[count].needs.Len()
		count++
	}
	calls := append([]*Call(nil), m.parked[:count]...)
	m.parked = append(m.parked[:0], m.parked[count:]...)
	m.load(now, calls, imports)
}

// Loaded takes rows of the view. They count only if the progress in their own
// snapshot is not behind what was dropped from the overlay because of the
// view's progress; a view that is behind that was set back.
func (m *Machine) Loaded(now time.Time, r LoadResult) {
	calls := m.loads
	m.loading, m.loads = false, nil
	if m.phase == stopped {
		return
	}
	if r.Err != nil {
		err := fault.Wrap(fault.Transient, errCold.Public, fmt.Errorf("cold read: %w", r.Err))
		for _, c := range calls {
			m.refuse(c, err)
		}
		m.lane.hold(now.Add(m.cfg.RetryMax))
		if m.phase == starting {
			m.backOff(now)
		}
		return
	}
	m.requeue(calls)
	p := r.Rows.Progress
	switch {
	case m.phase == starting:
		m.begin(p)
	case p.Log != "" && m.state.log.ID != "" && p.Log != m.state.log.ID:
		m.stop(fmt.Errorf("partition %d: the view was built from log %s, but this is log %s; empty the view and restart",
			m.cfg.Partition, p.Log, m.state.log.ID))
	case p.Next < m.state.watermark && p.Next < m.loadFloor:
		m.rebuild = true
	case p.Next < m.state.watermark: // dropped more while this load was under way: load again
	case p.Next > m.state.end: // the view knows more than this owner does: somebody else has appended
		m.behind = max(m.behind, p.Next)
	default:
		m.state.progress = max(m.state.progress, p.Next)
		m.state.load(r.Keys, r.Rows)
	}
}

// begin starts an overlay at the view's progress and reads the log from the
// record that this progress rests on.
func (m *Machine) begin(p view.Progress) {
	log := m.state.log
	log.ID, log.Generation = p.Log, p.Generation
	log.Partition, log.PartitionOf = m.cfg.Partition, m.cfg.PartitionOf
	m.state = newState(log, p.Next)
	m.behind = 0
	m.check = check{offset: unset, next: p.Next}
	m.from = p.Next
	if p.LastOffset >= 0 && p.LastID != "" {
		m.check = check{offset: p.LastOffset, id: p.LastID, log: p.Log, next: p.Next}
		m.from = p.LastOffset
	}
	m.phase, m.resumed = reading, false
	m.stats.Recoveries++
}

// restart throws the overlay away and begins again from the view's progress.
func (m *Machine) restart() {
	m.stats.Rebuilds++
	m.rebuild = false
	m.gather()
	// The new overlay may begin beyond what is in doubt, which is then never
	// read: nothing can be said of it any more, and it must not be tried again.
	for _, c := range m.queue {
		if c.doubt != unset && c.doubt >= m.state.end {
			m.answer(c, Reply{}, errUnknown)
		}
	}
	m.queue = unanswered(m.queue)
	for id, at := range m.doubts {
		if at >= m.state.end {
			m.doubts[id] = unread
		}
	}
	m.state.watermark = 0
	m.phase = starting
}

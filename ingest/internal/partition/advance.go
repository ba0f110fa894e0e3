package partition

import (
	"time"

	"chatlog/shared/command"
	"chatlog/shared/position"
)

// expireEvery is how often deadlines are looked at.
const expireEvery = 10 * time.Millisecond

// Advance does whatever can be done now. It is called after every event and
// from time to time.
func (m *Machine) Advance(now time.Time) {
	if m.phase == stopped {
		return
	}
	m.expire(now)
	if m.rebuild && m.phase == ready {
		m.restart()
	}
	switch m.phase {
	case starting:
		if !m.loading && !now.Before(m.retryAt) {
			m.load(now, nil, nil)
		}
	case reading:
		if !m.reading && !now.Before(m.retryAt) {
			m.reading = true
			m.effects = append(m.effects, ReadLog{From: m.from})
		}
	case opening:
		m.open(now)
	case ready:
		m.proceed(now)
	}
	if m.phase == ready || m.phase == flying {
		m.loadParked(now)
		m.confirm()
	}
}

// proceed appends what is queued, once the machine is as far as the log is
// known to reach.
func (m *Machine) proceed(now time.Time) {
	if m.behind > m.state.end {
		m.read(now)
		return
	}
	m.releaseDenials()
	if (len(m.queue) > 0 || m.lane.open(now)) && !now.Before(m.retryAt) {
		m.appendNext(now)
	}
	// Only now: the rows that were loaded for what waits may be the only entries
	// that can be dropped, and dropped before they are used they are loaded for ever.
	m.evict()
}

// appendNext sends the next batch on its way.
func (m *Machine) appendNext(now time.Time) {
	if m.state.size() >= m.cfg.Limits.Unsunk {
		m.evict()
	}
	if m.state.size() >= m.cfg.Limits.Unsunk {
		for _, c := range m.queue {
			m.refuse(c, errBehind)
		}
		m.queue = m.queue[:0]
		return
	}
	if d := m.plan(now); len(d.records) > 0 {
		m.flight = &flight{base: m.state.end, commands: d.commands, calls: d.planned}
		m.phase = flying
		m.effects = append(m.effects, AppendBatch{Base: m.state.end, Records: d.records})
	}
}

func (m *Machine) evict() { m.stats.Evicted += uint64(m.state.evict(m.cfg.Limits)) }

// plan judges the queue in order and drafts the next batch from it, and from the
// imports what has room beside it.
func (m *Machine) plan(now time.Time) *draft {
	d := &m.draft
	d.begin(&m.state, now, min(len(m.queue), m.limit.records))
	if alone := m.beginImports(now); alone {
		return d
	}
	rest := m.queue[:0]
	for i, c := range m.queue {
		if c.answered {
			continue
		}
		v := d.judge(c)
		switch v.outcome {
		case include:
			if !d.add(c, v.command, m.limit) {
				rest = append(rest, m.queue[i:]...)
				m.keep(rest)
				return d
			}
		case answer:
			m.answer(c, v.reply, nil)
		case wait:
			rest = append(rest, c)
		case load:
			c.needs = v.needs
			m.parked = append(m.parked, c)
		case deny:
			if c.confirmed != unset && c.confirmed <= m.state.end {
				m.answer(c, Reply{}, v.err)
			} else {
				c.confirmed = unset
				m.denials = append(m.denials, c)
			}
		case refuse:
			m.answer(c, Reply{}, v.err)
		}
	}
	m.keep(rest)
	m.planImports(now)
	return d
}

// keep makes rest, which shares the queue's memory, the queue.
func (m *Machine) keep(rest []*Call) {
	clear(m.queue[len(rest):])
	m.queue = rest
}

// requeue puts calls before all others: they have waited longest. Imports come
// last in every batch, and go back to where they were.
func (m *Machine) requeue(calls []*Call) {
	for i, c := range calls {
		if c.Request.Import {
			m.putBack(calls[i:])
			calls = calls[:i]
			break
		}
	}
	if len(calls) == 0 {
		return
	}
	m.queue = append(append(make([]*Call, 0, len(calls)+len(m.queue)), calls...), m.queue...)
}

// expire answers the calls whose time is up. Those in a batch on its way get
// to know that their outcome is unknown; the batch is decided all the same.
func (m *Machine) expire(now time.Time) {
	if m.waiting == 0 || now.Sub(m.lastExpired) < expireEvery {
		return
	}
	m.lastExpired = now
	for _, calls := range [][]*Call{m.queue, m.parked, m.loads, m.denials} {
		for _, c := range calls {
			if !c.answered && c.expired(now) {
				m.refuse(c, errNotWritten)
			}
		}
	}
	if m.flight != nil {
		for _, c := range m.flight.calls {
			if !c.answered && c.expired(now) {
				m.answer(c, Reply{}, errUnknown)
			}
		}
	}
	m.queue = unanswered(m.queue)
	m.parked = unanswered(m.parked)
	m.denials = unanswered(m.denials)
}

func unanswered(calls []*Call) []*Call {
	rest := calls[:0]
	for _, c := range calls {
		if !c.answered {
			rest = append(rest, c)
		}
	}
	clear(calls[len(rest):])
	return rest
}

// open writes the log's first record. Several owners may try: by the append
// rule one of them counts, and the others find it when they read on.
func (m *Machine) open(now time.Time) {
	if now.Before(m.retryAt) || m.naming {
		return
	}
	if m.cfg.NewLog == nil {
		m.naming = true
		m.effects = append(m.effects, NameLog{})
		return
	}
	m.appendOpen(now, m.cfg.NewLog(), 1)
}

// Named takes the id of partition 0's log.
func (m *Machine) Named(now time.Time, r NameResult) {
	m.naming = false
	if m.phase != opening {
		return
	}
	if r.Err != nil {
		m.backOff(now)
		return
	}
	m.appendOpen(now, r.Log, r.Generation)
}

func (m *Machine) appendOpen(now time.Time, log position.LogID, generation uint32) {
	c := command.Command{ID: m.cfg.NewID(), Op: command.LogOpen, Log: log, Generation: generation, Time: command.Now(now)}
	at := position.At{Log: log, Offset: m.state.end}
	m.flight = &flight{base: m.state.end, commands: []command.Command{c}}
	m.phase = flying
	m.effects = append(m.effects, AppendBatch{Base: m.state.end,
		Records: []Record{{Value: command.Encode(&c), At: at.Append(nil)}}})
}

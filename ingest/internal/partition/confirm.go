package partition

// ListResult is the log's end (its high watermark) as of some moment after it
// was asked for.
type ListResult struct {
	End int64
	Err error
}

// confirm asks for the log's end on behalf of all calls that are to be told
// that something does not exist. Without it, an owner that has slept through
// the work of another would deny what was accepted there.
func (m *Machine) confirm() {
	if m.listing {
		return
	}
	for _, c := range m.denials {
		if c.confirmed == unset {
			c.listed, m.listing = true, true
		}
	}
	if m.lane.doubtful {
		m.lane.asked, m.lane.doubtful, m.listing = m.lane.submitted, false, true
	}
	if m.listing {
		m.stats.Confirmations++
		m.effects = append(m.effects, ListEnd{})
	}
}

// Listed takes the log's end. Calls that were waiting when it was asked for
// may be denied once the state reaches it.
func (m *Machine) Listed(r ListResult) {
	m.listing = false
	if m.phase == stopped {
		return
	}
	if m.lane.listed(r); r.Err == nil {
		m.reached(r.End)
	}
	for _, c := range m.denials {
		if !c.listed {
			continue
		}
		c.listed = false
		if r.Err != nil {
			m.refuse(c, errNotWritten)
			continue
		}
		c.confirmed = r.End
	}
	m.denials = unanswered(m.denials)
}

// reached says that the log is known to reach an offset. What the batch on its way
// may have made of it says nothing new.
func (m *Machine) reached(end int64) {
	if m.flight == nil || end > m.flight.base+int64(len(m.flight.commands)) {
		m.behind = max(m.behind, end)
	}
}

// releaseDenials puts the calls whose denial can be decided back into the
// queue: they are judged once more against the state as it is now.
func (m *Machine) releaseDenials() {
	var decided []*Call
	rest := m.denials[:0]
	for _, c := range m.denials {
		if c.confirmed != unset && c.confirmed <= m.state.end {
			decided = append(decided, c)
		} else {
			rest = append(rest, c)
		}
	}
	clear(m.denials[len(rest):])
	m.denials = rest
	m.requeue(decided)
}

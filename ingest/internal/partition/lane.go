package partition

import (
	"fmt"
	"time"

	"chatlog/shared/fault"
)

// Imports bound what imports may take of a partition, so that requests keep their
// latency beside them.
type Imports struct {
	// Records is the most of them in one batch: what a request may have to wait for.
	Records int
	// Ahead is how far the log may be ahead of the view for an import to be
	// appended: whoever waits for the view to have a write waits for all before it.
	Ahead int64
}

// lane is the imports that wait, in the order in which they were submitted, which
// is the order in which they come to count: none is decided before all that are
// ahead of it are, in the log or for good.
type lane struct {
	calls    []*Call
	wants    []*Call   // those whose rows the next load brings
	waiting  int       // without an answer, followers and those on their way included
	retryAt  time.Time // not looked at before
	doubtful *Call     // the first one, if it is to be refused once the log's end is confirmed
	asked    *Call     // the one that this is under way for
	closed   bool      // takes no more
}

// What imports are refused for. The kinds say whether it lies in the record alone.
var (
	errOtherImport = fault.New(fault.Conflict, "id was used for another command")
	errThere       = fault.New(fault.Conflict, "The application is there already")
	// ErrNumber says that a number is not the next one.
	ErrNumber = fault.New(fault.Conflict, "The number is not the next one")
	errMoment = fault.New(fault.Conflict, "created is not when the message was created")
)

func notNext(what string, given, next int64) error {
	return fault.Wrap(fault.Conflict, fmt.Sprintf("%s %d is not the next one, which is %d", what, given, next), ErrNumber)
}

func otherCreated(given, is time.Time) error {
	return fault.Wrap(fault.Conflict, fmt.Sprintf("created is %s, and the message was created at %s",
		given.Format(time.RFC3339Nano), is.UTC().Format(time.RFC3339Nano)), errMoment)
}

// open reports whether there is something to be looked at.
func (l *lane) open(now time.Time) bool { return len(l.calls) > 0 && !now.Before(l.retryAt) }

// hold lets the lane rest until then.
func (l *lane) hold(until time.Time) {
	if len(l.calls) > 0 {
		l.retryAt = until
	}
}

// listed takes the log's end.
func (l *lane) listed(r ListResult) {
	if l.asked != nil && r.Err == nil {
		l.asked.confirmed, l.retryAt = r.End, time.Time{}
	}
	l.asked = nil
}

// putBack puts calls of a batch that does not count before all others.
func (l *lane) putBack(calls []*Call) {
	l.calls = append(append(make([]*Call, 0, len(calls)+len(l.calls)), calls...), l.calls...)
}

// importsAhead reports whether imports wait and have to go on waiting: the view, as
// it was last seen, is too far behind, or the overlay is half full.
func (m *Machine) importsAhead() bool {
	return len(m.lane.calls) > 0 &&
		(m.state.end-m.state.progress > m.cfg.Imports.Ahead || m.state.size() >= m.cfg.Limits.Unsunk/2)
}

// planImports decides the first imports, as many as have room in the batch.
func (m *Machine) planImports(now time.Time) {
	l := &m.lane
	if !l.open(now) {
		return
	}
	l.doubtful, l.wants = nil, nil
	if m.importsAhead() {
		return
	}
	d, done := &m.draft, 0
	limit, confirmed := m.share(), false
	for done < len(l.calls) && m.decideImport(now, l.calls[done], limit, &confirmed) {
		done++
	}
	rest := copy(l.calls, l.calls[done:])
	clear(l.calls[rest:])
	l.calls = l.calls[:rest]
	if !m.loading {
		l.want(d)
	}
}

// want finds out what the next load has to bring: what the first calls need, so that
// a million imports do not cost a million loads.
func (l *lane) want(d *draft) {
	rows := 0
	for _, c := range l.calls {
		if rows >= maxLoad {
			break
		}
		if c.needs = d.needs(c); c.needs.Len() > 0 {
			rows += c.needs.Len()
			l.wants = append(l.wants, c)
		}
	}
	if len(l.wants) > 0 {
		// What is known of the first one was used last now: were it dropped while the
		// rest is loaded, and the rest while it is loaded again, this would never end.
		d.needs(l.calls[0])
	}
}

// share is what a batch may grow to by imports.
func (m *Machine) share() batchLimit {
	limit, d := m.limit, &m.draft
	limit.records = min(limit.records, len(d.records)+m.cfg.Imports.Records)
	limit.bytes = min(limit.bytes, d.bytes+m.limit.bytes*m.cfg.Imports.Records/max(m.cfg.BatchRecords, 1))
	return limit
}

// decideImport decides the lane's first call if it can be decided now. A refusal
// rests on what is in the log, all of it: not on a batch that may not come to
// count, nor on a state that others have left behind.
func (m *Machine) decideImport(now time.Time, c *Call, limit batchLimit, confirmed *bool) bool {
	if c.answered { // it was found in the log
		return true
	}
	d := &m.draft
	v := d.judge(c)
	switch v.outcome {
	case include:
		return d.add(c, v.command, limit)
	case answer:
		c.again = true
		m.answer(c, v.reply, nil)
		return true
	case deny, refuse:
		if len(d.records) > 0 {
			return false
		}
		*confirmed = *confirmed || c.confirmed != unset && c.confirmed <= m.state.end
		if !*confirmed {
			m.lane.doubtful = c
			m.lane.hold(now.Add(m.cfg.RetryMin)) // or a log that cannot be reached would be asked without a pause
			return false
		}
		if v.err == errDamaged { // it may be repaired, and is looked up again
			m.state.messages.forget(c.message())
			m.lane.hold(now.Add(m.cfg.RetryMax))
			return false
		}
		m.answer(c, Reply{}, v.err)
		return true
	}
	return false
}

// dropImports answers every import that is not on its way.
func (m *Machine) dropImports(err error) {
	for _, c := range m.lane.calls {
		m.refuse(c, err)
	}
	m.lane.calls, m.lane.wants = nil, nil
}

// CloseImports ends the taking of imports: those that wait are answered with a
// refusal, and will be submitted again, here or elsewhere.
func (m *Machine) CloseImports() {
	m.lane.closed = true
	m.dropImports(ErrClosing)
}

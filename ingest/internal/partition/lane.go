package partition

import (
	"fmt"
	"slices"
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
	// Rate is the most of them in a second; 0: as fast as they can be appended.
	Rate int
}

// lane is the imports that wait, in the order in which they were submitted, which
// is the order in which they come to count: none is decided before all that are
// ahead of it are, in the log or for good.
type lane struct {
	calls   []*Call
	wants   []*Call   // those whose rows the next load brings
	waiting int       // without an answer, followers and those on their way included
	retryAt time.Time // not looked at before
	paced   time.Time // nor before this, by their rate
	alone   bool      // the first one is too large for what imports may take of a batch
	closed  bool      // takes no more

	submitted int64 // how many there were so far
	dropped   int64 // none up to this one is tried again
	doubtful  bool  // the first one is to be refused once the log's end is confirmed
	asked     int64 // the last one that the confirmation under way is for; 0: none is under way
	confirmed int64 // the last one that the last confirmation was for
	end       int64 // the log's end, as it was confirmed
}

// doubtPatience is how long a refusal waits for a batch that may yet come to count
// with what is refused: no broker and no connection holds a request for longer.
const doubtPatience = 30 * time.Second

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
func (l *lane) open(now time.Time) bool {
	return len(l.calls) > 0 && !now.Before(l.retryAt) && !now.Before(l.paced)
}

// hold lets the lane rest until then.
func (l *lane) hold(until time.Time) {
	if len(l.calls) > 0 {
		l.retryAt = until
	}
}

// listed takes the log's end.
func (l *lane) listed(r ListResult) {
	if l.asked != 0 && r.Err == nil {
		l.confirmed, l.end, l.retryAt = l.asked, r.End, time.Time{}
	}
	l.asked = 0
}

// covers reports whether the log was looked at since a call was submitted, and a
// state that ends there has all that there was.
func (l *lane) covers(c *Call, end int64) bool { return c.submitted <= l.confirmed && l.end <= end }

// putBack puts imports of a batch that does not count before all others, to be tried
// again before their rate would have it: after a pause they would rest on an end of the
// log that another owner has gone past meanwhile, and two of them that bring in the
// same history could take turns at that for ever. Those that were dropped meanwhile, or
// all once no more are taken, are refused instead: a log that cannot be reached would
// hold up the end for as long as it can be held up.
func (m *Machine) putBack(calls []*Call) {
	kept := make([]*Call, 0, len(calls)+len(m.lane.calls))
	for _, c := range calls {
		if m.lane.closed || !m.lane.wanted(c) {
			m.refuse(c, ErrClosing)
		} else {
			kept = append(kept, c)
		}
	}
	m.lane.calls = append(kept, m.lane.calls...)
	m.lane.paced = time.Time{}
}

// wanted reports whether somebody waits for a call: who has submitted the same one
// since it was dropped has submitted what comes after it, too.
func (l *lane) wanted(c *Call) bool {
	return c.submitted > l.dropped || slices.ContainsFunc(c.followers, func(f *Call) bool { return f.submitted > l.dropped })
}

// importsAhead reports whether imports wait and have to go on waiting: the view, as
// it was last seen, is too far behind, or half of what the overlay has room for beside
// what it keeps is taken.
func (m *Machine) importsAhead() bool {
	return len(m.lane.calls) > 0 &&
		(m.state.end-m.state.progress > m.cfg.Imports.Ahead || m.state.size() >= (m.cfg.Limits.kept()+m.cfg.Limits.Unsunk)/2)
}

// beginImports looks at the first imports before anything else is planned: a refusal
// rests on what is in the log, all of it, and not on a batch that may not come to
// count. It reports whether the batch is for the first one alone.
func (m *Machine) beginImports(now time.Time) (alone bool) {
	l := &m.lane
	if !l.open(now) {
		return false
	}
	l.doubtful, l.wants = false, nil
	if m.importsAhead() {
		return false
	}
	done := 0
	for done < len(l.calls) && (l.calls[done].answered || m.dismiss(now, l.calls[done])) { // answered: it was found in the log
		done++
	}
	l.shift(done)
	alone = l.alone && done == 0 && l.open(now)
	if l.alone = false; alone {
		c := l.calls[0]
		v := m.draft.judge(c)
		alone = v.outcome == include && m.draft.add(c, v.command, m.limit)
	}
	if alone {
		l.shift(1)
	}
	return alone
}

// shift forgets the first calls.
func (l *lane) shift(count int) {
	rest := copy(l.calls, l.calls[count:])
	clear(l.calls[rest:])
	l.calls = l.calls[:rest]
}

// dismiss answers a call for which nothing is to be appended, as the log tells it: it
// is there already, or it is refused. It reports false for all others.
func (m *Machine) dismiss(now time.Time, c *Call) bool {
	switch v := m.draft.judge(c); v.outcome {
	case answer:
		c.again = true
		m.answer(c, v.reply, nil)
		return true
	case deny, refuse:
		switch {
		case !m.lane.covers(c, m.state.end):
			m.lane.doubtful = true
			m.lane.hold(now.Add(m.cfg.RetryMin)) // or a log that cannot be reached would be asked without a pause
			return false
		case v.err == errDamaged: // it may be repaired, and is looked up again
			m.state.messages.forget(c.message())
			m.lane.hold(now.Add(m.cfg.RetryMax))
			return false
		case m.mayCount(now, c):
			m.lane.confirmed = 0 // the log is looked at anew before the next time
			m.lane.hold(now.Add(m.cfg.RetryMax))
			return false
		}
		m.answer(c, Reply{}, v.err)
		return true
	}
	return false
}

// mayCount reports whether a batch that a call was in may yet come late and count: a
// dead letter would say then that the log lacks what it has. Such a batch lands soon or
// never; and where nothing else is appended, only time can tell.
func (m *Machine) mayCount(now time.Time, c *Call) bool {
	if c.doubt == unset || c.doubt < m.state.end {
		return false
	}
	if c.refusedAt.IsZero() {
		c.refusedAt = now
	}
	return now.Sub(c.refusedAt) < doubtPatience
}

// planImports puts the first imports into the batch, as many as have room in it.
func (m *Machine) planImports(now time.Time) {
	l := &m.lane
	if !l.open(now) || m.importsAhead() {
		return
	}
	d, done := &m.draft, 0
	for limit := m.share(); done < len(l.calls) && m.planImport(l.calls[done], limit, done == 0); {
		done++
	}
	l.shift(done)
	if rate := m.cfg.Imports.Rate; rate > 0 {
		l.paced = now.Add(time.Duration(done) * time.Second / time.Duration(rate))
	}
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
	limit.bytes = min(limit.bytes, d.bytes+m.shareBytes())
	return limit
}

func (m *Machine) shareBytes() int {
	return m.limit.bytes * m.cfg.Imports.Records / max(m.cfg.BatchRecords, 1)
}

// planImport puts a call into the batch if nothing stands against that. The first one
// gets a batch of its own if its share is free, and too small for it.
func (m *Machine) planImport(c *Call, limit batchLimit, first bool) bool {
	if c.answered {
		return true
	}
	d := &m.draft
	v := d.judge(c)
	switch v.outcome {
	case include:
		if d.add(c, v.command, limit) {
			return true
		}
		m.lane.alone = first && len(d.records) < limit.records && limit.bytes-d.bytes >= m.shareBytes()
		return false
	case answer:
		c.again = true
		m.answer(c, v.reply, nil)
		return true
	}
	return false // if it is to be refused, that is for the next batch to say, before it has anything else
}

// dropImports answers every import that is not on its way.
func (m *Machine) dropImports(err error) {
	for _, c := range m.lane.calls {
		m.refuse(c, err)
	}
	m.lane.calls, m.lane.wants = nil, nil
}

// DropImports refuses the imports that were submitted so far, and tries none of them
// again that is on its way: who brought them has lost the partition's lease, and whoever
// has it now brings the same ones in. It takes others.
func (m *Machine) DropImports() {
	m.lane.dropped = m.lane.submitted
	m.dropImports(ErrClosing)
}

// CloseImports ends the taking of imports: those that wait are answered with a
// refusal, and will be submitted again, here or elsewhere.
func (m *Machine) CloseImports() {
	m.lane.closed = true
	m.dropImports(ErrClosing)
}

package partition

import (
	"fmt"
	"time"

	"chatlog/shared/command"
	"chatlog/shared/position"
)

// Read takes a page of the log.
func (m *Machine) Read(now time.Time, r ReadResult) {
	m.reading = false
	if m.phase != reading {
		return
	}
	switch {
	case r.OutOfRange:
		m.short(now, r.LogStart)
		return
	case r.Err != nil:
		m.backOff(now)
		return
	case r.LogStart > 0:
		m.stop(fmt.Errorf("partition %d: the log does not start at its beginning but at offset %d: "+
			"its retention must be unlimited", m.cfg.Partition, r.LogStart))
		return
	}
	for i := range r.Records {
		if !m.take(&r.Records[i]) {
			return
		}
	}
	m.from = max(m.from, r.Next)
	m.state.end = max(m.state.end, m.from)
	if m.state.size() > m.cfg.Limits.Unsunk {
		if m.evict(); m.state.size() > m.cfg.Limits.Unsunk {
			m.overflow(now)
			return
		}
	}
	if m.from < r.HighWatermark {
		// What was in doubt lies in the first page, if anywhere.
		if m.resumed && r.HighWatermark-m.from > m.cfg.FarBehind {
			m.restart()
		}
		return
	}
	m.caughtUp(now, r.HighWatermark)
}

// take judges one record and applies it if it counts. It reports false when
// the machine has stopped.
func (m *Machine) take(r *command.Record) bool {
	if r.Offset < m.state.end {
		return r.Offset != m.check.offset || m.verify(r)
	}
	if m.check.offset != unset {
		return m.cut()
	}
	reading := command.Read(m.state.log, r)
	m.stats.Verdicts[reading.Verdict]++
	switch reading.Verdict {
	case command.Counts:
		m.state.apply(r.Offset, &reading.Command)
		m.settle(r.Offset, &reading.Command)
	case command.Foreign:
		if m.anotherLog(r) {
			m.stop(fmt.Errorf("partition %d: at offset %d another log goes on: the topic was made anew under a running owner; "+
				"give the right topic back, or empty the views, and restart", m.cfg.Partition, r.Offset))
			return false
		}
	case command.Newer:
		m.stop(fmt.Errorf("partition %d: the record at offset %d needs a newer version of chatlog", m.cfg.Partition, r.Offset))
		return false
	}
	m.state.end = r.Offset + 1
	return true
}

// anotherLog reports whether a record that an owner met on its way on counts for
// another log: then the owner's log is gone, and what it appends counts for
// nobody. It may stand between records of the owner's own, if somebody puts it
// there; so a start does not mind it and compares with the view.
func (m *Machine) anotherLog(r *command.Record) bool {
	header, _ := r.At()
	at, err := position.ParseAt(header)
	log := m.state.log
	if err != nil || log.ID == "" || !m.resumed {
		return false
	}
	log.ID = at.Log
	return command.Read(log, r).Verdict == command.Counts
}

// settle answers the call whose command was found in the log.
func (m *Machine) settle(offset int64, c *command.Command) {
	call := m.calls[c.ID]
	if call != nil && call.Request.Op == c.Op && call.Request.Fingerprint == c.Fingerprint {
		m.answer(call, Reply{Chat: c.Chat, Number: c.Number, Offset: offset}, nil)
	}
}

// verify compares the record that the view's progress rests on with the log.
func (m *Machine) verify(r *command.Record) bool {
	log := m.state.log
	if m.check.id != "" && log.ID == m.check.log {
		reading := command.Read(log, r)
		found := reading.Verdict == command.Counts && reading.Command.ID == m.check.id
		if !found && reading.Verdict == command.Invalid { // log.open lies in an open log
			c, err := command.Decode(r.Value)
			found = err == nil && c.ID == m.check.id
		}
		if found {
			m.check.offset = unset
			return true
		}
	}
	return m.cut()
}

func (m *Machine) cut() bool {
	m.stop(fmt.Errorf("partition %d: the log is not the one that the view was built from: at offset %d it does not hold "+
		"command %s of log %s; give the right topic back, or empty the views and restart",
		m.cfg.Partition, m.check.offset, m.check.id, m.check.log))
	return false
}

// caughtUp ends the reading at the log's end.
func (m *Machine) caughtUp(now time.Time, end int64) {
	if m.check.offset != unset || m.check.next > end || m.behind > end {
		m.short(now, 0)
		return
	}
	m.shortSince = time.Time{}
	for id, at := range m.doubts {
		if at < m.state.end {
			delete(m.doubts, id) // it was read
		}
	}
	m.phase = ready
	if m.state.log.ID == "" {
		m.phase = opening
	}
	m.queue = unanswered(m.queue)
}

// short deals with a log that ends before it should. A new leader may need a
// moment; a log that was cut stays short.
func (m *Machine) short(now time.Time, start int64) {
	if m.shortSince.IsZero() {
		m.shortSince = now
	}
	if now.Sub(m.shortSince) < m.cfg.CutPatience {
		m.backOff(now)
		return
	}
	if start > m.from {
		m.stop(fmt.Errorf("partition %d: the log does not start at its beginning but at offset %d: "+
			"its retention must be unlimited", m.cfg.Partition, start))
		return
	}
	m.stop(fmt.Errorf("partition %d: the log ends before offset %d, which a view or an owner has seen: "+
		"the topic was cut or made anew; give the right topic back, or empty the views and restart",
		m.cfg.Partition, max(m.from, m.check.next, m.behind)))
}

// overflow gives the overlay up: the view is too far behind for it. The
// machine starts over when the view has come further.
func (m *Machine) overflow(now time.Time) {
	m.answerAll(errBehind)
	m.restart()
	m.backOff(now)
}

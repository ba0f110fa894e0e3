package partition

import (
	"time"

	"chatlog/shared/command"
	"chatlog/shared/fault"
	"chatlog/shared/position"
)

// Config is what a Machine needs to know. All bounds are per partition.
type Config struct {
	Partition    int32
	PartitionOf  func(key []byte) int32
	Limits       Limits
	BatchRecords int // most records in one batch
	BatchBytes   int // most encoded bytes in one batch
	Queue        int // most calls that wait, imports left out; more are refused
	Imports      Imports
	RetryMin     time.Duration // first back-off after a failure; doubles
	RetryMax     time.Duration // longest back-off
	// ProgressEvery is how often the view's progress is looked at while the
	// overlay is over its limits.
	ProgressEvery time.Duration
	// CutPatience is how long a log that seems shorter than it was may take to
	// be whole again (a new leader's high watermark may lag for a moment,
	// KIP-207) before the partition stops.
	CutPatience time.Duration
	// FarBehind is how many records others may have appended before the state
	// is taken from the view again instead of from the log: an owner that had
	// nothing to do for hours has all of them to read otherwise.
	FarBehind int64
	Jitter    func() float64 // in [0,1)
	NewID     func() string  // command ids for log.open
	// NewLog draws the log's id. It is set for partition 0 only; the other
	// partitions take over partition 0's.
	NewLog func() position.LogID
}

// phase is where a Machine is.
type phase uint8

const (
	starting phase = iota // has no state: needs the view's progress
	reading               // reads the log on to its end
	opening               // the log is empty: needs its first record
	ready                 // knows the log's end and may append
	flying                // one batch is on its way
	stopped               // must not go on; an operator has to look
)

var phaseNames = [...]string{"starting", "reading", "opening", "ready", "ready", "stopped"}

// Stats count what a Machine did since it was made.
type Stats struct {
	Batches, Records, Conflicts, Failures, Oversized, Recoveries uint64
	Loads, Confirmations, Rebuilds, Evicted                      uint64
	Verdicts                                                     [8]uint64 // by command.Verdict, of records read
}

// Machine is the owner of one partition without any I/O: events go in, effects
// come out. It is not safe for concurrent use. Time comes with every event, so
// the same events always give the same effects.
//
// It is safe to have any number of machines for one partition, on any number
// of hosts: a batch counts only if nothing was appended since the state that
// it was computed from.
type Machine struct {
	cfg     Config
	phase   phase
	failure error // why it stopped
	state   state
	stats   Stats
	effects []Effect

	queue   []*Call          // in the order in which they are judged
	lane    lane             // imports, which never leave their order
	parked  []*Call          // wait for rows
	denials []*Call          // wait for the confirmation of a 404
	calls   map[string]*Call // every unanswered call by command id
	doubts  map[string]int64 // where keyed commands may yet come to lie, by id, outliving their calls
	resumed bool             // the reading goes on from a state that was whole once
	waiting int              // number of unanswered calls, followers included

	flight    *flight
	draft     draft
	limit     batchLimit
	reading   bool // effects under way
	loading   bool
	listing   bool
	naming    bool
	loads     []*Call // the calls that the load under way is for
	loadFloor int64   // the watermark when that load began

	from        int64     // the next offset to read
	check       check     // what the log must hold for the view's progress to be of this log
	behind      int64     // the log is known to reach at least this far
	shortSince  time.Time // since when the log seems too short
	rebuild     bool      // the view was set back: the overlay must start over
	retryAt     time.Time // back-off
	attempts    int
	askedAt     time.Time // when the view's progress was last asked for
	lastExpired time.Time
}

// flight is the one batch that is on its way.
type flight struct {
	base     int64
	commands []command.Command
	calls    []*Call
}

// New makes a machine; nothing happens before the first Advance.
func New(cfg Config) *Machine {
	return &Machine{cfg: cfg, calls: map[string]*Call{}, doubts: map[string]int64{},
		limit: batchLimit{records: cfg.BatchRecords, bytes: cfg.BatchBytes}}
}

var (
	errBusy       = fault.New(fault.Transient, "Too many requests are waiting, try again later")
	errBehind     = fault.New(fault.Transient, "Views are too far behind, try again later")
	errCold       = fault.New(fault.Transient, "Temporarily unavailable, nothing was written")
	errNotWritten = fault.New(fault.Transient, "Temporarily unavailable, nothing was written")
	errUnknown    = fault.New(fault.Transient, "The outcome is unknown: repeat the request with the same Idempotency-Key to learn it")
	errTooLarge   = fault.New(fault.TooLarge, "Request is too large")
	errStopped    = fault.New(fault.Transient, "This application's partition is stopped")
)

// ErrClosing refuses a request because the owner is shutting down: nothing was
// written, and another instance can take it.
var ErrClosing = fault.New(fault.Transient, "Shutting down, nothing was written")

// Submit takes a call. It is answered later, through its Done, or at once when
// it cannot wait.
func (m *Machine) Submit(c *Call) {
	c.confirmed, c.doubt = unset, m.doubtOf(c.Request.ID)
	if m.phase == stopped {
		c.Done(Reply{}, errStopped)
		return
	}
	if !c.Request.Import && m.waiting-m.lane.waiting >= m.cfg.Queue {
		c.Done(Reply{}, errBusy)
		return
	}
	if c.Request.Import {
		if m.lane.closed {
			c.Done(Reply{}, ErrClosing)
			return
		}
		m.lane.waiting++
		m.lane.submitted++
		c.submitted = m.lane.submitted
	}
	m.waiting++
	first := m.calls[c.Request.ID]
	if first == nil {
		m.calls[c.Request.ID] = c
	} else if first.Request.Fingerprint == c.Request.Fingerprint && first.Request.Op == c.Request.Op && first.Request.Find == c.Request.Find {
		first.followers = append(first.followers, c)
		return
	}
	if c.Request.Import {
		m.lane.calls = append(m.lane.calls, c)
		return
	}
	m.queue = append(m.queue, c)
}

// doubtOf gives where a command of that id may lie, or come to lie, because of a
// call that came before.
func (m *Machine) doubtOf(id string) int64 {
	at, doubted := m.doubts[id]
	if !doubted {
		at = unset
	}
	if m.flight != nil {
		for i, c := range m.flight.calls {
			if c.Request.ID == id {
				at = max(at, m.flight.base+int64(i)) // a try before this one may land farther on
			}
		}
	}
	return at
}

// answer gives a call its outcome, and its followers the same.
func (m *Machine) answer(c *Call, reply Reply, err error) {
	if c.answered {
		return
	}
	c.answered = true
	m.waiting--
	if c.Request.Import {
		m.lane.waiting--
	}
	if m.calls[c.Request.ID] == c {
		delete(m.calls, c.Request.ID)
	}
	if err == nil {
		delete(m.doubts, c.Request.ID)
	}
	c.Done(reply, err)
	for _, f := range c.followers {
		f.again = true
		m.answer(f, reply, err)
	}
}

// Waiting is the number of calls without an answer.
func (m *Machine) Waiting() int { return m.waiting }

// Stats gives the counts so far.
func (m *Machine) Stats() Stats { return m.stats }

// End is the log's end as the machine knows it, and Size the number of entries
// that its overlay holds.
func (m *Machine) End() int64 { return m.state.end }

// Size is the number of entries that the overlay holds.
func (m *Machine) Size() int { return m.state.size() }

// Phase names where the machine is, and why it stopped if it did.
func (m *Machine) Phase() (string, error) { return phaseNames[m.phase], m.failure }

// Log is the log's identity, empty until it is known.
func (m *Machine) Log() (position.LogID, uint32) { return m.state.log.ID, m.state.log.Generation }

// Effects gives what has to be carried out, once.
func (m *Machine) Effects() []Effect {
	out := m.effects
	m.effects = nil
	return out
}

// stop ends all appending to the partition for good. Going on would risk
// numbers that lie; an operator has to decide.
func (m *Machine) stop(err error) {
	m.phase, m.failure = stopped, err
	m.answerAll(errStopped)
	m.dropImports(errStopped)
}

// Abandon answers what is in flight: nobody will hear its result any more.
func (m *Machine) Abandon() {
	if m.flight != nil {
		for _, c := range m.flight.calls {
			m.answer(c, Reply{}, errUnknown)
		}
	}
}

// Close answers every call that is not in flight with a refusal; what is in
// flight is still answered by its result, or by Abandon.
func (m *Machine) Close() {
	m.CloseImports()
	m.gather()
	for _, c := range m.queue {
		m.refuse(c, ErrClosing)
	}
	m.queue = nil
}

// answerAll refuses every call there is. What is in flight may come to count all
// the same.
func (m *Machine) answerAll(err error) {
	m.gather()
	m.Abandon()
	for _, c := range m.queue {
		m.refuse(c, err)
	}
	m.queue = nil
}

// gather puts every call that waits for something back into the queue.
func (m *Machine) gather() {
	waiting := make([]*Call, 0, len(m.loads)+len(m.parked)+len(m.denials)+len(m.queue))
	waiting = append(append(append(waiting, m.loads...), m.parked...), m.denials...)
	m.queue = append(waiting, m.queue...)
	m.loads, m.parked, m.denials = nil, nil, nil
}

// refuse answers a call with err, or says that its outcome is unknown when a
// batch with it may still come to count. It cannot once the log was read past
// the very offset for which it was written (the batch's base is not enough: a
// page of the log may end within a batch).
func (m *Machine) refuse(c *Call, err error) {
	if c.doubt != unset && c.doubt >= m.state.end {
		err = errUnknown
	}
	m.answer(c, Reply{}, err)
}

// backOff puts the next try off, longer each time, and at random so that two
// owners do not keep step.
func (m *Machine) backOff(now time.Time) {
	wait := min(m.cfg.RetryMin<<min(m.attempts, 16), m.cfg.RetryMax)
	m.attempts++
	m.retryAt = now.Add(time.Duration((0.5 + m.cfg.Jitter()/2) * float64(wait)))
}

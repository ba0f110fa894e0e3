package command

import (
	"errors"

	"chatlog/shared/position"
)

// HeaderAt is the record header that says where the record was written for.
const HeaderAt = "at"

// HeaderTrace names the span that a write was appended in (W3C Trace Context), if
// it was sampled. It has no part in whether a record counts or what it says: sinks
// go on with the trace, and take one that is malformed for none.
const HeaderTrace = "traceparent"

// Header is one header of a record.
type Header struct {
	Key   string
	Value []byte
}

// Record is one record as it lies in a partition of the log.
type Record struct {
	Partition int32
	Offset    int64
	Key       []byte
	Value     []byte
	Headers   []Header
	Control   bool // a transaction marker: takes an offset, says nothing
}

// At gives the record's `at` header. More than one is none: a writer of ours
// never does that.
func (r *Record) At() (value []byte, present bool) {
	for i := range r.Headers {
		if r.Headers[i].Key == HeaderAt {
			if present {
				return nil, false
			}
			value, present = r.Headers[i].Value, true
		}
	}
	return value, present
}

// Trace gives the record's `traceparent` header; empty if there is none, or more
// than one.
func (r *Record) Trace() (traceparent string) {
	for i := range r.Headers {
		if r.Headers[i].Key == HeaderTrace {
			if traceparent != "" {
				return ""
			}
			traceparent = string(r.Headers[i].Value)
		}
	}
	return traceparent
}

// Verdict says what a record is.
type Verdict uint8

// The verdicts. Only a record that Counts changes anything. Unmarked and
// Foreign are told to somebody by one view (dead letters); Misplaced and
// Control are ordinary and only counted in a metric.
const (
	Counts    Verdict = iota + 1
	Misplaced         // lies elsewhere than it was written for
	Unmarked          // has no well-formed `at`: not written by ingest
	Foreign           // was written for another log
	Control           // a transaction marker
	Newer             // lies where it should, but only a newer program can read it
	Invalid           // lies where it should and yet cannot be taken
)

var verdictNames = [...]string{"", "counts", "misplaced", "unmarked", "foreign", "control", "newer", "invalid"}

// String gives the verdict's name as metrics and dead letters show it.
func (v Verdict) String() string {
	if int(v) < len(verdictNames) {
		return verdictNames[v]
	}
	return "unknown"
}

// Log is what a reader knows of one partition's log. ID is empty until the
// partition's log.open was read.
type Log struct {
	ID          position.LogID
	Generation  uint32
	Partition   int32
	PartitionOf func(key []byte) int32 // where a key belongs; nil is not allowed
}

// Reading is the verdict on one record and, when it counts, its command.
type Reading struct {
	Verdict Verdict
	Command Command
	Reason  string // why it does not count; for people
}

// Read says what a record is. It is the append rule's reading side, and every
// reader (owner, sinks, audit) uses it: were two readers to differ on a single
// record, views and numbers would part for ever. It is pure; the caller adopts
// Log and Generation of the log.open that it counts.
func Read(log Log, r *Record) Reading {
	if r.Control {
		return Reading{Verdict: Control, Reason: "transaction marker"}
	}
	header, present := r.At()
	if !present {
		return Reading{Verdict: Unmarked, Reason: "no at header"}
	}
	at, err := position.ParseAt(header)
	if err != nil {
		return Reading{Verdict: Unmarked, Reason: "at header is not <log>:<offset>"}
	}
	if log.ID == "" {
		return readFirst(at, r)
	}
	if at.Log != log.ID {
		return readForeign(r)
	}
	if at.Offset != r.Offset {
		return Reading{Verdict: Misplaced, Reason: "lies at another offset than it was written for"}
	}
	c, err := Decode(r.Value)
	switch {
	case errors.Is(err, ErrNewer):
		return Reading{Verdict: Newer, Reason: err.Error()}
	case log.PartitionOf(r.Key) != log.Partition && (err != nil || c.Op != LogOpen):
		return Reading{Verdict: Misplaced, Reason: "its key belongs to another partition"}
	case err != nil:
		return Reading{Verdict: Invalid, Reason: err.Error()}
	case c.Op == LogOpen:
		return Reading{Verdict: Invalid, Reason: "the log is open already"}
	case c.Application != string(r.Key):
		return Reading{Verdict: Invalid, Reason: "application and key differ"}
	}
	return Reading{Verdict: Counts, Command: c}
}

// readFirst judges a record of a partition whose log is not open yet: only a
// log.open that lies where it was written for can count.
func readFirst(at position.At, r *Record) Reading {
	c, err := Decode(r.Value)
	if errors.Is(err, ErrNewer) && at.Offset == r.Offset {
		return Reading{Verdict: Newer, Reason: err.Error()}
	}
	if err != nil || c.Op != LogOpen || c.Log != at.Log {
		return Reading{Verdict: Foreign, Reason: "written before this log was opened"}
	}
	if at.Offset != r.Offset {
		return Reading{Verdict: Misplaced, Reason: "lies at another offset than it was written for"}
	}
	return Reading{Verdict: Counts, Command: c}
}

// readForeign tells the lost race of two first starts, which is ordinary, from
// the record of another log, which somebody has to know of.
func readForeign(r *Record) Reading {
	if c, err := Decode(r.Value); err == nil && c.Op == LogOpen {
		return Reading{Verdict: Misplaced, Reason: "a second log.open"}
	}
	return Reading{Verdict: Foreign, Reason: "written for another log"}
}

// Package partition is the owner of one partition of the log: it numbers
// commands and appends them by the append rule. The Machine decides and does
// no I/O; the Owner around it carries out what the Machine asks for.
package partition

import (
	"math"
	"time"

	"chatlog/shared/command"
	"chatlog/shared/view"
)

// Request is what a client asks for, before it has a number.
type Request struct {
	ID          string // command id; the same id is the same request
	Op          command.Op
	Application string
	Chat        int64
	Number      int64 // of the message to update or delete
	Username    string
	Message     string
	Keyed       bool
	Fingerprint string
	Trace       string // the span that the record belongs to (W3C traceparent), for its header; empty: none
	Find        bool   // only answer a keyed request that was made before; else it is not found

	// Import says that it comes from another system's history: it is keyed, its
	// place is behind all imports that were submitted before it, Chat of a
	// chat.create and Number of a message.create are the number that it must get
	// (0: any), and it is not given up while its Machine goes on.
	Import  bool
	Time    time.Time // that the import carries; zero: now
	Created time.Time // that the message must have been created at; zero: any
}

// Reply is where a request ended up. Offset is the position that a reader has
// to reach to see the write.
type Reply struct {
	Chat   int64
	Number int64
	Offset int64
}

// Call is one request on its way through a partition. Done is called exactly
// once, never while the Machine is being used by it.
type Call struct {
	Request  Request
	Deadline time.Time // past it, the request is no longer submitted
	Done     func(Reply, error)

	answered  bool
	listed    bool    // a confirmation that covers this call is under way
	confirmed int64   // the log's end when its 404 was checked; unset before
	doubt     int64   // where it may yet turn out to lie; unset if nowhere
	needs     Keys    // rows that it waits for
	followers []*Call // the same command again: they share its outcome
	again     bool    // it was answered from what was written before

	submitted int64     // an import's place among those of its Machine, from 1 on
	refusedAt time.Time // when an import was to be refused, and might yet come to count
}

// expired reports whether the call is to be given up.
func (c *Call) expired(now time.Time) bool { return !c.Request.Import && now.After(c.Deadline) }

// unset is no offset; unread is where a command is in doubt until its key is
// found, because the log is not going to be read there.
const (
	unset  int64 = -1
	unread int64 = math.MaxInt64
)

func (c *Call) chat() view.ChatKey {
	return view.ChatKey{Application: c.Request.Application, Number: c.Request.Chat}
}

func (c *Call) message() view.MessageKey {
	return view.MessageKey{Application: c.Request.Application, Chat: c.Request.Chat, Number: c.Request.Number}
}

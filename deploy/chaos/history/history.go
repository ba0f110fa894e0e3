// Package history is what clients saw: every call with when it began, when it
// ended, and how. It is the one thing that the load writes and the judge reads.
package history

import (
	"bufio"
	"encoding/json"
	"io"
	"sync"
	"time"
)

// Kind is what a call asked for.
type Kind string

// The kinds of calls.
const (
	CreateApplication Kind = "application.create"
	CreateChat        Kind = "chat.create"
	CreateMessage     Kind = "message.create"
	Update            Kind = "message.update"
	Delete            Kind = "message.delete"
	GetMessage        Kind = "get.message"
	GetChat           Kind = "get.chat"
	Search            Kind = "search"
)

// Write reports whether a call of the kind changes something.
func (k Kind) Write() bool { return k != GetMessage && k != GetChat && k != Search }

// Outcome is how a call ended.
type Outcome string

// The outcomes.
const (
	OK       Outcome = "ok"
	NotFound Outcome = "not found" // 404
	Fail     Outcome = "fail"      // it is certain that nothing was written
	Unknown  Outcome = "unknown"   // it may have been written
)

// Call is one logical call; one with a key may have been tried many times.
type Call struct {
	Client  int
	Kind    Kind
	App     string
	Chat    int64
	Number  int64  `json:",omitempty"` // asked for, or given by a create
	Text    string `json:",omitempty"` // written
	Key     string `json:",omitempty"` // Idempotency-Key
	Repeat  bool   `json:",omitempty"` // a key used again after its call had ended
	Begin   int64  // nanoseconds since the campaign began
	End     int64
	Outcome Outcome
	Got     string `json:",omitempty"` // read
	Count   int64  `json:",omitempty"` // read
	Hits    []Hit  `json:",omitempty"` // found
	Token   string `json:",omitempty"` // given by the reply
	After   string `json:",omitempty"` // token that the read carried
	Tries   []Try  `json:",omitempty"` // that settled nothing
	Detail  string `json:",omitempty"` // of an answer that is neither success nor 404
	Forced  bool   `json:",omitempty"` // brought to an instance past its leases
}

// Hit is one message that a search gave.
type Hit struct {
	App          string
	Chat, Number int64
	Text         string
}

// Try is one request of a call that was answered 503 or not at all.
type Try struct {
	Begin, End int64
	Status     int    // 0: no whole answer
	Body       string `json:",omitempty"`
}

// Import is one record of another system's history, as it was written to the topic of
// imports, and where it lies there.
type Import struct {
	ID       string    `json:"id"`
	Op       Kind      `json:"op"`
	App      string    `json:"application"`
	Username string    `json:"username,omitempty"`
	Chat     int64     `json:"chat,omitempty"`
	Number   int64     `json:"number,omitempty"`
	Text     string    `json:"message,omitempty"`
	Time     time.Time `json:"time"`

	Wrong     bool  `json:"-"` // it can never be imported
	Again     bool  `json:"-"` // it was written before
	Partition int32 `json:"-"`
	Offset    int64 `json:"-"`
}

// Recorder takes calls from many clients.
type Recorder struct {
	began time.Time
	mutex sync.Mutex
	calls []Call
	acks  int64
	out   *bufio.Writer
	err   error
}

// NewRecorder makes a recorder that also writes a JSON line per call.
func NewRecorder(began time.Time, out io.Writer) *Recorder {
	return &Recorder{began: began, out: bufio.NewWriterSize(out, 1<<20)}
}

// Now is the campaign's time.
func (r *Recorder) Now() int64 { return int64(time.Since(r.began)) }

// Add takes an ended call.
func (r *Recorder) Add(c Call) {
	line, err := json.Marshal(c)
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if c.Kind.Write() && c.Outcome == OK {
		r.acks++
	}
	if err == nil {
		_, err = r.out.Write(append(line, '\n'))
	}
	if err != nil && r.err == nil {
		r.err = err
	}
	r.calls = append(r.calls, c)
}

// Acks is the number of writes that were answered with success so far.
func (r *Recorder) Acks() int64 {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	return r.acks
}

// Calls gives all calls, and the error of writing them down.
func (r *Recorder) Calls() ([]Call, error) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if err := r.out.Flush(); err != nil && r.err == nil {
		r.err = err
	}
	return r.calls, r.err
}

// Window is a time in which something was broken on purpose.
type Window struct {
	Fault    string
	Lane     string
	Round    int
	Seed     uint64
	Detail   string // what was chosen by chance
	Begin    int64  // nanoseconds since the campaign began
	Undone   int64  // when the harness had taken the cause away
	Settled  int64  // when everything that the fault may disturb answered again
	Disturbs []Kind // calls that may be answered 503 between Begin and Settled
	Problem  string // why the fault could not be carried out, or did not settle
}

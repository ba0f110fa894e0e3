// Package view holds what all views of the log have in common: how far a view
// has come, the batch that moves it on, and the fold that says what a batch
// changes. It knows no store.
package view

import (
	"errors"
	"time"

	"chatlog/shared/command"
	"chatlog/shared/position"
)

// Progress is how far a view has come in one partition. It is stored with the
// view's data and is the authority (committed group offsets are a courtesy to
// Kafka's tools).
type Progress struct {
	Partition  int32
	Log        position.LogID // empty: nothing that counts was seen yet
	Generation uint32
	Next       int64 // the next offset to fetch; every record before it is in the view
	// The last counting record before Next. It is read again at every start and
	// compared, so that a log which was cut and regrew is noticed. LastOffset is
	// -1 and LastID empty while there is none.
	LastID     string
	LastOffset int64
}

// Entry is one counting command (never log.open) and where it lies.
type Entry struct {
	Offset  int64
	Command command.Command
	Trace   string // the record's traceparent as it is, malformed or not; views make nothing of it
}

// Batch is a run of one partition's log: all offsets from From up to, and not
// including, Next. Entries are those that count, in order; the rest of the run
// was ignored, control or dead-lettered. To is the progress that the view has
// after the batch (To.Next is the batch's end).
type Batch struct {
	From    int64
	To      Progress
	Entries []Entry
	// Skipped are entries that the view can never take. Their numbers were given
	// all the same, and their keys used: a view that numbers are taken from has
	// to count them.
	Skipped []Entry
}

// Rejection is an entry that a view can never take.
type Rejection struct {
	Offset int64
	Reason string // for people; may hold the store's words
}

// Errors that stop a partition's reader or send it back; they are never a
// reason to drop a record.
var (
	// ErrHole says that a batch begins beyond the view's progress. The reader
	// starts again from the view's own progress.
	ErrHole = errors.New("view: batch begins beyond the view's progress")
	// ErrOtherLog says that the view was built from another log. The view has
	// to be rebuilt (or the right log be given back).
	ErrOtherLog = errors.New("view: built from another log")
)

// Application is a row of the applications as a view has it.
type Application struct {
	Token    string
	Username string
	Chats    int64 // the greatest chat number given
	Created  time.Time
	Version  int64
}

// Chat is a chat as a view has it.
type Chat struct {
	Application string
	Number      int64
	Messages    int64 // the greatest message number given
	Created     time.Time
	Version     int64
}

// Message is a message as a view has it. A deleted one is a tombstone: its
// number stays taken, its text is gone.
type Message struct {
	Application string
	Chat        int64
	Number      int64
	Text        string
	Created     time.Time
	Edited      time.Time // zero: never edited
	Deleted     bool
	Version     int64 // position.Version of the last change
}

// KeyedCommand is what is kept of a keyed command so that its retry gets the
// same reply for ever.
type KeyedCommand struct {
	ID          string
	Application string
	Op          command.Op
	Chat        int64
	Number      int64
	Fingerprint string
	Offset      int64
}

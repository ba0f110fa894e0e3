// Package command is the language of the log: what one record says, how it is
// written as JSON, and whether a record counts.
package command

import (
	"time"

	"chatlog/shared/position"
)

// Op is what a command does.
type Op string

// The operations. LogOpen is written once, as the first counting record of a
// partition; all others come from clients.
const (
	LogOpen           Op = "log.open"
	ApplicationCreate Op = "application.create"
	ChatCreate        Op = "chat.create"
	MessageCreate     Op = "message.create"
	MessageUpdate     Op = "message.update"
	MessageDelete     Op = "message.delete"
)

// Version is the newest envelope version that this program writes and reads.
const Version = 1

// Bounds of what a command may carry; the HTTP contract has the same.
const (
	MaxMessageBytes    = 64 << 10
	MaxUsernameRunes   = 255
	MaxApplicationSize = 32
)

// Command is one numbered change. Which fields are set depends on Op:
//
//	log.open            Log, Generation
//	application.create  Application, Username
//	chat.create         Application, Chat
//	message.create      Application, Chat, Number, Message
//	message.update      Application, Chat, Number, Message, Created
//	message.delete      Application, Chat, Number, Created
//
// Times have microseconds, in UTC, so that they survive every store unchanged.
type Command struct {
	ID          string // UUID; the identity under which a retry is recognised
	Op          Op
	Application string
	Chat        int64 // 1..2^63-1
	Number      int64 // of the message, 1..2^63-1
	Username    string
	Message     string // 1 byte to 64 KiB of valid UTF-8, kept byte for byte
	Time        time.Time
	Created     time.Time // when the message that an edit or delete names was created
	Keyed       bool      // the client sent an Idempotency-Key (or it is an import)
	Fingerprint string    // of a keyed command: 64 hex digits, SHA-256 of method, path and body
	Log         position.LogID
	Generation  uint32
}

// Now gives t in the resolution that commands carry.
func Now(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }

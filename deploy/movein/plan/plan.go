// Package plan says what becomes of the rows of the replaced system: which commands
// they are imported as, what does not fit, and what is done about it. It knows no
// database and no Kafka, and holds one row at a time.
package plan

import (
	"time"

	"chatlog/shared/command"
)

// Kind is a table of the replaced system.
type Kind uint8

// The tables, in the order in which the rows of one key come.
const (
	Application Kind = iota
	Chat
	Message
)

// String gives the table's name.
func (k Kind) String() string { return [...]string{"applications", "chats", "messages"}[k] }

// Row is one row of the replaced system. Rows come in the order of Application,
// ChatKey, Kind, NumberKey, ID.
type Row struct {
	Kind        Kind
	ID          int64  // the row's primary key
	Application string // appID, as it stands there
	Chat        string // chatID, as it stands there; empty: of an application
	Number      string // messageID, as it stands there
	ChatKey     uint64 // what the server makes of Chat as a number
	NumberKey   uint64
	Text        *string   // username or message; nil: NULL
	Count       *int64    // chatsCount or messagesCount; nil: NULL
	Created     time.Time // zero: none
}

// Record is one record for the topic of imports.
type Record struct {
	ID          string // derived from the row's keys, so the same in every run
	Op          command.Op
	Application string
	Chat        int64
	Number      int64
	Username    string
	Message     string
	Time        time.Time
}

// Fault is what may be wrong with rows.
type Fault string

// The faults. Each belongs to one of the Choices.
const (
	BadToken             Fault = "token"                    // not 32 or 8 lower-case hex digits
	DuplicateApplication Fault = "duplicate application"    // a second row with the same key
	DuplicateChat        Fault = "duplicate chat"           //
	DuplicateMessage     Fault = "duplicate message"        //
	NoApplication        Fault = "chat without application" //
	NoChat               Fault = "message without chat"     // or without application
	ChatGap              Fault = "gap in chats"             // one finding for each gap
	MessageGap           Fault = "gap in messages"          //
	HugeGap              Fault = "gap too large"            // beyond MaxGap: always stops
	ChatsCount           Fault = "chatsCount"               // neither the number of rows nor the greatest number
	MessagesCount        Fault = "messagesCount"            //
	BadNumber            Fault = "number"                   // not 1 to 2^63-1 in plain digits
	NoUsername           Fault = "username missing"         // NULL or empty
	LongUsername         Fault = "username too long"        // more than 255 characters
	OddUsername          Fault = "username not UTF-8"       //
	NoText               Fault = "text missing"             // NULL or empty
	LongText             Fault = "text too long"            // more than 64 KiB
	OddText              Fault = "text not UTF-8"           //
	NoTime               Fault = "time missing"             // no created_at, or none that can be
)

// Stop is every choice's default: nothing is guessed, and nothing is written.
const Stop = "stop"

// Choices say what is done about faults.
type Choices struct {
	Tokens     string    // skip the application and all of it · derive another token
	Duplicates string    // take the first or the last row by primary key
	Orphans    string    // adopt: make what is missing · skip them
	Gaps       string    // tombstone: the missing numbers are taken · renumber
	Counts     string    // rows: believe them · fill: numbers up to the count were given
	Numbers    string    // skip the row
	Usernames  string    // mend
	Texts      string    // mend: cut, replace what is no UTF-8; missing ones become tombstones · tombstone
	Time       time.Time // of rows without one; zero: stop
	MaxGap     int64     // most numbers that are filled in one place
}

// Allowed is what each choice may be, by the name of its flag.
var Allowed = map[string][]string{
	"tokens": {Stop, "skip", "derive"}, "duplicates": {Stop, "first", "last"}, "orphans": {Stop, "adopt", "skip"},
	"gaps": {Stop, "tombstone", "renumber"}, "counts": {Stop, "rows", "fill"}, "numbers": {Stop, "skip"},
	"usernames": {Stop, "mend"}, "texts": {Stop, "mend", "tombstone"},
}

// What is put where the replaced system has nothing.
const (
	AdoptedName = "adopted" // of an application that was made for its chats
	NoName      = "unnamed"
	MissingText = "missing in the replaced system" // of a message that is deleted at once
)

// Finding is one thing that does not fit.
type Finding struct {
	Fault  Fault
	Row    Row    // that it was found at; of a count, of its parent
	Detail string // for people
	Choice string // what is done; Stop: nothing may be written
}

// Totals count what is planned.
type Totals struct {
	Applications, Chats, Messages int64 // created
	Tombstones                    int64 // of Messages: deleted at once
	Dropped                       int64 // rows that nothing becomes of
	Records                       int64
	Faults                        map[Fault]int64
	Stops                         int64 // findings whose choice is Stop
}

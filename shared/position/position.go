// Package position names places in the log: where a record was written for,
// how far a view has come, and what a client has to wait for.
package position

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"strconv"
	"strings"
)

// LogID names one log for ever: 16 lower-case hex digits, drawn at random when
// the log is opened. A topic that is made anew gets another one, so offsets of
// the old log can never be taken for offsets of the new.
type LogID string

// idLength is the number of hex digits of a LogID (64 random bits).
const idLength = 16

// NewLogID draws a fresh id from the system's random source.
func NewLogID() LogID {
	var raw [idLength / 2]byte
	rand.Read(raw[:]) // never fails: crypto/rand ends the program instead
	return LogID(hex.EncodeToString(raw[:]))
}

// Valid reports whether the id has the form that NewLogID gives.
func (l LogID) Valid() bool {
	if len(l) != idLength {
		return false
	}
	for i := range len(l) {
		if c := l[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// At is the content of a record's `at` header: the log and the offset for
// which the record was written. A record counts only if it lies exactly there
// (the conditional append that KIP-27 asked for and Kafka never got).
type At struct {
	Log    LogID
	Offset int64
}

var errAt = errors.New("position: not of the form <log>:<offset>")

// ParseAt reads an `at` header. Only the canonical form is taken, so that one
// position has one spelling.
func ParseAt(header []byte) (At, error) {
	if len(header) > idLength+1+19 {
		return At{}, errAt
	}
	log, digits, found := strings.Cut(string(header), ":")
	if !found || !LogID(log).Valid() {
		return At{}, errAt
	}
	offset, err := parseOffset(digits)
	if err != nil {
		return At{}, errAt
	}
	return At{Log: LogID(log), Offset: offset}, nil
}

// String gives the header's text.
func (a At) String() string { return string(a.Append(nil)) }

// Append adds the header's text to dst.
func (a At) Append(dst []byte) []byte {
	dst = append(dst, a.Log...)
	dst = append(dst, ':')
	return strconv.AppendInt(dst, a.Offset, 10)
}

// Token is the position of one acked write. A view has it once the view's
// next offset of that partition is greater than Offset. Clients see it as an
// opaque Consistency-Token.
type Token struct {
	Log       LogID
	Partition int32
	Offset    int64
}

var errToken = errors.New("position: not a consistency token")

// ParseToken reads a token in its canonical spelling.
func ParseToken(text string) (Token, error) {
	if len(text) > idLength+1+10+1+19 {
		return Token{}, errToken
	}
	log, rest, found := strings.Cut(text, "-")
	if !found || !LogID(log).Valid() {
		return Token{}, errToken
	}
	number, digits, found := strings.Cut(rest, "-")
	if !found {
		return Token{}, errToken
	}
	partition, err := parseOffset(number)
	if err != nil || partition > 1<<31-1 {
		return Token{}, errToken
	}
	offset, err := parseOffset(digits)
	if err != nil {
		return Token{}, errToken
	}
	return Token{Log: LogID(log), Partition: int32(partition), Offset: offset}, nil
}

// String gives the token as it is sent to clients.
func (t Token) String() string {
	dst := make([]byte, 0, 48)
	dst = append(dst, t.Log...)
	dst = append(dst, '-')
	dst = strconv.AppendInt(dst, int64(t.Partition), 10)
	dst = append(dst, '-')
	return string(strconv.AppendInt(dst, t.Offset, 10))
}

func parseOffset(digits string) (int64, error) {
	if digits == "" || (digits[0] == '0' && len(digits) > 1) || digits[0] == '+' || digits[0] == '-' {
		return 0, errAt
	}
	return strconv.ParseInt(digits, 10, 64)
}

// offsetBits is how much of a version the offset takes: 2^44 records a
// partition, which at 100,000 records a second last for five years and a half.
const offsetBits = 44

// Version orders all changes of a key across generations of the log: a log
// that was moved to another cluster has the next generation, so its records
// are newer than all of the old log's whatever their offsets are.
func Version(generation uint32, offset int64) int64 {
	return int64(generation)<<offsetBits | offset
}

// MaxOffset is the greatest offset that Version can carry.
const MaxOffset = 1<<offsetBits - 1

// MaxGeneration keeps versions within a signed 64-bit integer, which is what
// MySQL's BIGINT and Elasticsearch's external versions hold.
const MaxGeneration = 1<<(63-offsetBits) - 1

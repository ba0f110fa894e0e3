// Package deadletter is the topic of what could not be taken: records that a view
// has refused or that are not ours, with the reason and their untouched bytes.
// They wait there for an operator: nothing is dropped without being told.
package deadletter

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"chatlog/shared/clock"
	"chatlog/shared/command"
	"chatlog/shared/position"
)

// Rejected is the class of a letter whose record counts, and which the view's store
// can never take. The other classes are verdicts (command.Verdict).
const Rejected = "rejected"

// Imports is the view of letters that ingest writes of what it could not append. It is
// no view of the log: whatever its letters' Log and Class are, their records are not in
// the log, and count for nobody.
const Imports = "imports"

// Refused is a record that could not be taken, and why.
type Refused struct {
	Record command.Record
	Reason string // for people; may hold a store's words
	Class  string // what it is listed and counted under: a verdict, or Rejected
}

// Letter is a dead letter as it lies in the topic, as JSON. Bytes are base64.
type Letter struct {
	View      string   `json:"view"` // that could not take it
	Class     string   `json:"class"`
	Reason    string   `json:"reason"`
	Log       string   `json:"log"` // that was open when it was read; empty: none yet, or the topic is no log
	Topic     string   `json:"topic"`
	Partition int32    `json:"partition"`
	Offset    int64    `json:"offset"`
	Time      string   `json:"time"` // when it was told, RFC 3339 in UTC
	Key       []byte   `json:"key"`
	Value     []byte   `json:"value"`
	Headers   []Header `json:"headers"`
	// Truncated says that the record is too large for a letter: its value and headers
	// are left out, and a key of more than keyKept bytes (every key, in letters of older
	// programs). They stay in the topic at the letter's position. The reason is cut.
	Truncated bool `json:"truncated,omitempty"`
	// Sum is the Digest of a record that was left out: another one may come to lie at
	// its place in a topic that is made anew.
	Sum []byte `json:"sum,omitempty"`
}

// Digest tells records apart. The zero one is that of a record of which only the
// place is known.
type Digest [16]byte

// DigestOf gives the digest of a record's key and value.
func DigestOf(key, value []byte) (d Digest) {
	h := sha256.New()
	h.Write(binary.AppendUvarint(nil, uint64(len(key)))) // never fails, as all writes to it
	h.Write(key)
	h.Write(value)
	copy(d[:], h.Sum(nil))
	return d
}

// Digest gives the digest of the letter's record.
func (l Letter) Digest() (d Digest) {
	if !l.Truncated {
		return DigestOf(l.Key, l.Value)
	}
	copy(d[:], l.Sum) // none in letters of programs that did not know of it
	return d
}

// Header is one header of the record.
type Header struct {
	Key      string `json:"key"`
	KeyBytes []byte `json:"key_bytes,omitempty"` // of a key that is not valid UTF-8, which JSON cannot hold
	Value    []byte `json:"value"`
}

// Name names a letter for ever: the view, the log (or topic, where no log is open)
// whose offsets are meant, partition and offset of the record. It is the key of the
// letter's record.
func (l Letter) Name() string {
	return name(l.View, position.LogID(l.Log), l.Topic, l.Partition, l.Offset)
}

func name(view string, log position.LogID, topic string, partition int32, offset int64) string {
	source := string(log)
	if source == "" {
		source = topic
	}
	return fmt.Sprintf("%s/%s/%d/%d", view, source, partition, offset)
}

// newLetter makes the letter of a record.
func newLetter(cfg Config, log position.LogID, partition int32, r Refused) Letter {
	l := Letter{View: cfg.View, Class: r.Class, Reason: r.Reason, Log: string(log), Topic: cfg.Source, Partition: partition,
		Offset: r.Record.Offset, Time: clock.Now().UTC().Format(time.RFC3339Nano)}
	return l.With(r.Record)
}

// With gives the letter with a record's key, value and headers.
func (l Letter) With(r command.Record) Letter {
	l.Key, l.Value, l.Headers, l.Truncated, l.Sum = r.Key, r.Value, []Header{}, false, nil
	for _, h := range r.Headers {
		header := Header{Key: h.Key, Value: h.Value}
		if !utf8.ValidString(h.Key) {
			header.KeyBytes = []byte(h.Key)
		}
		l.Headers = append(l.Headers, header)
	}
	return l
}

// What stays in a truncated letter, in bytes. A key is mostly an application's token,
// by which its letters are looked for. A reason may quote as much of the record as there
// is: uncut, the letter would be too large again, and would be tried for ever.
const (
	keyKept    = 256
	reasonKept = 4 << 10
)

// truncated gives the letter without what makes it large.
func (l Letter) truncated() Letter {
	digest := l.Digest()
	l.Sum = digest[:]
	l.Value, l.Headers, l.Truncated = nil, []Header{}, true
	if len(l.Key) > keyKept {
		l.Key = nil
	}
	if end := reasonKept; len(l.Reason) > end {
		for end > 0 && !utf8.RuneStart(l.Reason[end]) {
			end--
		}
		l.Reason = l.Reason[:end] + "…"
	}
	return l
}

// decode reads a letter strictly: one of a newer program, or of a stranger, is
// better left alone than half understood.
func decode(key, value []byte) (l Letter, err error) {
	if err := strictly(value, &l); err != nil {
		return l, err
	}
	switch _, bad := time.Parse(time.RFC3339Nano, l.Time); {
	case l.View == "" || strings.Contains(l.View, "/") || l.Class == "" || l.Topic == "":
		return l, errors.New("view, class and topic must be given")
	case len(l.Sum) != 0 && len(l.Sum) != len(Digest{}):
		return l, fmt.Errorf("sum must have %d bytes", len(Digest{}))
	case l.Partition < 0 || l.Offset < 0:
		return l, errors.New("partition and offset must not be negative")
	case bad != nil:
		return l, errors.New("time is not RFC 3339: " + strconv.Quote(l.Time))
	case string(key) != l.Name():
		return l, fmt.Errorf("the key is %.80q, the letter is %.80q", key, l.Name())
	}
	return l, nil
}

// strictly decodes one JSON value without fields that are not known.
func strictly(text []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the JSON value")
	}
	return nil
}

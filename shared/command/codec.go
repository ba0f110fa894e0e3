package command

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
	"unicode/utf8"

	"chatlog/shared/jsontext"
	"chatlog/shared/position"
)

// ErrNewer says that a record was written by a newer program. Its reader must
// stop rather than guess.
var ErrNewer = errors.New("command: written by a newer version of chatlog")

// timeFormat is RFC 3339 with exactly six digits, so that one time has one spelling.
const timeFormat = "2006-01-02T15:04:05.000000Z"

// Encode writes a command as one line of JSON, the form it has in the log.
func Encode(c *Command) []byte {
	return Append(make([]byte, 0, 224+len(c.Message)+len(c.Username)), c)
}

// Append adds the JSON form of c to dst.
func Append(dst []byte, c *Command) []byte {
	dst = appendHead(dst, c)
	if c.Op == LogOpen {
		dst = append(dst, `,"log":"`...)
		dst = append(dst, c.Log...)
		dst = append(dst, `","generation":`...)
		dst = strconv.AppendUint(dst, uint64(c.Generation), 10)
	} else {
		dst = appendSubject(dst, c)
	}
	dst = appendTime(append(dst, `,"time":`...), c.Time)
	if c.Op == MessageUpdate || c.Op == MessageDelete {
		dst = appendTime(append(dst, `,"created":`...), c.Created)
	}
	if c.Keyed {
		dst = append(dst, `,"keyed":true,"fingerprint":"`...)
		dst = append(dst, c.Fingerprint...)
		dst = append(dst, '"')
	}
	return append(dst, '}')
}

// appendHead begins a command, in the log as in an import.
func appendHead(dst []byte, c *Command) []byte {
	dst = append(dst, `{"v":1,"id":"`...)
	dst = append(dst, c.ID...)
	dst = append(dst, `","op":"`...)
	dst = append(dst, c.Op...)
	return append(dst, '"')
}

// appendSubject adds what a client's command is about, in the log as in an import.
func appendSubject(dst []byte, c *Command) []byte {
	dst = append(dst, `,"application":`...)
	dst = jsontext.AppendString(dst, c.Application)
	if c.Op == ApplicationCreate {
		dst = append(dst, `,"username":`...)
		dst = jsontext.AppendString(dst, c.Username)
	}
	if c.Chat != 0 {
		dst = append(dst, `,"chat":`...)
		dst = strconv.AppendInt(dst, c.Chat, 10)
	}
	if c.Number != 0 {
		dst = append(dst, `,"number":`...)
		dst = strconv.AppendInt(dst, c.Number, 10)
	}
	if c.Op == MessageCreate || c.Op == MessageUpdate {
		dst = append(dst, `,"message":`...)
		dst = jsontext.AppendString(dst, c.Message)
	}
	return dst
}

func appendTime(dst []byte, t time.Time) []byte {
	dst = append(dst, '"')
	dst = t.UTC().AppendFormat(dst, timeFormat)
	return append(dst, '"')
}

// envelope is the JSON form; pointers tell absent from zero, since a field
// that does not belong to the operation is refused.
type envelope struct {
	V           int             `json:"v"`
	ID          string          `json:"id"`
	Op          Op              `json:"op"`
	Log         *position.LogID `json:"log"`
	Generation  *uint32         `json:"generation"`
	Application *string         `json:"application"`
	Username    *string         `json:"username"`
	Chat        *int64          `json:"chat"`
	Number      *int64          `json:"number"`
	Message     *string         `json:"message"`
	Time        string          `json:"time"`
	Created     *string         `json:"created"`
	Keyed       bool            `json:"keyed"`
	Fingerprint *string         `json:"fingerprint"`
}

// Decode reads a command strictly: an unknown field, a missing one, one that
// does not belong to the operation, or a value out of bounds is an error. A
// greater version gives ErrNewer.
func Decode(value []byte) (Command, error) {
	if !utf8.Valid(value) {
		return Command{}, errors.New("command: not valid UTF-8")
	}
	if c, ok := decodeCanonical(value); ok {
		return c, nil
	}
	return decodeAny(value)
}

// decodeAny reads any JSON that is a command.
func decodeAny(value []byte) (Command, error) {
	var e envelope
	d := json.NewDecoder(bytes.NewReader(value))
	d.DisallowUnknownFields()
	err := d.Decode(&e)
	if err == nil {
		if _, extra := d.Token(); extra != io.EOF {
			err = errors.New("more than one value")
		}
	}
	if err != nil || e.V != Version {
		if newer(value) {
			return Command{}, ErrNewer
		}
		if err == nil {
			err = fmt.Errorf("version %d", e.V)
		}
		return Command{}, fmt.Errorf("command: %w", err)
	}
	return e.command()
}

// newer looks at the version alone: a newer program may have added fields.
func newer(value []byte) bool {
	var head struct {
		V int `json:"v"`
	}
	return json.Unmarshal(value, &head) == nil && head.V > Version
}

func (e *envelope) command() (Command, error) {
	c := Command{ID: e.ID, Op: e.Op, Keyed: e.Keyed}
	var err error
	if c.Time, err = parseTime(e.Time); err != nil {
		return Command{}, errors.New("command: time is not RFC 3339 with six digits in UTC")
	}
	if e.Created != nil {
		if c.Created, err = parseTime(*e.Created); err != nil {
			return Command{}, errors.New("command: created is not RFC 3339 with six digits in UTC")
		}
	}
	set(&c.Log, e.Log)
	set(&c.Generation, e.Generation)
	set(&c.Application, e.Application)
	set(&c.Username, e.Username)
	set(&c.Chat, e.Chat)
	set(&c.Number, e.Number)
	set(&c.Message, e.Message)
	set(&c.Fingerprint, e.Fingerprint)
	want, known := fieldsOf[c.Op]
	if !known {
		return Command{}, fmt.Errorf("command: unknown operation %q", e.Op)
	}
	if have := e.fields(); have != want {
		return Command{}, fmt.Errorf("command: %s does not have exactly its fields", e.Op)
	}
	return c, c.Validate()
}

// parseTime takes no other spelling than the one that is written; time.Parse
// alone would take a comma for the point and one digit for an hour.
func parseTime(text string) (time.Time, error) {
	t, err := time.Parse(timeFormat, text)
	if err == nil && t.Format(timeFormat) != text {
		err = errors.New("another spelling")
	}
	return t, err
}

func set[T any](to *T, from *T) {
	if from != nil {
		*to = *from
	}
}

// fields is a set of the optional fields of the envelope.
type fields uint16

const (
	hasLog fields = 1 << iota
	hasApplication
	hasUsername
	hasChat
	hasNumber
	hasMessage
	hasCreated
)

var fieldsOf = map[Op]fields{
	LogOpen:           hasLog,
	ApplicationCreate: hasApplication | hasUsername,
	ChatCreate:        hasApplication | hasChat,
	MessageCreate:     hasApplication | hasChat | hasNumber | hasMessage,
	MessageUpdate:     hasApplication | hasChat | hasNumber | hasMessage | hasCreated,
	MessageDelete:     hasApplication | hasChat | hasNumber | hasCreated,
}

func (e *envelope) fields() fields {
	var have fields
	for _, f := range []struct {
		present bool
		field   fields
	}{
		{e.Log != nil || e.Generation != nil, hasLog},
		{e.Application != nil, hasApplication},
		{e.Username != nil, hasUsername},
		{e.Chat != nil, hasChat},
		{e.Number != nil, hasNumber},
		{e.Message != nil, hasMessage},
		{e.Created != nil, hasCreated},
	} {
		if f.present {
			have |= f.field
		}
	}
	return have
}

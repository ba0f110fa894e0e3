package command

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
	"unicode/utf8"
)

// imported is the JSON form of an import: a command as it lies in the log, without
// what the owner of its partition finds out. Pointers tell absent from zero.
type imported struct {
	V           *int    `json:"v"`
	ID          string  `json:"id"`
	Op          Op      `json:"op"`
	Application *string `json:"application"`
	Username    *string `json:"username"`
	Chat        *int64  `json:"chat"`
	Number      *int64  `json:"number"`
	Message     *string `json:"message"`
	Time        *string `json:"time"`
	Created     *string `json:"created"`
	Keyed       *bool   `json:"keyed"`
	Fingerprint *string `json:"fingerprint"`
}

// mayLack is what an import may leave out, by operation.
var mayLack = map[Op]fields{
	ChatCreate:    hasChat,
	MessageCreate: hasNumber,
	MessageUpdate: hasCreated,
	MessageDelete: hasCreated,
}

// DecodeImport reads a command of another system's history, strictly. What it may
// leave out is zero then: the numbers of creations (the next ones are given), the
// time (that of the import is), created of an edit or delete (the message's is).
// Times may have any offset and any number of digits; they are kept in UTC, cut to
// microseconds. The first microsecond of 1970 is no time of an edit or a delete: views
// keep it as never. An error says what is wrong, for whoever wrote the record.
func DecodeImport(value []byte) (Command, error) {
	if !utf8.Valid(value) {
		return Command{}, errors.New("not valid UTF-8")
	}
	var i imported
	d := json.NewDecoder(bytes.NewReader(value))
	d.DisallowUnknownFields()
	if err := d.Decode(&i); errors.Is(err, io.EOF) {
		return Command{}, errors.New("empty")
	} else if err != nil {
		return Command{}, fmt.Errorf("not a command in JSON: %w", err)
	}
	if _, extra := d.Token(); extra != io.EOF {
		return Command{}, errors.New("more than one JSON value")
	}
	return i.command()
}

func (i *imported) command() (Command, error) {
	want, known := fieldsOf[i.Op]
	switch {
	case i.V != nil && *i.V != Version:
		return Command{}, fmt.Errorf("version %d, this program takes %d", *i.V, Version)
	case i.Keyed != nil || i.Fingerprint != nil:
		return Command{}, errors.New("keyed and fingerprint are set by the import itself")
	case i.Op == LogOpen || !known:
		return Command{}, fmt.Errorf("operation %q cannot be imported", i.Op)
	case i.ID == "":
		return Command{}, errors.New("id is missing")
	}
	have := (&envelope{Application: i.Application, Username: i.Username, Chat: i.Chat, Number: i.Number, Message: i.Message, Created: i.Created}).fields()
	if extra := have &^ want; extra != 0 {
		return Command{}, fmt.Errorf("%s does not take %s", i.Op, extra.name())
	}
	if missing := want &^ have &^ mayLack[i.Op]; missing != 0 {
		return Command{}, fmt.Errorf("%s without %s", i.Op, missing.name())
	}
	c := Command{ID: i.ID, Op: i.Op}
	set(&c.Application, i.Application)
	set(&c.Username, i.Username)
	set(&c.Chat, i.Chat)
	set(&c.Number, i.Number)
	set(&c.Message, i.Message)
	var err error
	if c.Time, err = importTime("time", i.Time); err == nil {
		c.Created, err = importTime("created", i.Created)
	}
	if err != nil {
		return Command{}, err
	}
	if (c.Op == MessageUpdate || c.Op == MessageDelete) && !c.Time.IsZero() && c.Time.UnixMicro() == 0 {
		return Command{}, errors.New("time 1970-01-01T00:00:00Z means never, and cannot be that of an edit or a delete")
	}
	return c, i.bounds(c)
}

// bounds checks the command as it would be, were everything given.
func (i *imported) bounds(c Command) error {
	at := time.Unix(0, 0)
	if i.Time == nil {
		c.Time = at
	}
	if i.Created == nil {
		c.Created = at
	}
	if i.Chat == nil {
		c.Chat = 1
	}
	if i.Number == nil {
		c.Number = 1
	}
	if !validUUID(c.ID) { // Validate says it of all others in words of the log
		return fmt.Errorf("id %.40q is not a UUID in lower case", c.ID)
	}
	return c.Validate()
}

func importTime(name string, text *string) (time.Time, error) {
	if text == nil {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, *text)
	if err != nil || t.IsZero() {
		return time.Time{}, fmt.Errorf("%s %.40q is not RFC 3339", name, *text)
	}
	return Now(t), nil
}

// name gives the first of the fields as JSON has it.
func (f fields) name() string {
	for _, known := range []struct {
		field fields
		name  string
	}{{hasApplication, "application"}, {hasUsername, "username"}, {hasChat, "chat"}, {hasNumber, "number"}, {hasMessage, "message"}, {hasCreated, "created"}} {
		if f&known.field != 0 {
			return known.name
		}
	}
	return "log"
}

// AppendImport adds the JSON form of c as an import to dst: one line, in the one
// spelling that its fingerprint is of. What is zero is left out, and so are keyed
// and fingerprint.
func AppendImport(dst []byte, c *Command) []byte {
	dst = appendSubject(appendHead(dst, c), c)
	if !c.Time.IsZero() {
		dst = appendTime(append(dst, `,"time":`...), c.Time)
	}
	if !c.Created.IsZero() {
		dst = appendTime(append(dst, `,"created":`...), c.Created)
	}
	return append(dst, '}')
}

// ImportFingerprint is that of an import: the same import in another spelling has
// the same one. The form that is hashed begins like no HTTP request's.
func ImportFingerprint(c *Command) string {
	sum := sha256.Sum256(AppendImport([]byte("import\n"), c))
	return hex.EncodeToString(sum[:])
}

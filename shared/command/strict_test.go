package command

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"chatlog/shared/position"
)

// complete gives a golden command as it is written.
func complete(name string) Command {
	c := golden[name]
	c.ID, c.Time = someID, someTime
	return c
}

// fieldsIn takes a written command apart, so that tests can alter one field of
// every kind of command and not only of the one that somebody thought of.
func fieldsIn(t *testing.T, c Command) map[string]json.RawMessage {
	t.Helper()
	var parts map[string]json.RawMessage
	if err := json.Unmarshal(Encode(&c), &parts); err != nil {
		t.Fatal(err)
	}
	return parts
}

func join(t *testing.T, parts map[string]json.RawMessage) []byte {
	t.Helper()
	out, err := json.Marshal(parts)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// refuses fails when a value is taken, or is taken for a newer program's: that
// would stop a reader for good, where a dead letter is right.
func refuses(t *testing.T, what string, value []byte) {
	t.Helper()
	if got, err := Decode(value); err == nil || err == ErrNewer {
		t.Errorf("%s: %+v %v\n%.300s", what, got, err, value)
	}
}

// TestFieldOrder: what other tools write has its fields in any order and
// escapes more than it must; the command is the same.
func TestFieldOrder(t *testing.T) {
	for name := range golden {
		want := complete(name)
		if got, err := Decode(join(t, fieldsIn(t, want))); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s\n got %+v %v\nwant %+v", name, got, err, want)
		}
	}
}

// TestEachFieldIsNeeded: no kind of command can do without any of its fields.
func TestEachFieldIsNeeded(t *testing.T) {
	for name := range golden {
		whole := fieldsIn(t, complete(name))
		for field := range whole {
			less := maps.Clone(whole)
			delete(less, field)
			refuses(t, name+" without "+field, join(t, less))
		}
	}
}

// TestNoFieldTooMany: a field of another operation, however right its value, is
// a sign that the writer meant something else.
func TestNoFieldTooMany(t *testing.T) {
	foreign := map[string]string{"log": `"00000000000000a1"`, "generation": "1", "application": `"` + someApplication + `"`, "username": `"x"`,
		"chat": "5", "number": "3", "message": `"x"`, "created": `"2025-01-02T03:04:05.000000Z"`,
		"keyed": "true", "fingerprint": `"` + someFingerprint + `"`, "at": `"00000000000000a1:7"`, "": "1"}
	for name := range golden {
		whole := fieldsIn(t, complete(name))
		for field, value := range foreign {
			if _, has := whole[field]; has {
				continue
			}
			more := maps.Clone(whole)
			more[field] = json.RawMessage(value)
			refuses(t, name+" with "+field, join(t, more))
		}
	}
}

// TestWrongTypes gives every field of every kind each of these values.
func TestWrongTypes(t *testing.T) {
	values := []string{"null", "true", "false", "5", "0", "-1", "1.5", "1e3", "1e400", "99999999999999999999", `"x"`, `""`, `"5"`, "[]", "[5]", "{}", `{"x":5}`}
	taken := map[string][]string{"message": {`"x"`, `"5"`}, "username": {`"x"`, `"5"`}, "chat": {"5"}, "number": {"5"}, "generation": {"5"}, "keyed": {"true"}}
	for name := range golden {
		whole := fieldsIn(t, complete(name))
		for field := range whole {
			for _, value := range values {
				if slices.Contains(taken[field], value) || field == "v" && value == "5" { // that is a newer one
					continue
				}
				other := maps.Clone(whole)
				other[field] = json.RawMessage(value)
				refuses(t, name+" with "+field+" "+value, join(t, other))
			}
		}
	}
}

// TestCut: a command that was cut anywhere is no command, and neither is one
// that something follows.
func TestCut(t *testing.T) {
	for name := range golden {
		c := complete(name)
		whole := Encode(&c)
		for length := range whole {
			refuses(t, name+" cut", whole[:length])
			refuses(t, name+" without its beginning", whole[length+1:])
		}
		for _, tail := range []string{"x", " x", "{}", " null", ",", "]", "}", "\x00", "\n{", `"`, "//", string(whole)} {
			refuses(t, name+" followed by "+tail, append(slices.Clone(whole), tail...))
		}
	}
	refuses(t, "deeply nested", []byte(strings.Repeat(`{"v":`, 100_000)))
	refuses(t, "a deep list", []byte(`{"v":1,"message":`+strings.Repeat("[", 100_000)))
}

// bounds are values at the edge of what a field may be, and beyond it.
var bounds = []struct {
	name   string
	of     string
	change func(*Command)
	right  bool
}{
	{"the longest message", "message.create", func(c *Command) { c.Message = strings.Repeat("\x00", MaxMessageBytes) }, true},
	{"a byte more", "message.create", func(c *Command) { c.Message = strings.Repeat("x", MaxMessageBytes+1) }, false},
	{"an edit to the longest", "message.update", func(c *Command) { c.Message = strings.Repeat("€", MaxMessageBytes/3) }, true},
	{"an edit to more", "message.update", func(c *Command) { c.Message = strings.Repeat("€", MaxMessageBytes/3+1) }, false},
	{"an edit to nothing", "message.update", func(c *Command) { c.Message = "" }, false},
	{"half a character", "message.create", func(c *Command) { c.Message = "\xe2\x82" }, false},
	{"the longest username", "application.create", func(c *Command) { c.Username = strings.Repeat("\U0001f600", MaxUsernameRunes) }, true},
	{"a character more", "application.create", func(c *Command) { c.Username = strings.Repeat("x", MaxUsernameRunes+1) }, false},
	{"no username", "application.create", func(c *Command) { c.Username = "" }, false},
	{"the last chat", "chat.create", func(c *Command) { c.Chat = 1<<63 - 1 }, true},
	{"chat 0", "chat.create", func(c *Command) { c.Chat = 0 }, false},
	{"a chat below", "chat.create", func(c *Command) { c.Chat = -1 << 63 }, false},
	{"the last message", "message.delete", func(c *Command) { c.Number = 1<<63 - 1 }, true},
	{"message 0", "message.delete", func(c *Command) { c.Number = 0 }, false},
	{"an upper-case token", "chat.create", func(c *Command) { c.Application = strings.ToUpper(someApplication) }, false},
	{"a token of 31", "chat.create", func(c *Command) { c.Application = someApplication[1:] }, false},
	{"a token of 8", "chat.create", func(c *Command) { c.Application = someApplication[:8] }, true},
	{"an upper-case id", "chat.create", func(c *Command) { c.ID = strings.ToUpper(someID) }, false},
	{"an id without dashes", "chat.create", func(c *Command) { c.ID = strings.ReplaceAll(someID, "-", "") }, false},
	{"an id in braces", "chat.create", func(c *Command) { c.ID = "{" + someID + "}" }, false},
	{"an upper-case print", "chat.create.keyed", func(c *Command) { c.Fingerprint = strings.ToUpper(someFingerprint) }, false},
	{"a short print", "chat.create.keyed", func(c *Command) { c.Fingerprint = someFingerprint[1:] }, false},
	{"the year 9999", "chat.create", func(c *Command) { c.Time = time.Date(9999, 12, 31, 23, 59, 59, 999999000, time.UTC) }, true},
	{"the year 10000", "chat.create", func(c *Command) { c.Time = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC) }, false},
	{"the year 0", "chat.create", func(c *Command) { c.Time = time.Date(0, 12, 31, 0, 0, 0, 0, time.UTC) }, false},
	{"the last generation", "log.open", func(c *Command) { c.Generation = position.MaxGeneration }, true},
	{"one more generation", "log.open", func(c *Command) { c.Generation = position.MaxGeneration + 1 }, false},
	{"generation 0", "log.open", func(c *Command) { c.Generation = 0 }, false},
	{"an upper-case log", "log.open", func(c *Command) { c.Log = "00000000000000A1" }, false},
	{"a short log", "log.open", func(c *Command) { c.Log = "a1" }, false},
}

// TestBounds: what Validate takes, so does Decode, and the other way round. A
// writer checks with the one and every reader with the other; a command between
// the two would be acked and then counted by nobody.
func TestBounds(t *testing.T) {
	for _, test := range bounds {
		c := complete(test.of)
		test.change(&c)
		if err := c.Validate(); (err == nil) != test.right {
			t.Errorf("%s: Validate says %v", test.name, err)
		}
		if got, err := Decode(Encode(&c)); (err == nil) != test.right || test.right && !reflect.DeepEqual(got, c) {
			t.Errorf("%s: Decode says %v", test.name, err)
		}
	}
}

// TestNow: a time as commands carry it is the same time after the log.
func TestNow(t *testing.T) {
	for _, at := range []time.Time{time.Now(), time.Date(2026, 1, 1, 0, 0, 0, 999, time.FixedZone("", 5400)), time.Unix(1, 999_999_999)} {
		c := complete("message.delete")
		c.Time, c.Created = Now(at), Now(at)
		if got, err := Decode(Encode(&c)); err != nil || !reflect.DeepEqual(got, c) {
			t.Errorf("%v became %v, %v", c.Time, got.Time, err)
		}
	}
}

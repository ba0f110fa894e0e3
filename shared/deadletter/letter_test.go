package deadletter

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"

	"chatlog/shared/command"
)

// TestStrict: what is read is a letter in every respect, or it is none.
func TestStrict(t *testing.T) {
	l := newLetter(Config{View: "mysql", Source: "chat.commands"}, ours, 3, Refused{Class: Rejected, Reason: "too long",
		Record: command.Record{Offset: 7, Key: []byte("k"), Value: []byte{0xff}, Headers: []command.Header{{Key: "\xff", Value: nil}}}})
	whole, err := json.Marshal(l)
	if err != nil {
		t.Fatal(err)
	}
	l.Headers[0].Key = "\ufffd" // all that JSON can say of it; KeyBytes says the rest
	if got, err := decode([]byte(l.Name()), whole); err != nil || !reflect.DeepEqual(got, l) {
		t.Errorf("%+v became %+v, %v", l, got, err)
	}
	early := newLetter(Config{View: "mysql", Source: "chat.commands"}, "", 3, Refused{Class: "unmarked", Record: command.Record{Offset: 7}})
	if early.Name() != "mysql/chat.commands/3/7" {
		t.Error("a letter of no log is named ", early.Name())
	}
	name, text := l.Name(), string(whole)
	for what, odd := range map[string][2]string{
		"no JSON":          {name, "{"},
		"nothing":          {name, ""},
		"null":             {name, "null"},
		"a list":           {name, "[" + text + "]"},
		"two":              {name, text + text},
		"a field more":     {name, strings.Replace(text, "{", `{"more":1,`, 1)},
		"a newer view":     {name, strings.Replace(text, `"mysql"`, `""`, 1)},
		"another view":     {name, strings.Replace(text, `"mysql"`, `"search"`, 1)},
		"another offset":   {name, strings.Replace(text, `"offset":7`, `"offset":8`, 1)},
		"no class":         {name, strings.Replace(text, `"rejected"`, `""`, 1)},
		"no topic":         {name, strings.Replace(text, `"chat.commands"`, `""`, 1)},
		"no time":          {name, strings.Replace(text, l.Time, "yesterday", 1)},
		"a wrong type":     {name, strings.Replace(text, `"offset":7`, `"offset":"7"`, 1)},
		"a key too many":   {name + "/8", text},
		"a negative place": {"mysql/" + string(ours) + "/3/-7", strings.Replace(text, `"offset":7`, `"offset":-7`, 1)},
	} {
		if got, err := decode([]byte(odd[0]), []byte(odd[1])); err == nil {
			t.Errorf("%s is taken for %+v", what, got)
		}
	}
}

// TestTruncated: a letter tells its record from others at the same place, whether it
// holds it or not.
func TestTruncated(t *testing.T) {
	of := func(value string) Letter {
		return newLetter(Config{View: "imports", Source: "chat.imports"}, "", 3, Refused{Class: "invalid", Reason: "why", Record: command.Record{Offset: 7, Key: []byte("k"), Value: []byte(value)}})
	}
	whole, other := of("large"), of("small")
	raw, err := json.Marshal(whole.truncated())
	if err != nil {
		t.Fatal(err)
	}
	got, err := decode([]byte(whole.Name()), raw)
	if err != nil || !got.Truncated || got.Value != nil || got.Digest() != whole.Digest() || got.Digest() == other.Digest() || got.Digest() == (Digest{}) {
		t.Errorf("%s became %+v, %v", raw, got, err)
	}
	if again := got.With(command.Record{Key: []byte("k"), Value: []byte("large")}); again.Digest() != whole.Digest() || again.Sum != nil {
		t.Errorf("%+v", again)
	}
	if _, err := decode([]byte(whole.Name()), []byte(strings.Replace(string(raw), `"sum":"`, `"sum":"AAAA`, 1))); err == nil {
		t.Error("a sum of another length is taken")
	}
	if string(got.Key) != "k" || got.Reason != "why" {
		t.Errorf("not to be found any more by its key, or without its reason: %+v", got)
	}
	got.Key, got.Sum = nil, nil // as older programs wrote it
	if got.Digest() != (Digest{}) {
		t.Errorf("%v", got.Digest())
	}
}

// TestTruncatedIsSmall: whatever a record has and whatever is said of it, its letter
// fits at last, so that one record cannot hold up all that come after it.
func TestTruncatedIsSmall(t *testing.T) {
	large := bytes.Repeat([]byte{0xff}, 4<<20)
	for _, c := range []struct {
		key    []byte
		reason string
		kept   bool // the key
		told   string
	}{
		{nil, "why", true, "why"},
		{[]byte{}, "why", true, "why"},
		{large[:256], "why", true, "why"},
		{large[:257], "why", false, "why"},
		{large, strings.Repeat("\x00", 4<<20), false, strings.Repeat("\x00", 4<<10) + "…"},
		{nil, "x" + strings.Repeat("م", 4<<10), true, "x" + strings.Repeat("م", 2<<10-1) + "…"},
		{nil, strings.Repeat("r", 4<<10), true, strings.Repeat("r", 4<<10)},
		{nil, string(large), true, string(large[:4<<10]) + "…"}, // no text: each byte becomes six in JSON
	} {
		whole := newLetter(Config{View: "imports", Source: "chat.imports"}, "", 3, Refused{Class: "invalid", Reason: c.reason,
			Record: command.Record{Offset: 7, Key: c.key, Value: large, Headers: []command.Header{{Key: "h", Value: large}}}})
		l := whole.truncated()
		raw, err := json.Marshal(l)
		if err != nil || len(raw) > 32<<10 || l.Digest() != whole.Digest() {
			t.Errorf("a key of %d bytes and a reason of %d: %d bytes, %v", len(c.key), len(c.reason), len(raw), err)
		}
		if kept := bytes.Equal(l.Key, c.key) && (l.Key == nil) == (c.key == nil); kept != c.kept || !kept && l.Key != nil || l.Reason != c.told {
			t.Errorf("a key of %d bytes and a reason of %d: kept %v, %.40q", len(c.key), len(c.reason), kept, l.Reason)
		}
		if _, err := decode([]byte(l.Name()), raw); err != nil {
			t.Errorf("a key of %d bytes and a reason of %d: %v", len(c.key), len(c.reason), err)
		}
	}
}

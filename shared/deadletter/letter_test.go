package deadletter

import (
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
		return newLetter(Config{View: "imports", Source: "chat.imports"}, "", 3, Refused{Class: "invalid", Record: command.Record{Offset: 7, Key: []byte("k"), Value: []byte(value)}})
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
	got.Sum = nil // as older programs wrote it
	if got.Digest() != (Digest{}) {
		t.Errorf("%v", got.Digest())
	}
}

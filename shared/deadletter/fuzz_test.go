package deadletter

import (
	"bytes"
	"encoding/json"
	"testing"
	"unicode/utf8"

	"chatlog/shared/command"
	"chatlog/shared/position"
)

// FuzzLetter: whatever a record is made of, its letter is read again with the very
// bytes, under its own name and no other.
func FuzzLetter(f *testing.F) {
	f.Add([]byte("key"), []byte(`{"v":1}`), "at", []byte("00000000000000a1:7"), "no at header", int64(7), int32(3))
	f.Add([]byte(nil), []byte(nil), "\xff", []byte{}, "\x00\u2028<b>\xff", int64(0), int32(0))
	f.Add([]byte("\xff"), []byte("\x00"), "", []byte(nil), "", int64(1<<62), int32(1<<30))
	f.Fuzz(func(t *testing.T, key, value []byte, name string, header []byte, reason string, offset int64, partition int32) {
		if offset < 0 || partition < 0 || reason == "" {
			return
		}
		record := command.Record{Partition: partition, Offset: offset, Key: key, Value: value, Headers: []command.Header{{Key: name, Value: header}}}
		l := newLetter(Config{View: "mysql", Source: "chat.commands"}, position.LogID("00000000000000a1"), partition,
			Refused{Class: Rejected, Reason: reason, Record: record})
		raw, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decode([]byte(l.Name()), raw)
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		if !bytes.Equal(got.Key, key) || (got.Key == nil) != (key == nil) || !bytes.Equal(got.Value, value) || (got.Value == nil) != (value == nil) ||
			got.Offset != offset || got.Partition != partition || utf8.ValidString(reason) && got.Reason != reason {
			t.Fatalf("%+v became %+v", l, got)
		}
		if has := got.Headers[0]; !bytes.Equal(has.Value, header) || has.Key != name && !bytes.Equal(has.KeyBytes, []byte(name)) {
			t.Fatalf("the header %q became %+v", name, has)
		}
		if _, err := decode([]byte("search"+l.Name()[len("mysql"):]), raw); err == nil {
			t.Fatal("it passes for another view's")
		}
	})
}

// FuzzDecode: whatever lies in the topic is a letter under its own name, or none.
func FuzzDecode(f *testing.F) {
	l := newLetter(Config{View: "mysql", Source: "chat.commands"}, "00000000000000a1", 3, Refused{Class: Rejected, Reason: "r", Record: command.Record{Offset: 7}})
	raw, err := json.Marshal(l)
	if err != nil {
		f.Fatal(err)
	}
	f.Add([]byte(l.Name()), raw)
	f.Add([]byte("mysql/x/0/0"), []byte(`{"view":"mysql"}`))
	f.Add([]byte(nil), []byte("null"))
	f.Fuzz(func(t *testing.T, key, value []byte) {
		if got, err := decode(key, value); err == nil && got.Name() != string(key) {
			t.Errorf("%q is read as %q", key, got.Name())
		}
	})
}

package command

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files; only for a new version of the envelope")

const (
	someID          = "0199d3a0-0000-7000-8000-00000000002a"
	someApplication = "9f86d081884c7d659a2feaa0c55ad015"
	someFingerprint = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

var (
	someTime    = time.Date(2026, 11, 23, 19, 0, 0, 123456000, time.UTC)
	someCreated = time.Date(2025, 1, 2, 3, 4, 5, 0, time.UTC)
)

// golden is one command of each kind; the files under testdata are how they lie
// in logs that people have. They must decode like this for ever.
var golden = map[string]Command{
	"log.open":                 {Op: LogOpen, Log: "00000000000000a1", Generation: 1},
	"log.open.generation":      {Op: LogOpen, Log: "ffffffffffffffff", Generation: 524287},
	"application.create":       {Op: ApplicationCreate, Application: someApplication, Username: "Shetewi"},
	"application.create.keyed": {Op: ApplicationCreate, Application: someApplication, Username: "عبد \"الله\"\t€", Keyed: true, Fingerprint: someFingerprint},
	"application.create.short": {Op: ApplicationCreate, Application: "dec969c6", Username: "a token of the replaced system"},
	"chat.create":              {Op: ChatCreate, Application: someApplication, Chat: 5},
	"chat.create.keyed":        {Op: ChatCreate, Application: someApplication, Chat: 1<<63 - 1, Keyed: true, Fingerprint: someFingerprint},
	"message.create":           {Op: MessageCreate, Application: someApplication, Chat: 5, Number: 3, Message: "Hello"},
	"message.create.odd":       {Op: MessageCreate, Application: someApplication, Chat: 1, Number: 1, Message: "\x00\x01\x1f\x7f \\ \" / \u2028 <b>&amp;</b> \U0001f600 \r\n\t日本"},
	"message.create.blank":     {Op: MessageCreate, Application: someApplication, Chat: 1, Number: 1, Message: " "},
	"message.create.keyed":     {Op: MessageCreate, Application: someApplication, Chat: 5, Number: 4, Message: "Hello", Keyed: true, Fingerprint: someFingerprint},
	"message.update":           {Op: MessageUpdate, Application: someApplication, Chat: 5, Number: 3, Message: "Hello, World!", Created: someCreated},
	"message.update.keyed":     {Op: MessageUpdate, Application: someApplication, Chat: 5, Number: 3, Message: "x", Created: someCreated, Keyed: true, Fingerprint: someFingerprint},
	"message.delete":           {Op: MessageDelete, Application: someApplication, Chat: 5, Number: 3, Created: someCreated},
	"message.delete.keyed":     {Op: MessageDelete, Application: someApplication, Chat: 5, Number: 3, Created: someCreated, Keyed: true, Fingerprint: someFingerprint},
}

func TestGolden(t *testing.T) {
	for name, want := range golden {
		want.ID, want.Time = someID, someTime
		path := filepath.Join("testdata", "v1", name+".json")
		if *update {
			if err := os.WriteFile(path, Encode(&want), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(file)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s\n got %+v %v\nwant %+v", name, got, err, want)
		}
		if again := Encode(&got); !bytes.Equal(again, file) {
			t.Errorf("%s is written otherwise today:\n%s\n%s", name, again, file)
		}
	}
	files, err := filepath.Glob("testdata/v1/*.json")
	if err != nil || len(files) != len(golden) {
		t.Errorf("%d golden files, %d commands, %v", len(files), len(golden), err)
	}
}

func TestDecodeRefuses(t *testing.T) {
	c := golden["message.create"]
	c.ID, c.Time = someID, someTime
	right := string(Encode(&c))
	if _, err := Decode([]byte(right)); err != nil {
		t.Fatal(err)
	}
	replace := func(old, by string) string {
		if !bytes.Contains([]byte(right), []byte(old)) {
			t.Fatal("nothing to replace: ", old)
		}
		return string(bytes.Replace([]byte(right), []byte(old), []byte(by), 1))
	}
	for name, value := range map[string]string{
		"nothing":              "",
		"null":                 "null",
		"a list":               "[]",
		"cut":                  right[:len(right)-1],
		"two values":           right + right,
		"an unknown field":     replace(`"chat":5`, `"chat":5,"room":1`),
		"a missing field":      replace(`"number":3,`, ``),
		"a foreign field":      replace(`"number":3`, `"number":3,"username":"x"`),
		"an unknown operation": replace("message.create", "message.erase"),
		"number 0":             replace(`"number":3`, `"number":0`),
		"a negative number":    replace(`"number":3`, `"number":-3`),
		"number 2^63":          replace(`"number":3`, `"number":9223372036854775808`),
		"a number as a text":   replace(`"number":3`, `"number":"3"`),
		"a fraction":           replace(`"number":3`, `"number":3.5`),
		"chat null":            replace(`"chat":5`, `"chat":null`),
		"an empty message":     replace(`"Hello"`, `""`),
		"invalid UTF-8":        replace(`Hello`, "\xff"),
		"a short time":         replace(".123456Z", "Z"),
		"a zone":               replace(".123456Z", ".123456+01:00"),
		"keyed, no print":      replace(`}`, `,"keyed":true}`),
		"a print, not keyed":   replace(`}`, `,"fingerprint":"`+someFingerprint+`"}`),
		"no token":             replace(someApplication, "zz"),
		"version 0":            replace(`"v":1`, `"v":0`),
	} {
		if got, err := Decode([]byte(value)); err == nil || err == ErrNewer {
			t.Errorf("%s: %+v %v", name, got, err)
		}
	}
	for _, value := range []string{replace(`"v":1`, `"v":2`), `{"v":3,"what":"a newer program adds"}`} {
		if _, err := Decode([]byte(value)); err != ErrNewer {
			t.Errorf("%s: %v", value, err)
		}
	}
}

// FuzzDecode: whatever is taken has one spelling and survives it.
func FuzzDecode(f *testing.F) {
	for name := range golden {
		file, err := os.ReadFile(filepath.Join("testdata", "v1", name+".json"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file)
		f.Add(file[:len(file)/2])
	}
	f.Add([]byte(`{"v":1,"v":2,"id":"x","id":"y"}`))
	f.Add([]byte(`{"v":1e9}`))
	f.Add([]byte("{\"v\":1,\"id\":\"\xff\"}"))
	f.Fuzz(func(t *testing.T, value []byte) {
		c, err := Decode(value)
		if err != nil {
			return
		}
		if err := c.Validate(); err != nil {
			t.Fatalf("taken and yet not valid: %v", err)
		}
		again, err := Decode(Encode(&c))
		if err != nil || !reflect.DeepEqual(again, c) {
			t.Fatalf("%+v became %+v, %v", c, again, err)
		}
	})
}

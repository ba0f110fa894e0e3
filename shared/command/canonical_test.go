package command

import (
	"bytes"
	"os"
	"path/filepath"
	"reflect"
	"testing"
)

// What Append writes must not need the general decoder: nothing would be wrong,
// but everything five times as slow.
func TestWhatIsWrittenIsReadQuickly(t *testing.T) {
	for name := range golden {
		want := complete(name)
		got, ok := decodeCanonical(Encode(&want))
		if !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %v %+v", name, ok, got)
		}
	}
}

// FuzzCanonical holds the quick decoder against the general one: what it takes,
// the other takes too, and as the same command.
func FuzzCanonical(f *testing.F) {
	for name := range golden {
		file, err := os.ReadFile(filepath.Join("testdata", "v1", name+".json"))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(file)
		f.Add(bytes.Replace(file, []byte(`"time":`), []byte(` "time":`), 1))
		f.Add(bytes.Replace(file, []byte(`,"chat":`), []byte(`,"chat":0`), 1))
	}
	f.Add([]byte(`{"v":1,"id":"` + someID + `","op":"chat.create","application":"` + someApplication + `","chat":1,"number":3,"time":"2026-11-23T19:00:00.123456Z"}`))
	f.Add([]byte(`{"v":1,"id":"` + someID + `","op":"message.create","application":"dec969c6","chat":1,"number":1,"message":"\u0041\u00`))
	f.Fuzz(func(t *testing.T, value []byte) {
		c, ok := decodeCanonical(bytes.ToValidUTF8(value, nil))
		if !ok {
			return
		}
		general, err := decodeAny(bytes.ToValidUTF8(value, nil))
		if err != nil || !reflect.DeepEqual(general, c) {
			t.Fatalf("read quickly %+v, else %+v %v", c, general, err)
		}
	})
}

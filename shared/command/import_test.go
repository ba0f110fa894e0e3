package command

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

const importID = `"id":"01a20d90-712a-7000-8000-000000000001"`

func TestDecodeImport(t *testing.T) {
	for _, text := range []string{
		`{"v":1,` + importID + `,"op":"application.create","application":"0123456789abcdef0123456789abcdef","username":"u","time":"2020-01-02T03:04:05.000006Z"}`,
		`{` + importID + `,"op":"chat.create","application":"0123abcd"}`,
		`{` + importID + `,"op":"chat.create","application":"0123abcd","chat":7}`,
		`{` + importID + `,"op":"message.create","application":"0123abcd","chat":7,"message":"m"}`,
		`{` + importID + `,"op":"message.create","application":"0123abcd","chat":7,"number":9,"message":"m","time":"2020-01-02T03:04:05+02:00"}`,
		`{` + importID + `,"op":"message.update","application":"0123abcd","chat":7,"number":9,"message":"\u0000é"}`,
		`{` + importID + `,"op":"message.delete","application":"0123abcd","chat":7,"number":9,"created":"2020-01-02T03:04:05.1234567Z"}`,
		`{` + importID + `,"op":"message.create","application":"0123abcd","chat":7,"message":"m","time":"1970-01-01T00:00:00Z"}`,
		`{` + importID + `,"op":"message.update","application":"0123abcd","chat":7,"number":9,"message":"m","created":"1970-01-01T00:00:00Z"}`,
	} {
		c, err := DecodeImport([]byte(text))
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		again, err := DecodeImport(AppendImport(nil, &c))
		if err != nil || again != c {
			t.Errorf("%s became %+v, and written again %+v, %v", text, c, again, err)
		}
		if c.Keyed || !c.Time.Equal(c.Time.Truncate(time.Microsecond)) {
			t.Errorf("%s: %+v", text, c)
		}
	}
}

func TestDecodeImportSaysWhatIsWrong(t *testing.T) {
	const chat = `,"op":"chat.create","application":"0123abcd"`
	for text, says := range map[string]string{
		"":                       "empty",
		"garbage":                "not a command in JSON",
		"\xff":                   "not valid UTF-8",
		`{"op":"chat.create"}`:   "id is missing",
		`{"id":"x"` + chat + `}`: `id "x" is not a UUID in lower case`,
		`{"id":"01A20D90-712A-7000-8000-000000000001"` + chat + `}`:                                            "is not a UUID in lower case",
		`{` + importID + chat + `}{}`:                                                                          "more than one JSON value",
		`{` + importID + chat + `,"v":2}`:                                                                      "version 2, this program takes 1",
		`{` + importID + chat + `,"colour":1}`:                                                                 `unknown field "colour"`,
		`{` + importID + chat + `,"keyed":true}`:                                                               "set by the import itself",
		`{` + importID + chat + `,"fingerprint":"0"}`:                                                          "set by the import itself",
		`{` + importID + chat + `,"message":"m"}`:                                                              "chat.create does not take message",
		`{` + importID + chat + `,"chat":0}`:                                                                   "chat is not positive",
		`{` + importID + chat + `,"chat":1.5}`:                                                                 "not a command in JSON",
		`{` + importID + chat + `,"time":"yesterday"}`:                                                         `time "yesterday" is not RFC 3339`,
		`{` + importID + `,"op":"log.open"}`:                                                                   `operation "log.open" cannot be imported`,
		`{` + importID + `,"op":"chat.rename"}`:                                                                `operation "chat.rename" cannot be imported`,
		`{` + importID + `,"op":"chat.create"}`:                                                                "chat.create without application",
		`{` + importID + `,"op":"chat.create","application":"xyz"}`:                                            "application is not a token",
		`{` + importID + `,"op":"message.create","application":"0123abcd","message":"m"}`:                      "message.create without chat",
		`{` + importID + `,"op":"message.update","application":"0123abcd","chat":1,"message":"m"}`:             "message.update without number",
		`{` + importID + `,"op":"message.create","application":"0123abcd","chat":1,"number":-1,"message":"m"}`: "number is not positive",
		`{` + importID + `,"op":"message.delete","application":"0123abcd","chat":1,"number":1,"time":"1970-01-01T01:00:00+01:00"}`:     "means never",
		`{` + importID + `,"op":"message.create","application":"0123abcd","chat":1,"message":"` + strings.Repeat("m", 64<<10+1) + `"}`: "64 KiB",
	} {
		if c, err := DecodeImport([]byte(text)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%.200s: %+v, %v; must say %q", text, c, err, says)
		}
	}
}

// TestImportFingerprint: the same import has one fingerprint whatever its spelling,
// and each of its fields is in it.
func TestImportFingerprint(t *testing.T) {
	read := func(text string) string {
		c, err := DecodeImport([]byte(text))
		if err != nil {
			t.Fatal(err)
		}
		return ImportFingerprint(&c)
	}
	base := `{` + importID + `,"op":"message.create","application":"0123abcd","chat":1,"number":1,"message":"m","time":"2020-01-02T03:04:05Z"}`
	first := read(base)
	if spelled := read(`{"v":1, "time":"2020-01-02T04:04:05.0000001+01:00","message":"\u006d","number":1,"chat":1,"application":"0123abcd","op":"message.create",` + importID + `}`); spelled != first {
		t.Error("another spelling is another import")
	}
	seen := map[string]string{first: base}
	for was, is := range map[string]string{`"chat":1`: `"chat":2`, `"number":1`: `"number":2`, `"message":"m"`: `"message":"n"`, `03:04:05`: `03:04:06`,
		`0123abcd`: `0123abce`, `000001"`: `000002"`, `,"number":1`: ``, `,"time":"2020-01-02T03:04:05Z"`: ``} {
		other := strings.Replace(base, was, is, 1)
		print := read(other)
		if same, twice := seen[print]; twice {
			t.Errorf("%s and %s have one fingerprint", same, other)
		}
		seen[print] = other
	}
}

func FuzzDecodeImport(f *testing.F) {
	f.Add([]byte(`{` + importID + `,"op":"message.create","application":"0123abcd","chat":1,"number":1,"message":"m","time":"2020-01-02T03:04:05Z"}`))
	f.Add([]byte(`{` + importID + `,"op":"message.delete","application":"0123abcd","chat":1,"number":1,"created":"0001-01-01T00:00:00Z"}`))
	f.Fuzz(func(t *testing.T, value []byte) {
		c, err := DecodeImport(value)
		if err != nil {
			return
		}
		again, err := DecodeImport(AppendImport(nil, &c))
		if err != nil || again != c || !bytes.Equal(AppendImport(nil, &c), AppendImport(nil, &again)) {
			t.Errorf("%q: %+v, then %+v, %v", value, c, again, err)
		}
	})
}

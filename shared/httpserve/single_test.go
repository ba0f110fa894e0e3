package httpserve

import (
	"encoding/json"
	"testing"
	"unicode/utf8"
)

// FuzzSingle holds the quick way against encoding/json: what it takes is one
// object with that name and that string, and nothing else.
func FuzzSingle(f *testing.F) {
	for _, seed := range []string{`{"message":"a"}`, " {\t\"a\" :\r\n\"\"} ", `{"a":"\u0041"}`, `{"a":"b","c":"d"}`, `{"":"é"}`, `{"a":"b"}x`, "{\"a\":\"\x01\"}",
		`{"a":"b",}`, `{"a" "b"}`, `{"a":b}`, `{"a":"b"`, `["a"]`, `{"a":null}`, "{\"a\":\"\x7f\u2028\"}"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		name, value := single(raw)
		if value == nil || !utf8.Valid(raw) {
			return
		}
		var general map[string]string
		if err := json.Unmarshal(raw, &general); err != nil || len(general) != 1 || general[string(name)] != string(value) {
			t.Fatalf("read quickly %q: %q, else %q %v", name, value, general, err)
		}
	})
}

// What nearly all clients send must not need the general way.
func TestTheUsualBodyIsReadQuickly(t *testing.T) {
	for _, body := range []string{`{"message":"a"}`, `{"message": "日本 <b>"}`, "{\n  \"message\": \"\"\n}\n"} {
		if _, value := single([]byte(body)); value == nil {
			t.Errorf("not taken: %s", body)
		}
	}
}

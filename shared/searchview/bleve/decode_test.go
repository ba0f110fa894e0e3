package bleve

import (
	"encoding/json"
	"testing"
	"time"

	"chatlog/shared/view"
)

// FuzzDocument: what is kept of a message is the message, whatever its text; and
// whatever lies in the index instead is read or refused.
func FuzzDocument(f *testing.F) {
	f.Add("0123456789abcdef0123456789abcdef:5:3", `{"Version":17592186044423,"Created":1764000000000000,"Message":"hello"}`, "hello", int64(5), int64(3), int64(1764000000000000))
	f.Add("a:0x1:1", `{"Message":1}`, "\x00", int64(1), int64(9223372036854775807), int64(1))
	f.Add("a:1", `{`, "\u2028<b>", int64(1), int64(1), int64(0))
	f.Add("", "null", "", int64(-1), int64(0), int64(-1))
	f.Fuzz(func(t *testing.T, id, raw, text string, chat, number, micros int64) {
		if h, err := parse(id, raw); err == nil {
			if application, c, n, err := parseID(id); err != nil || h.Application != application || h.Chat != c || h.Number != n {
				t.Fatalf("%q is %+v", id, h)
			}
		}
		if micros < 0 || micros > time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC).UnixMicro() {
			return
		}
		m := view.Message{Application: "0123456789abcdef", Chat: chat, Number: number}
		kept, err := json.Marshal(stored{Version: 7, Created: micros, Edited: micros, Message: text})
		if err != nil {
			t.Fatal(err)
		}
		h, err := parse(documentID(m), string(kept))
		if err != nil || h.Application != m.Application || h.Chat != chat || h.Number != number || h.Created.UnixMicro() != micros ||
			h.Edited.IsZero() != (micros == 0) || h.Text != string([]rune(text)) {
			t.Fatalf("%+v with %q became %+v: %v", m, text, h, err)
		}
	})
}

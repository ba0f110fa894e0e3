package httpapi

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

func someListed() listedMessages {
	return listedMessages{
		{ID: 1, Application: "a1", Chat: 2, Number: 1, Text: "plain"},
		{ID: 9, Application: "a1", Chat: 2, Number: 9, Text: "\"quoted\" \\ \n\t\x01\x7f <&> \u2028 漢字 😀"},
		{ID: 10, Application: "a1", Chat: 2, Number: 10, Text: "edited", times: times{Created: "2026-01-02T03:04:05.000006Z", Edited: "2026-01-03T03:04:05.000006Z"}},
	}
}

func TestListedMessages(t *testing.T) {
	for _, list := range []listedMessages{{}, someListed()[:1], someListed()} {
		want, err := json.Marshal(list)
		if err != nil {
			t.Fatal(err)
		}
		var is, should any
		got := list.AppendJSON(nil)
		if json.Unmarshal(got, &is) != nil || json.Unmarshal(want, &should) != nil || !reflect.DeepEqual(is, should) {
			t.Errorf("%s, want %s", got, want)
		}
	}
	if plain := someListed()[:1]; string(plain.AppendJSON(nil)) != `[{"id":1,"appID":"a1","chatID":2,"messageID":1,"message":"plain"}]` {
		t.Errorf("%s", plain.AppendJSON(nil))
	}
}

func BenchmarkListedMessages(b *testing.B) {
	var list listedMessages
	for i := range int64(100) {
		list = append(list, listedMessage{i, "0123456789abcdef0123456789abcdef", 1, i, strings.Repeat("x", 200), times{}})
	}
	b.Run("appended", func(b *testing.B) {
		var dst []byte
		for b.Loop() {
			dst = list.AppendJSON(dst[:0])
		}
	})
	b.Run("by reflection", func(b *testing.B) {
		for b.Loop() {
			json.Marshal([]listedMessage(list))
		}
	})
}

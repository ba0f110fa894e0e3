package verify

import (
	"slices"
	"testing"
	"time"

	"chatlog/shared/view"
)

var noon = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// rows is a view that is as it must be; change spoils it.
func rows(change func(*Found)) Found {
	f := Found{
		Applications: map[string]view.Application{"a": {Token: "a", Username: "u", Chats: 3, Created: noon, Version: 1}},
		Chats:        map[view.ChatKey]view.Chat{{Application: "a", Number: 1}: {Application: "a", Number: 1, Messages: 2, Created: noon, Version: 2}},
		Messages: map[view.MessageKey]view.Message{
			{Application: "a", Chat: 1, Number: 1}: {Application: "a", Chat: 1, Number: 1, Text: "one", Created: noon, Version: 3},
			{Application: "a", Chat: 1, Number: 2}: {Application: "a", Chat: 1, Number: 2, Created: noon, Edited: noon, Deleted: true, Version: 5},
		},
		Keyed: map[string]view.KeyedCommand{"k": {ID: "k", Application: "a", Chat: 1, Number: 1, Fingerprint: "f", Offset: 3}},
	}
	change(&f)
	return f
}

func changes() view.Changes {
	f := rows(func(*Found) {})
	return view.Changes{Applications: []view.Application{f.Applications["a"]}, Chats: []view.Chat{f.Chats[view.ChatKey{Application: "a", Number: 1}]},
		Messages: []view.Message{f.Messages[view.MessageKey{Application: "a", Chat: 1, Number: 1}], f.Messages[view.MessageKey{Application: "a", Chat: 1, Number: 2}]},
		Keyed:    []view.KeyedCommand{f.Keyed["k"]}}
}

func TestCompare(t *testing.T) {
	message := func(number int64, change func(*view.Message)) func(*Found) {
		return func(f *Found) {
			k := view.MessageKey{Application: "a", Chat: 1, Number: number}
			m := f.Messages[k]
			change(&m)
			f.Messages[k] = m
		}
	}
	for name, test := range map[string]struct {
		change func(*Found)
		want   []Kind
	}{
		"as it must be":            {func(*Found) {}, nil},
		"a view of messages alone": {func(f *Found) { f.Applications, f.Chats, f.Keyed = nil, nil, nil }, nil},
		"edited later":             {message(1, func(m *view.Message) { m.Text, m.Version = "later", 9 }), nil},
		"more numbers given later": {func(f *Found) {
			f.Applications["a"] = view.Application{Token: "a", Username: "u", Chats: 9, Created: noon, Version: 1}
		}, nil},
		"no message":                  {func(f *Found) { delete(f.Messages, view.MessageKey{Application: "a", Chat: 1, Number: 1}) }, []Kind{Missing}},
		"an older message":            {message(1, func(m *view.Message) { m.Version = 2 }), []Kind{Stale}},
		"another text":                {message(1, func(m *view.Message) { m.Text = "two" }), []Kind{Altered}},
		"another time":                {message(1, func(m *view.Message) { m.Created = noon.Add(time.Second) }), []Kind{Altered}},
		"a tombstone that was undone": {message(2, func(m *view.Message) { m.Deleted, m.Version = false, 9 }), []Kind{Altered}},
		"no application":              {func(f *Found) { delete(f.Applications, "a") }, []Kind{Missing}},
		"another name": {func(f *Found) {
			f.Applications["a"] = view.Application{Token: "a", Username: "v", Chats: 3, Created: noon, Version: 1}
		}, []Kind{Altered}},
		"fewer chats": {func(f *Found) {
			f.Applications["a"] = view.Application{Token: "a", Username: "u", Chats: 2, Created: noon, Version: 1}
		}, []Kind{Count}},
		"no chat": {func(f *Found) { clear(f.Chats) }, []Kind{Missing}},
		"fewer messages": {func(f *Found) {
			f.Chats[view.ChatKey{Application: "a", Number: 1}] = view.Chat{Created: noon, Version: 2, Messages: 1}
		}, []Kind{Count}},
		"no keyed command":           {func(f *Found) { clear(f.Keyed) }, []Kind{Missing}},
		"a keyed command of another": {func(f *Found) { f.Keyed["k"] = view.KeyedCommand{ID: "k", Application: "b"} }, []Kind{Altered}},
	} {
		var got []Kind
		for _, d := range compare(changes(), rows(test.change)) {
			got = append(got, d.Kind)
		}
		if !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, must be %v", name, got, test.want)
		}
	}
}

package view

import (
	"fmt"
	"math/rand/v2"
	"reflect"
	"testing"
	"time"

	"chatlog/shared/command"
	"chatlog/shared/position"
)

// chance makes entries as they lie in a log: numbers go on from where they are,
// edits and deletes name what is there.
func chance(r *rand.Rand, count int) []Entry {
	var entries []Entry
	chats, messages := map[string]int64{}, map[ChatKey]int64{}
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for i := range count {
		c := command.Command{ID: fmt.Sprint(i), Application: fmt.Sprintf("%032x", r.IntN(3)), Time: at.Add(time.Duration(i) * time.Second), Keyed: r.IntN(4) == 0}
		c.Chat = 1 + r.Int64N(3)
		key := ChatKey{c.Application, c.Chat}
		switch r.IntN(8) {
		case 0:
			c.Op, c.Chat, c.Username = command.ApplicationCreate, 0, fmt.Sprint("u", i)
			if chats[c.Application] > 0 {
				continue
			}
		case 1:
			chats[c.Application]++
			c.Op, c.Chat = command.ChatCreate, chats[c.Application]
		case 2, 3:
			c.Op, c.Number, c.Created, c.Message = command.MessageUpdate, 1+r.Int64N(messages[key]+1), at, fmt.Sprint("e", i)
		case 4:
			c.Op, c.Number, c.Created = command.MessageDelete, 1+r.Int64N(messages[key]+1), at
		default:
			messages[key]++
			c.Op, c.Number, c.Message = command.MessageCreate, messages[key], fmt.Sprint("m", i)
		}
		entries = append(entries, Entry{Offset: int64(i), Command: c})
	}
	return entries
}

// oneByOne is how a fold is defined: each entry alone, in the order of the log.
func oneByOne(generation uint32, entries []Entry) (map[string]Application, map[ChatKey]Chat, map[MessageKey]Message) {
	applications, chats, messages := map[string]Application{}, map[ChatKey]Chat{}, map[MessageKey]Message{}
	for _, e := range entries {
		c, version := e.Command, position.Version(generation, e.Offset)
		chat, message := ChatKey{c.Application, c.Chat}, MessageKey{c.Application, c.Chat, c.Number}
		switch c.Op {
		case command.ApplicationCreate:
			applications[c.Application] = Application{Token: c.Application, Username: c.Username, Created: c.Time, Version: version}
		case command.ChatCreate:
			row := chats[chat]
			chats[chat] = Chat{Application: c.Application, Number: c.Chat, Messages: row.Messages, Created: c.Time, Version: version}
			owner := applications[c.Application]
			owner.Token, owner.Chats = c.Application, max(owner.Chats, c.Chat)
			applications[c.Application] = owner
		case command.MessageCreate:
			messages[message] = Message{Application: c.Application, Chat: c.Chat, Number: c.Number, Text: c.Message, Created: c.Time, Version: version}
			owner := chats[chat]
			owner.Application, owner.Number, owner.Messages = c.Application, c.Chat, max(owner.Messages, c.Number)
			chats[chat] = owner
		case command.MessageUpdate:
			if !messages[message].Deleted {
				messages[message] = Message{Application: c.Application, Chat: c.Chat, Number: c.Number, Text: c.Message, Created: c.Created, Edited: c.Time, Version: version}
			}
		case command.MessageDelete:
			if !messages[message].Deleted {
				messages[message] = Message{Application: c.Application, Chat: c.Chat, Number: c.Number, Deleted: true, Created: c.Created, Edited: c.Time, Version: version}
			}
		}
	}
	return applications, chats, messages
}

func TestFold(t *testing.T) {
	for seed := range uint64(300) {
		entries := chance(rand.New(rand.NewPCG(seed, 1)), 60)
		got := Fold(2, entries)
		applications, chats, messages := oneByOne(2, entries)
		if len(got.Applications) != len(applications) || len(got.Chats) != len(chats) || len(got.Messages) != len(messages) {
			t.Fatalf("seed %d: %d, %d, %d rows, want %d, %d, %d", seed, len(got.Applications), len(got.Chats), len(got.Messages), len(applications), len(chats), len(messages))
		}
		for i, a := range got.Applications {
			if a != applications[a.Token] || i > 0 && got.Applications[i-1].Token >= a.Token {
				t.Errorf("seed %d: %+v, want %+v in order", seed, a, applications[a.Token])
			}
		}
		for i, c := range got.Chats {
			want := chats[ChatKey{c.Application, c.Number}]
			if c != want || i > 0 && compareChats(got.Chats[i-1], c) >= 0 {
				t.Errorf("seed %d: %+v, want %+v in order", seed, c, want)
			}
		}
		for i, m := range got.Messages {
			want := messages[MessageKey{m.Application, m.Chat, m.Number}]
			if m != want || i > 0 && compareMessages(got.Messages[i-1], m) >= 0 {
				t.Errorf("seed %d: %+v, want %+v in order", seed, m, want)
			}
		}
		keyed := map[string]int64{}
		for _, k := range got.Keyed {
			keyed[k.ID] = k.Offset
		}
		want := map[string]int64{}
		for _, e := range entries {
			if e.Command.Keyed {
				want[e.Command.ID] = e.Offset
			}
		}
		if !reflect.DeepEqual(keyed, want) {
			t.Errorf("seed %d: keyed %v, want %v", seed, keyed, want)
		}
	}
}

func compareChats(a, b Chat) int {
	return compareEntries(&Entry{Command: command.Command{Application: a.Application, Chat: a.Number}}, &Entry{Command: command.Command{Application: b.Application, Chat: b.Number}})
}

func compareMessages(a, b Message) int {
	return compareEntries(&Entry{Command: command.Command{Application: a.Application, Chat: a.Chat, Number: a.Number}},
		&Entry{Command: command.Command{Application: b.Application, Chat: b.Chat, Number: b.Number}})
}

func BenchmarkFold(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	entries := make([]Entry, 1000)
	for i := range entries {
		entries[i] = Entry{Offset: int64(i), Command: command.Command{ID: fmt.Sprint(i), Op: command.MessageCreate,
			Application: fmt.Sprintf("%032x", r.IntN(100)), Chat: 1 + r.Int64N(10), Number: int64(i + 1), Message: "x"}}
	}
	b.ReportAllocs()
	for b.Loop() {
		Fold(1, entries)
	}
}

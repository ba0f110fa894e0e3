package main

import (
	"math/rand/v2"
	"strings"
	"time"

	"github.com/google/uuid"

	"chatlog/shared/command"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/position"
	"chatlog/shared/topic"
)

// What is generated: half of an application's messages are in its first chat, the
// deep one, the others in chats of a hundred, of which so many are talked in at once.
const (
	generatedText  = 200 // bytes
	generatedWords = 2000
	generatedChat  = 100 // messages
	generatedOpen  = 20  // chats
	generatedBytes = 900 << 10
)

// tenant is an application that was generated, and what it has.
type tenant struct {
	Token    string
	Chats    int64
	Deep     int64 // messages of chat 1
	Messages int64 // of all chats
}

// small is a chat of a hundred that is being talked in.
type small struct{ chat, messages, left int64 }

// sequence is what one partition gets: an application, its chats, its messages,
// numbered as ingest numbers them and each written for the offset at which it
// has to lie.
type sequence struct {
	tenant
	log       position.LogID
	next      int64 // the offset of the record that comes next
	random    *rand.Rand
	words     *vocabulary
	made      bool  // the application is there
	left      int64 // messages that are to come
	deepLeft  int64 // of them, those of the deep chat
	unopened  int64 // of them, those of chats that are not there yet
	smallOpen []small
}

// newSequence plans so many messages from an offset on. Texts depend on the
// partition and the offset alone, so that one plan gives the same texts again.
func newSequence(log position.LogID, partition int32, partitions int, next, messages int64, words *vocabulary) *sequence {
	s := &sequence{log: log, next: next, random: rand.New(rand.NewPCG(uint64(partition), uint64(next))), words: words,
		left: messages, deepLeft: messages / 2, unopened: messages - messages/2}
	for s.Token == "" || topic.PartitionOf([]byte(s.Token), partitions) != partition {
		s.Token = strings.ReplaceAll(uuid.NewString(), "-", "") // any 128 bits are a token
	}
	return s
}

// batch gives the records that come next, as many as fit one produce request;
// none at the end.
func (s *sequence) batch(now time.Time) (records []kafkaconn.Record) {
	for size := 0; size < generatedBytes; {
		c, more := s.step()
		if !more {
			break
		}
		c.ID, c.Application, c.Time = uuid.Must(uuid.NewV7()).String(), s.Token, command.Now(now)
		at := position.At{Log: s.log, Offset: s.next}
		r := kafkaconn.Record{Key: []byte(s.Token), Value: command.Encode(&c), Headers: []command.Header{{Key: command.HeaderAt, Value: at.Append(nil)}}}
		records = append(records, r)
		size += len(r.Key) + len(r.Value) + len(r.Headers[0].Value) + 32 // lengths, deltas and the header's name
		s.next++
	}
	return records
}

// step is the command that comes next. Messages of all chats are mixed, as when
// many talk at once: chats one after the other would lie in the views in the
// order of their keys, which no real log gives.
func (s *sequence) step() (command.Command, bool) {
	switch {
	case !s.made:
		s.made = true
		return command.Command{Op: command.ApplicationCreate, Username: "generated"}, true
	case s.Chats == 0:
		s.Chats = 1
		return command.Command{Op: command.ChatCreate, Chat: 1}, true
	case s.unopened > 0 && len(s.smallOpen) < generatedOpen:
		s.Chats++
		room := min(generatedChat, s.unopened)
		s.unopened -= room
		s.smallOpen = append(s.smallOpen, small{chat: s.Chats, left: room})
		return command.Command{Op: command.ChatCreate, Chat: s.Chats}, true
	case s.left == 0:
		return command.Command{}, false
	}
	c := command.Command{Op: command.MessageCreate, Message: s.words.text(s.random, generatedText)}
	if s.random.Int64N(s.left) < s.deepLeft { // by what is left of both, so both end together
		s.deepLeft--
		s.Deep++
		c.Chat, c.Number = 1, s.Deep
	} else {
		i := s.random.IntN(len(s.smallOpen))
		chat := &s.smallOpen[i]
		chat.messages++
		chat.left--
		c.Chat, c.Number = chat.chat, chat.messages
		if chat.left == 0 {
			s.smallOpen = append(s.smallOpen[:i], s.smallOpen[i+1:]...)
		}
	}
	s.left--
	s.Messages++
	return c, true
}

// vocabulary is made-up words by length, as many of each.
type vocabulary struct{ byLength [longest + 1][]string }

// Words have from shortest to longest letters.
const (
	shortest = 3
	longest  = 9
)

// newVocabulary makes words that are the same each time.
func newVocabulary(count int) *vocabulary {
	v, random, known := &vocabulary{}, rand.New(rand.NewPCG(1, 2)), map[string]bool{}
	for len(known) < count {
		word := make([]byte, shortest+len(known)%(longest-shortest+1))
		for i := range word {
			letters := [...]string{"bdfgklmnprstvz", "aeiou"}[i%2]
			word[i] = letters[random.IntN(len(letters))]
		}
		if !known[string(word)] {
			known[string(word)] = true
			v.byLength[len(word)] = append(v.byLength[len(word)], string(word))
		}
	}
	return v
}

// text is random words of so many bytes together, at least shortest. No word is
// cut: the cut ones would be words of their own to a search index.
func (v *vocabulary) text(random *rand.Rand, size int) string {
	out := make([]byte, 0, size)
	for {
		left := size - len(out)
		length := left // the last word
		if left > longest {
			length = shortest + random.IntN(min(longest, left-1-shortest)-shortest+1) // and room for another
		}
		words := v.byLength[length]
		out = append(out, words[random.IntN(len(words))]...)
		if left == length {
			return string(out)
		}
		out = append(out, ' ')
	}
}

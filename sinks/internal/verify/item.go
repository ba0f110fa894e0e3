package verify

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash/fnv"

	"chatlog/shared/command"
	"chatlog/shared/position"
)

// Table is one kind of rows or documents.
type Table uint8

// The tables, in the order in which rows can be removed: what refers to another
// row comes before it.
const (
	Keyed Table = iota
	Messages
	Chats
	Applications
)

// Item is a row or document as a view lists it.
type Item struct {
	Key
	Version int64 // a keyed command has none: its offset
	Count   int64 // chats of an application, messages of a chat
	Bare    bool  // numbers are counted, but the row of the last one is not there
	Stray   bool  // a document that lies where no such message is looked for
	Place   Place
}

// Key names an item.
type Key struct {
	Table        Table
	Application  string
	Chat, Number int64
	ID           string // of a keyed command
}

// Place is where a document lies, for those whose key does not say so.
type Place struct{ ID, Routing string }

// String names the item for people.
func (i Item) String() string {
	switch i.Table {
	case Keyed:
		return "keyed command " + i.ID
	case Chats:
		return fmt.Sprintf("chat %d of %s", i.Chat, i.Application)
	case Applications:
		return "application " + i.Application
	}
	if i.Stray {
		return fmt.Sprintf("document %q (routing %q)", i.Place.ID, i.Place.Routing)
	}
	return fmt.Sprintf("message %d of chat %d of %s", i.Number, i.Chat, i.Application)
}

// offset is that of the command that the item says it is from.
func (i Item) offset() int64 { return i.Version & offsetMask }

// from reports whether the item's version is one of a log's.
func (i Item) from(l command.Log) bool {
	return i.Table == Keyed || l.ID != "" && i.Version == position.Version(l.Generation, i.offset())
}

// makes gives the items that a command makes what they are.
func makes(c *command.Command) (all []Key) {
	switch c.Op {
	case command.ApplicationCreate:
		all = append(all, Key{Table: Applications, Application: c.Application})
	case command.ChatCreate:
		all = append(all, Key{Table: Chats, Application: c.Application, Chat: c.Chat})
	case command.MessageCreate, command.MessageUpdate, command.MessageDelete:
		all = append(all, Key{Table: Messages, Application: c.Application, Chat: c.Chat, Number: c.Number})
	}
	if c.Keyed {
		all = append(all, Key{Table: Keyed, ID: c.ID, Application: c.Application})
	}
	return all
}

// counts gives the item in which the number that a command gives is counted.
func counts(c *command.Command) (k Key, number int64) {
	switch c.Op {
	case command.ChatCreate:
		return Key{Table: Applications, Application: c.Application}, c.Chat
	case command.MessageCreate:
		return Key{Table: Chats, Application: c.Application, Chat: c.Chat}, c.Number
	}
	return Key{}, 0
}

// Sums are digests of a view's items, by the chat that they belong to: two sets
// of items with the same sums are the same. They take the same memory however
// many items there are.
type Sums []uint64

// sumsLength is how many sums there are.
const sumsLength = 1 << 16

// NewSums gives the sums of nothing.
func NewSums() Sums { return make(Sums, sumsLength) }

// add takes an item in.
func (s Sums) add(i Item) {
	var numbers [25]byte
	numbers[0] = byte(i.Table)
	binary.BigEndian.PutUint64(numbers[1:], uint64(i.Chat))
	binary.BigEndian.PutUint64(numbers[9:], uint64(i.Number))
	binary.BigEndian.PutUint64(numbers[17:], uint64(i.Version))
	digest := sha256.Sum256(append(numbers[:], i.Application+" "+i.ID...))
	s[s.of(i.Key)] += binary.BigEndian.Uint64(digest[:])
}

// of gives the sum that items of a key's chat are in.
func (s Sums) of(k Key) uint64 {
	h := fnv.New64a()
	h.Write([]byte(k.Application)) // a hash takes everything
	h.Write(binary.BigEndian.AppendUint64(nil, uint64(k.Chat)))
	return h.Sum64() % uint64(len(s))
}

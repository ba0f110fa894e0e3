package view

import (
	"cmp"
	"slices"

	"chatlog/shared/command"
	"chatlog/shared/position"
)

// ChatKey and MessageKey name a chat and a message across applications.
type ChatKey struct {
	Application string
	Number      int64
}

// MessageKey names a message across applications.
type MessageKey struct {
	Application  string
	Chat, Number int64
}

// Changes is what a batch comes to: every row at most once, in key order (so
// that concurrent transactions lock in one order and cannot deadlock).
//
// Applications and Chats hold the rows created in the batch, with their
// Version, and also those that merely had numbers given in it: these have
// Version 0 and only their count says anything. Counts are the greatest number
// given, because numbers have no gaps.
type Changes struct {
	Applications []Application
	Chats        []Chat
	Messages     []Message // whole rows, at their last version in this batch
	Keyed        []KeyedCommand
}

// Fold replays a batch's entries in memory. Edits and deletes carry the
// message's created time, so the whole row is known even when its create lies
// in an earlier batch; a later delete wins over everything.
func Fold(generation uint32, entries []Entry) Changes {
	f := fold{map[string]Application{}, map[ChatKey]Chat{}, map[MessageKey]Message{}}
	var out Changes
	for i := range entries {
		c := &entries[i].Command
		f.take(c, position.Version(generation, entries[i].Offset))
		if c.Keyed {
			out.Keyed = append(out.Keyed, KeyedCommand{ID: c.ID, Application: c.Application, Op: c.Op,
				Chat: c.Chat, Number: c.Number, Fingerprint: c.Fingerprint, Offset: entries[i].Offset})
		}
	}
	out.Applications = sorted(f.applications, func(a, b Application) int { return cmp.Compare(a.Token, b.Token) })
	out.Chats = sorted(f.chats, compareChats)
	out.Messages = sorted(f.messages, compareMessages)
	slices.SortFunc(out.Keyed, func(a, b KeyedCommand) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

type fold struct {
	applications map[string]Application
	chats        map[ChatKey]Chat
	messages     map[MessageKey]Message
}

func (f *fold) take(c *command.Command, version int64) {
	chat := ChatKey{c.Application, c.Chat}
	message := MessageKey{c.Application, c.Chat, c.Number}
	switch c.Op {
	case command.ApplicationCreate:
		f.applications[c.Application] = Application{Token: c.Application, Username: c.Username, Created: c.Time, Version: version}
	case command.ChatCreate:
		f.chats[chat] = Chat{Application: c.Application, Number: c.Chat, Created: c.Time, Version: version}
		row := f.applications[c.Application]
		row.Token, row.Chats = c.Application, max(row.Chats, c.Chat)
		f.applications[c.Application] = row
	case command.MessageCreate:
		f.messages[message] = Message{Application: c.Application, Chat: c.Chat, Number: c.Number, Text: c.Message, Created: c.Time, Version: version}
		row := f.chats[chat]
		row.Application, row.Number, row.Messages = c.Application, c.Chat, max(row.Messages, c.Number)
		f.chats[chat] = row
	case command.MessageUpdate, command.MessageDelete:
		f.messages[message] = change(f.messages[message], c, version)
	}
}

func change(old Message, c *command.Command, version int64) Message {
	if old.Deleted { // final: an edit after a delete is not written by ingest
		return old
	}
	m := Message{Application: c.Application, Chat: c.Chat, Number: c.Number, Created: c.Created, Version: version}
	if c.Op == command.MessageDelete {
		m.Deleted = true
		m.Edited = c.Time
		return m
	}
	m.Text, m.Edited = c.Message, c.Time
	return m
}

func sorted[K comparable, V any](rows map[K]V, compare func(a, b V) int) []V {
	out := make([]V, 0, len(rows))
	for _, row := range rows {
		out = append(out, row)
	}
	slices.SortFunc(out, compare)
	return out
}

func compareChats(a, b Chat) int {
	return cmp.Or(cmp.Compare(a.Application, b.Application), cmp.Compare(a.Number, b.Number))
}

func compareMessages(a, b Message) int {
	return cmp.Or(cmp.Compare(a.Application, b.Application), cmp.Compare(a.Chat, b.Chat), cmp.Compare(a.Number, b.Number))
}

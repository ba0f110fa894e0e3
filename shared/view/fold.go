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
//
// Sorted by what they are about, and by offset where that is the same, an
// application comes before its chats, a chat before its messages, and a message's
// changes lie side by side: rows come out in key order, by looking at the last one.
func Fold(generation uint32, entries []Entry) Changes {
	order := make([]*Entry, len(entries))
	for i := range entries {
		order[i] = &entries[i]
	}
	slices.SortFunc(order, compareEntries)
	out := Changes{Messages: make([]Message, 0, len(entries))}
	for _, e := range order {
		c := &e.Command
		out.take(c, position.Version(generation, e.Offset))
		if c.Keyed {
			out.Keyed = append(out.Keyed, KeyedCommand{ID: c.ID, Application: c.Application, Op: c.Op,
				Chat: c.Chat, Number: c.Number, Fingerprint: c.Fingerprint, Offset: e.Offset})
		}
	}
	slices.SortFunc(out.Keyed, func(a, b KeyedCommand) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

// compareEntries orders by key and then by offset. What creates an application has
// no chat, and what creates a chat no number.
func compareEntries(a, b *Entry) int {
	x, y := &a.Command, &b.Command
	if c := cmp.Compare(x.Application, y.Application); c != 0 {
		return c
	}
	if c := cmp.Compare(x.Chat, y.Chat); c != 0 {
		return c
	}
	if c := cmp.Compare(x.Number, y.Number); c != 0 {
		return c
	}
	return cmp.Compare(a.Offset, b.Offset)
}

func (out *Changes) take(c *command.Command, version int64) {
	switch c.Op {
	case command.ApplicationCreate:
		row := out.application(c)
		row.Username, row.Created, row.Version = c.Username, c.Time, version
	case command.ChatCreate:
		row := out.chat(c)
		row.Created, row.Version = c.Time, version
		owner := out.application(c)
		owner.Chats = max(owner.Chats, c.Chat)
	case command.MessageCreate:
		*out.message(c) = Message{Application: c.Application, Chat: c.Chat, Number: c.Number, Text: c.Message, Created: c.Time, Version: version}
		owner := out.chat(c)
		owner.Messages = max(owner.Messages, c.Number)
	case command.MessageUpdate, command.MessageDelete:
		row := out.message(c)
		*row = change(*row, c, version)
	}
}

// application, chat and message give the row that a command is about: the last
// one, or a new one.
func (out *Changes) application(c *command.Command) *Application {
	last := len(out.Applications) - 1
	if last < 0 || out.Applications[last].Token != c.Application {
		out.Applications = append(out.Applications, Application{Token: c.Application})
		last++
	}
	return &out.Applications[last]
}

func (out *Changes) chat(c *command.Command) *Chat {
	last := len(out.Chats) - 1
	if last < 0 || out.Chats[last].Number != c.Chat || out.Chats[last].Application != c.Application {
		out.Chats = append(out.Chats, Chat{Application: c.Application, Number: c.Chat})
		last++
	}
	return &out.Chats[last]
}

func (out *Changes) message(c *command.Command) *Message {
	last := len(out.Messages) - 1
	if last < 0 || out.Messages[last].Number != c.Number || out.Messages[last].Chat != c.Chat || out.Messages[last].Application != c.Application {
		out.Messages = append(out.Messages, Message{})
		last++
	}
	return &out.Messages[last]
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

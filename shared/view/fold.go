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
type Changes struct {
	Applications  []Application // created in this batch
	Chats         []Chat        // created in this batch
	Messages      []Message     // whole rows, at their last version in this batch
	ChatCounts    []Application // Token and Chats: greatest chat number given per application
	MessageCounts []Chat        // Application, Number and Messages: likewise per chat
	Keyed         []KeyedCommand
}

// Fold replays a batch's entries in memory. Edits and deletes carry the
// message's created time, so the whole row is known even when its create lies
// in an earlier batch; a later delete wins over everything.
func Fold(generation uint32, entries []Entry) Changes {
	var (
		out           Changes
		applications  = map[string]Application{}
		chats         = map[ChatKey]Chat{}
		messages      = map[MessageKey]Message{}
		chatCounts    = map[string]int64{}
		messageCounts = map[ChatKey]int64{}
	)
	for i := range entries {
		c := &entries[i].Command
		version := position.Version(generation, entries[i].Offset)
		chat := ChatKey{c.Application, c.Chat}
		message := MessageKey{c.Application, c.Chat, c.Number}
		switch c.Op {
		case command.ApplicationCreate:
			applications[c.Application] = Application{Token: c.Application, Username: c.Username, Created: c.Time, Version: version}
		case command.ChatCreate:
			chats[chat] = Chat{Application: c.Application, Number: c.Chat, Created: c.Time, Version: version}
			chatCounts[c.Application] = max(chatCounts[c.Application], c.Chat)
		case command.MessageCreate:
			messages[message] = Message{Application: c.Application, Chat: c.Chat, Number: c.Number, Text: c.Message, Created: c.Time, Version: version}
			messageCounts[chat] = max(messageCounts[chat], c.Number)
		case command.MessageUpdate, command.MessageDelete:
			messages[message] = change(messages[message], c, version)
		}
		if c.Keyed {
			out.Keyed = append(out.Keyed, KeyedCommand{ID: c.ID, Application: c.Application, Op: c.Op,
				Chat: c.Chat, Number: c.Number, Fingerprint: c.Fingerprint, Offset: entries[i].Offset})
		}
	}
	out.Applications = sorted(applications, func(a, b Application) int { return cmp.Compare(a.Token, b.Token) })
	out.Chats = sorted(chats, compareChats)
	out.Messages = sorted(messages, compareMessages)
	for token, count := range chatCounts {
		out.ChatCounts = append(out.ChatCounts, Application{Token: token, Chats: count})
	}
	slices.SortFunc(out.ChatCounts, func(a, b Application) int { return cmp.Compare(a.Token, b.Token) })
	for key, count := range messageCounts {
		out.MessageCounts = append(out.MessageCounts, Chat{Application: key.Application, Number: key.Number, Messages: count})
	}
	slices.SortFunc(out.MessageCounts, compareChats)
	slices.SortFunc(out.Keyed, func(a, b KeyedCommand) int { return cmp.Compare(a.ID, b.ID) })
	return out
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

package audit

import (
	"fmt"
	"sort"
	"time"
)

// Application, Chat and Message are what a fold of the log says must be.
type Application struct {
	Username string
	Chats    int64
	Created  time.Time
	Version  int64
}

// Chat is one chat.
type Chat struct {
	Messages int64
	Created  time.Time
	Version  int64
}

// Message is one message; a deleted one has no text.
type Message struct {
	Text            string
	Created, Edited time.Time
	Deleted         bool
	Version         int64
}

// Command is one keyed command.
type Command struct {
	Application, Op string
	Chat, Number    int64
	Fingerprint     string
	Offset          int64
}

// ChatKey names a chat.
type ChatKey struct {
	Application string
	Chat        int64
}

// MessageKey names a message.
type MessageKey struct {
	Application  string
	Chat, Number int64
}

// Finding is one thing that is not as it must be.
type Finding struct {
	Where string // log, rows, index, api
	What  string
}

// String shows it in one line.
func (f Finding) String() string { return f.Where + ": " + f.What }

// Truth is a fold of the log, and what was found wrong so far.
type Truth struct {
	Log          Log
	Applications map[string]Application
	Chats        map[ChatKey]Chat
	Messages     map[MessageKey]Message
	Commands     map[string]Command // keyed ones, by id
	Refused      map[Place]int      // dead letters of imports under different keys, by where the record lies in their topic
	ToldAgain    int                // dead letters of imports under a key that was there: of instances whose leases overlapped
	Findings     []Finding
	ids          map[string]struct{}
}

func newTruth() *Truth {
	return &Truth{Log: Log{Ends: map[int32]int64{}, Ignored: map[string]int{}, Strangers: map[Place]bool{}}, Applications: map[string]Application{}, Chats: map[ChatKey]Chat{},
		Messages: map[MessageKey]Message{}, Commands: map[string]Command{}, ids: map[string]struct{}{}}
}

func (t *Truth) find(where, format string, args ...any) {
	t.Findings = append(t.Findings, Finding{where, fmt.Sprintf(format, args...)})
}

// fold applies one command that counts. Numbers must follow one another.
func (t *Truth) fold(c record, partition int32, offset, version int64) {
	if _, twice := t.ids[c.ID]; twice {
		t.find("log", "command %s counts twice, at partition %d offset %d again", c.ID, partition, offset)
	}
	t.ids[c.ID] = struct{}{}
	if c.Keyed {
		t.Commands[c.ID] = Command{c.Application, c.Op, c.Chat, c.Number, c.Fingerprint, offset}
	}
	chat, message := ChatKey{c.Application, c.Chat}, MessageKey{c.Application, c.Chat, c.Number}
	wrong := ""
	switch c.Op {
	case "application.create":
		if _, there := t.Applications[c.Application]; there {
			wrong = "the application is there already"
		}
		t.Applications[c.Application] = Application{Username: c.Username, Created: c.Time, Version: version}
	case "chat.create":
		a, there := t.Applications[c.Application]
		if !there || c.Chat != a.Chats+1 {
			wrong = fmt.Sprintf("the next chat is %d", a.Chats+1)
		}
		a.Chats = c.Chat
		t.Applications[c.Application] = a
		t.Chats[chat] = Chat{Created: c.Time, Version: version}
	case "message.create":
		row, there := t.Chats[chat]
		if !there || c.Number != row.Messages+1 {
			wrong = fmt.Sprintf("the next message is %d", row.Messages+1)
		}
		row.Messages = c.Number
		t.Chats[chat] = row
		t.Messages[message] = Message{Text: c.Message, Created: c.Time, Version: version}
	case "message.update", "message.delete":
		wrong = t.change(message, c, version)
	default:
		wrong = "no such operation"
	}
	if wrong != "" {
		t.find("log", "partition %d offset %d: %s of chat %d number %d: %s", partition, offset, c.Op, c.Chat, c.Number, wrong)
	}
}

func (t *Truth) change(key MessageKey, c record, version int64) string {
	m, there := t.Messages[key]
	switch {
	case !there:
		return "there is no such message"
	case m.Deleted:
		return "the message is deleted"
	case !m.Created.Equal(c.Created):
		return "it carries another created time than the message"
	}
	m.Text, m.Edited, m.Version, m.Deleted = c.Message, c.Time, version, c.Op == "message.delete"
	t.Messages[key] = m
	return ""
}

// Report counts findings by place and shows the first of them.
func (t *Truth) Report(most int) string {
	if len(t.Findings) == 0 {
		return "nothing found"
	}
	sort.SliceStable(t.Findings, func(i, j int) bool { return t.Findings[i].Where < t.Findings[j].Where })
	out := fmt.Sprintf("%d findings\n", len(t.Findings))
	for _, f := range t.Findings[:min(most, len(t.Findings))] {
		out += "  " + f.String() + "\n"
	}
	return out
}

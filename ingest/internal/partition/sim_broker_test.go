package partition

import (
	"chatlog/shared/command"
	"chatlog/shared/view"
)

// simLog is one partition of a broker: what was appended, and how far it is
// replicated. Readers see no further than the high watermark.
type simLog struct {
	records []command.Record
	high    int64
}

func (l *simLog) append(batch []Record) (base int64) {
	base = int64(len(l.records))
	for i, r := range batch {
		l.records = append(l.records, command.Record{Offset: base + int64(i), Key: r.Key, Value: r.Value,
			Headers: []command.Header{{Key: command.HeaderAt, Value: r.At}}})
	}
	return base
}

func (l *simLog) read(from int64, most int) ReadResult {
	if from > int64(len(l.records)) {
		return ReadResult{OutOfRange: true}
	}
	to := min(from+int64(most), l.high)
	r := ReadResult{Next: from, HighWatermark: l.high}
	if to > from {
		r.Records, r.Next = l.records[from:to], to
	}
	return r
}

// simView is a view that follows the log at its own pace. It remembers its
// whole past, so that it can be set back like a database from a dump.
type simView struct {
	log   *simLog
	judge command.Log
	rows  simRows
	past  []simRows
	turns int
}

type simRows struct {
	progress     view.Progress
	applications map[string]view.Application
	chats        map[view.ChatKey]view.Chat
	messages     map[view.MessageKey]view.Message
	commands     map[string]view.KeyedCommand
}

func newSimRows() simRows {
	return simRows{progress: view.Progress{LastOffset: unset}, applications: map[string]view.Application{},
		chats: map[view.ChatKey]view.Chat{}, messages: map[view.MessageKey]view.Message{}, commands: map[string]view.KeyedCommand{}}
}

func (r simRows) clone() simRows {
	c := newSimRows()
	c.progress = r.progress
	for k, v := range r.applications {
		c.applications[k] = v
	}
	for k, v := range r.chats {
		c.chats[k] = v
	}
	for k, v := range r.messages {
		c.messages[k] = v
	}
	for k, v := range r.commands {
		c.commands[k] = v
	}
	return c
}

// follow takes up to most records into the view.
func (v *simView) follow(most int64) {
	if v.turns++; v.turns%32 == 0 {
		v.past = append(v.past, v.rows.clone())
	}
	for end := min(v.rows.progress.Next+most, v.log.high); v.rows.progress.Next < end; v.rows.progress.Next++ {
		v.take(&v.log.records[v.rows.progress.Next])
	}
}

func (v *simView) take(r *command.Record) {
	log := v.judge
	log.ID, log.Generation = v.rows.progress.Log, v.rows.progress.Generation
	reading := command.Read(log, r)
	if reading.Verdict != command.Counts {
		return
	}
	c := reading.Command
	v.rows.progress.LastID, v.rows.progress.LastOffset = c.ID, r.Offset
	if c.Op == command.LogOpen {
		v.rows.progress.Log, v.rows.progress.Generation = c.Log, c.Generation
		return
	}
	changes := view.Fold(1, []view.Entry{{Offset: r.Offset, Command: c}})
	for _, a := range changes.Applications {
		a.Chats = max(a.Chats, v.rows.applications[a.Token].Chats)
		v.rows.applications[a.Token] = a
	}
	for _, chat := range changes.Chats {
		key := view.ChatKey{Application: chat.Application, Number: chat.Number}
		chat.Messages = max(chat.Messages, v.rows.chats[key].Messages)
		v.rows.chats[key] = chat
	}
	for _, m := range changes.Messages {
		v.rows.messages[view.MessageKey{Application: m.Application, Chat: m.Chat, Number: m.Number}] = m
	}
	for _, k := range changes.Keyed {
		v.rows.commands[k.ID] = k
	}
}

// setBack restores some earlier state.
func (v *simView) setBack(to int) {
	if len(v.past) > 0 {
		v.rows = v.past[to%len(v.past)].clone()
	}
}

func (v *simView) load(k Keys) Rows {
	s := v.rows
	rows := Rows{Progress: s.progress, Applications: map[string]view.Application{}, Chats: map[view.ChatKey]view.Chat{},
		Messages: map[view.MessageKey]view.Message{}, Commands: map[string]view.KeyedCommand{}}
	pick(rows.Applications, s.applications, k.Applications)
	pick(rows.Chats, s.chats, k.Chats)
	pick(rows.Messages, s.messages, k.Messages)
	pick(rows.Commands, s.commands, k.Commands)
	return rows
}

func pick[K comparable, V any](to, from map[K]V, keys []K) {
	for _, key := range keys {
		if v, found := from[key]; found {
			to[key] = v
		}
	}
}

// anywhere puts every key into partition 0: the simulation has one.
func anywhere([]byte) int32 { return 0 }

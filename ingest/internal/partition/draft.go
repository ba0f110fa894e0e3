package partition

import (
	"time"

	"chatlog/shared/command"
	"chatlog/shared/fault"
	"chatlog/shared/position"
	"chatlog/shared/view"
)

// draft is a batch in the making: the state as it would be if everything
// planned so far were appended. It is begun anew for each batch.
type draft struct {
	state        *state
	now          time.Time
	applications map[string]applicationState
	chats        map[view.ChatKey]chatState
	messages     map[view.MessageKey]messageState
	ids          map[string]bool // command ids in the batch
	commands     []command.Command
	records      []Record
	planned      []*Call
	bytes        int
	memory       []byte // of the records; the batch on its way keeps it
}

// Record is one record of a batch as it is produced.
type Record struct {
	Key   []byte
	Value []byte
	At    []byte // the `at` header
	Trace []byte // the `traceparent` header; nil: none
}

// begin makes the draft empty. expected is the number of calls it may take.
func (d *draft) begin(s *state, now time.Time, expected int) {
	if d.ids == nil {
		d.applications, d.chats = map[string]applicationState{}, map[view.ChatKey]chatState{}
		d.messages, d.ids = map[view.MessageKey]messageState{}, map[string]bool{}
	}
	clear(d.applications)
	clear(d.chats)
	clear(d.messages)
	clear(d.ids)
	d.state, d.now, d.bytes, d.memory = s, command.Now(now), 0, nil
	d.commands, d.records, d.planned = make([]command.Command, 0, expected), make([]Record, 0, expected), make([]*Call, 0, expected)
}

// outcome is what a draft makes of a call.
type outcome uint8

const (
	include outcome = iota + 1 // goes into the batch
	answer                     // has its reply already
	wait                       // has to wait until the batch is decided
	load                       // needs rows of the view
	deny                       // names something that is not there
	refuse                     // can never be done
)

type verdict struct {
	outcome outcome
	command command.Command
	reply   Reply
	needs   Keys
	err     error
}

var (
	errApplication = fault.New(fault.NotFound, "Application not found")
	errChat        = fault.New(fault.NotFound, "Chat not found")
	errMessage     = fault.New(fault.NotFound, "Message not found")
	errOtherBody   = fault.New(fault.Conflict, "Idempotency-Key was used with another request")
	errDamaged     = fault.New(fault.Transient, "The message is being repaired, try again later")
)

// judge decides about one call without changing anything.
func (d *draft) judge(c *Call) verdict {
	r := &c.Request
	if d.ids[r.ID] { // the same key with another body: the first decides
		return verdict{outcome: wait}
	}
	if r.Keyed {
		known, found := d.state.keyed.get(r.ID)
		switch {
		case !found:
			return verdict{outcome: load, needs: d.needs(c)}
		case known.exists && known.fingerprint != r.Fingerprint && r.Import:
			return verdict{outcome: refuse, err: errOtherImport}
		case known.exists && known.fingerprint != r.Fingerprint:
			return verdict{outcome: refuse, err: errOtherBody}
		case known.exists:
			return verdict{outcome: answer, reply: known.reply}
		}
	}
	if r.Find {
		return verdict{outcome: deny, err: errApplication}
	}
	v := d.number(c)
	if v.outcome == include {
		v.command.ID, v.command.Op, v.command.Time = r.ID, r.Op, d.now
		if !r.Time.IsZero() {
			v.command.Time = r.Time
		}
		v.command.Application = r.Application
		v.command.Keyed, v.command.Fingerprint = r.Keyed, r.Fingerprint
	}
	return v
}

// number finds the number that a request gets, or what stands against it.
func (d *draft) number(c *Call) verdict {
	r := &c.Request
	switch r.Op {
	case command.ApplicationCreate:
		// Nobody draws another's 128 random bits, but a token that comes from a
		// key has to be looked up: made twice, it would count its chats from 1.
		known, found := d.application(r.Application)
		if !found && r.Keyed {
			return verdict{outcome: load, needs: d.needs(c)}
		}
		if known.exists && r.Import {
			return verdict{outcome: refuse, err: errThere}
		}
		if known.exists {
			return verdict{outcome: refuse, err: errOtherBody}
		}
		return verdict{outcome: include, command: command.Command{Username: r.Username}}
	case command.ChatCreate:
		known, found := d.application(r.Application)
		if !found {
			return verdict{outcome: load, needs: d.needs(c)}
		}
		if !known.exists {
			return verdict{outcome: deny, err: errApplication}
		}
		if r.Import && r.Chat != 0 && r.Chat != known.chats+1 {
			return verdict{outcome: refuse, err: notNext("chat", r.Chat, known.chats+1)}
		}
		return verdict{outcome: include, command: command.Command{Chat: known.chats + 1}}
	}
	chat, found := d.chat(c.chat())
	if !found {
		return verdict{outcome: load, needs: d.needs(c)}
	}
	if r.Op == command.MessageCreate {
		if !chat.exists {
			return verdict{outcome: deny, err: errChat}
		}
		if r.Import && r.Number != 0 && r.Number != chat.messages+1 {
			return verdict{outcome: refuse, err: notNext("message", r.Number, chat.messages+1)}
		}
		return verdict{outcome: include, command: command.Command{Chat: r.Chat, Number: chat.messages + 1, Message: r.Message}}
	}
	if !chat.exists || r.Number > chat.messages {
		return verdict{outcome: deny, err: errMessage}
	}
	return d.change(c)
}

// change judges an edit or a delete of a message that was given a number.
func (d *draft) change(c *Call) verdict {
	r := &c.Request
	known, found := d.message(c.message())
	switch {
	case !found:
		return verdict{outcome: load, needs: d.needs(c)}
	case !known.exists:
		return verdict{outcome: refuse, err: errDamaged}
	case known.deleted && r.Op == command.MessageDelete:
		if _, drafted := d.messages[c.message()]; drafted {
			return verdict{outcome: wait}
		}
		// The tombstone lies somewhere before the end; whoever waits for the
		// end's last record sees it.
		return verdict{outcome: answer, reply: Reply{Chat: r.Chat, Number: r.Number, Offset: d.state.end - 1}}
	case known.deleted:
		if _, drafted := d.messages[c.message()]; drafted {
			return verdict{outcome: wait}
		}
		return verdict{outcome: refuse, err: errMessage}
	case !r.Created.IsZero() && !r.Created.Equal(known.created):
		return verdict{outcome: refuse, err: otherCreated(r.Created, known.created)}
	}
	return verdict{outcome: include, command: command.Command{
		Chat: r.Chat, Number: r.Number, Message: r.Message, Created: known.created}}
}

// needs names every row that the call wants and the state lacks, so that one
// load is enough.
func (d *draft) needs(c *Call) Keys {
	var k Keys
	r := &c.Request
	if r.Keyed {
		if _, found := d.state.keyed.get(r.ID); !found {
			k.Commands = append(k.Commands, r.ID)
		}
	}
	switch r.Op {
	case command.ApplicationCreate, command.ChatCreate:
		if r.Op == command.ApplicationCreate && !r.Keyed {
			return k
		}
		if _, found := d.application(r.Application); !found {
			k.Applications = append(k.Applications, r.Application)
		}
		return k
	}
	if _, found := d.chat(c.chat()); !found {
		k.Chats = append(k.Chats, c.chat())
	}
	if r.Op == command.MessageCreate {
		return k
	}
	if _, found := d.message(c.message()); !found {
		k.Messages = append(k.Messages, c.message())
	}
	return k
}

func (d *draft) application(token string) (applicationState, bool) {
	if known, found := d.applications[token]; found {
		return known, true
	}
	return d.state.applications.get(token)
}

func (d *draft) chat(key view.ChatKey) (chatState, bool) {
	if known, found := d.chats[key]; found {
		return known, true
	}
	return d.state.chats.get(key)
}

func (d *draft) message(key view.MessageKey) (messageState, bool) {
	if known, found := d.messages[key]; found {
		return known, true
	}
	return d.state.messages.get(key)
}

// recordOverhead is a bound on what a record costs beyond key, value and the
// text of its headers: varint lengths, attributes, deltas, header names.
const recordOverhead = 64

// typicalRecord is the memory that a batch is given for each record to begin with.
const typicalRecord = 512

// record writes a command for the place that it gets in the batch.
func (d *draft) record(cmd *command.Command) Record {
	if d.memory == nil {
		d.memory = make([]byte, 0, cap(d.records)*typicalRecord)
	}
	begin := len(d.memory)
	d.memory = append(d.memory, cmd.Application...)
	key := len(d.memory)
	d.memory = command.Append(d.memory, cmd)
	value := len(d.memory)
	at := position.At{Log: d.state.log.ID, Offset: d.state.end + int64(len(d.records))}
	d.memory = at.Append(d.memory)
	end := len(d.memory)
	return Record{Key: d.memory[begin:key:key], Value: d.memory[key:value:value], At: d.memory[value:end:end]}
}

// add puts a numbered command into the batch unless it would grow beyond the
// limits. A batch takes at least one command whatever its size: the broker
// has the last word on that one.
func (d *draft) add(c *Call, cmd command.Command, limit batchLimit) bool {
	r := d.record(&cmd)
	size := len(r.Key) + len(r.Value) + len(r.At) + recordOverhead
	if c.Request.Trace != "" {
		r.Trace = []byte(c.Request.Trace)
		size += len(r.Trace) + len(command.HeaderTrace)
	}
	if len(d.records) > 0 && (len(d.records) >= limit.records || d.bytes+size > limit.bytes) {
		return false
	}
	d.bytes += size
	d.records = append(d.records, r)
	d.commands = append(d.commands, cmd)
	d.planned = append(d.planned, c)
	d.ids[cmd.ID] = true
	chat := view.ChatKey{Application: cmd.Application, Number: cmd.Chat}
	message := view.MessageKey{Application: cmd.Application, Chat: cmd.Chat, Number: cmd.Number}
	switch cmd.Op {
	case command.ApplicationCreate:
		d.applications[cmd.Application] = applicationState{exists: true}
	case command.ChatCreate:
		d.applications[cmd.Application] = applicationState{exists: true, chats: cmd.Chat}
		d.chats[chat] = chatState{exists: true}
	case command.MessageCreate:
		d.chats[chat] = chatState{exists: true, messages: cmd.Number}
		d.messages[message] = messageState{exists: true, created: cmd.Time}
	case command.MessageUpdate, command.MessageDelete:
		d.messages[message] = messageState{exists: true, deleted: cmd.Op == command.MessageDelete, created: cmd.Created}
	}
	return true
}

// batchLimit bounds one batch.
type batchLimit struct {
	records int
	bytes   int
}

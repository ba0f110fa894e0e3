package partition

import (
	"time"

	"chatlog/shared/command"
	"chatlog/shared/view"
)

// Limits bound what an owner holds in memory, per partition.
type Limits struct {
	// Chats is the number of applications, and of chats, kept in memory; those
	// used least recently are dropped once the view has them.
	Chats int
	// Messages is the same for messages and for keyed commands.
	Messages int
	// Unsunk is the hard bound of all entries together. It is reached only
	// when the view is so far behind that nothing can be dropped; writes are
	// then refused until it has caught up.
	Unsunk int
}

// kept is how many entries there may be without any that has to be dropped.
func (l Limits) kept() int { return 2*l.Chats + 2*l.Messages }

type applicationState struct {
	exists bool
	chats  int64 // the last chat number given
}

type chatState struct {
	exists   bool
	messages int64 // the last message number given
}

type messageState struct {
	exists  bool
	deleted bool
	created time.Time
}

type keyedState struct {
	exists      bool
	fingerprint string
	reply       Reply
}

// state is an overlay over the view: what was touched since, plus what was
// read from the view for it. An item that is not in it has to be loaded.
//
// Everything changed at or after watermark is in the overlay; so a row of the
// view together with a progress that is not behind watermark is the truth for
// an item that the overlay does not have.
type state struct {
	log          command.Log
	end          int64 // the next offset; every record before it is applied
	watermark    int64 // the highest view progress that justified a start or a drop
	progress     int64 // the highest view progress seen since
	applications table[string, applicationState]
	chats        table[view.ChatKey, chatState]
	messages     table[view.MessageKey, messageState]
	keyed        table[string, keyedState]
}

// newState starts an overlay at a view's progress.
func newState(log command.Log, progress int64) state {
	return state{
		log:          log,
		end:          progress,
		watermark:    progress,
		progress:     progress,
		applications: newTable[string, applicationState](),
		chats:        newTable[view.ChatKey, chatState](),
		messages:     newTable[view.MessageKey, messageState](),
		keyed:        newTable[string, keyedState](),
	}
}

// apply takes one counting command into the overlay. Numbers are absolute, so
// one record is all that has to be known of its chat or application.
func (s *state) apply(offset int64, c *command.Command) {
	chat := view.ChatKey{Application: c.Application, Number: c.Chat}
	message := view.MessageKey{Application: c.Application, Chat: c.Chat, Number: c.Number}
	switch c.Op {
	case command.LogOpen:
		s.log.ID, s.log.Generation = c.Log, c.Generation
	case command.ApplicationCreate:
		s.applications.put(c.Application, applicationState{exists: true}, offset)
	case command.ChatCreate:
		s.applications.put(c.Application, applicationState{exists: true, chats: c.Chat}, offset)
		s.chats.put(chat, chatState{exists: true}, offset)
	case command.MessageCreate:
		s.chats.put(chat, chatState{exists: true, messages: c.Number}, offset)
		s.messages.put(message, messageState{exists: true, created: c.Time}, offset)
	case command.MessageUpdate:
		if known, found := s.messages.get(message); !found || !known.deleted {
			s.messages.put(message, messageState{exists: true, created: c.Created}, offset)
		}
	case command.MessageDelete:
		s.messages.put(message, messageState{exists: true, deleted: true, created: c.Created}, offset)
	}
	if c.Keyed {
		s.keyed.put(c.ID, keyedState{exists: true, fingerprint: c.Fingerprint,
			reply: Reply{Chat: c.Chat, Number: c.Number, Offset: offset}}, offset)
	}
}

// load takes rows of the view into the overlay; keys that were asked for and
// not found are kept as absent.
func (s *state) load(keys Keys, rows Rows) {
	for _, token := range keys.Applications {
		row, found := rows.Applications[token]
		s.applications.load(token, applicationState{exists: found, chats: row.Chats})
	}
	for _, key := range keys.Chats {
		row, found := rows.Chats[key]
		s.chats.load(key, chatState{exists: found, messages: row.Messages})
	}
	for _, key := range keys.Messages {
		row, found := rows.Messages[key]
		s.messages.load(key, messageState{exists: found, deleted: row.Deleted, created: row.Created})
	}
	for _, id := range keys.Commands {
		row, found := rows.Commands[id]
		s.keyed.load(id, keyedState{exists: found, fingerprint: row.Fingerprint,
			reply: Reply{Chat: row.Chat, Number: row.Number, Offset: row.Offset}})
	}
}

// evictScan bounds the work of one eviction, in entries per table.
const evictScan = 256

// evict brings the overlay back within its limits as far as the view's
// progress allows and returns the number of entries dropped that had changed.
func (s *state) evict(l Limits) int {
	scan := evictScan
	if s.size() >= l.Unsunk {
		scan = s.size()
	}
	dropped := s.applications.evict(l.Chats, s.progress, scan) +
		s.chats.evict(l.Chats, s.progress, scan) +
		s.messages.evict(l.Messages, s.progress, scan) +
		s.keyed.evict(l.Messages, s.progress, scan)
	if dropped > 0 {
		s.watermark = max(s.watermark, s.progress)
	}
	return dropped
}

// size is the number of entries held.
func (s *state) size() int {
	return s.applications.len() + s.chats.len() + s.messages.len() + s.keyed.len()
}

// over reports whether some table is beyond its limit, so that the view's
// progress should be looked at.
func (s *state) over(l Limits) bool {
	return s.applications.len() > l.Chats || s.chats.len() > l.Chats ||
		s.messages.len() > l.Messages || s.keyed.len() > l.Messages
}

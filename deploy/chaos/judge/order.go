package judge

import (
	"math"
	"time"

	"github.com/anishathalye/porcupine"

	"chatlog/deploy/chaos/history"
)

// orderTime bounds the search for an order of one chat or message.
const orderTime = 20 * time.Second

// step is what one call did to a chat's last number or to a message.
type step struct {
	kind   history.Kind
	number int64 // of a create in a chat
	absent bool  // the call was answered 404
}

// chatModel is a chat as a counter: each create gives the next number.
var chatModel = porcupine.Model{
	Init: func() any { return int64(0) },
	Step: func(state, input, _ any) (bool, any) {
		last, s := state.(int64), input.(step)
		return s.number == last+1, last + 1
	},
}

// What a message can be.
const (
	none = iota
	live
	gone
)

// messageModel is a message's life: created, edited as long as it is there,
// deleted for good. 404 is right only when it is not there.
var messageModel = porcupine.Model{
	Init: func() any { return none },
	Step: func(state, input, _ any) (bool, any) {
		now, s := state.(int), input.(step)
		switch {
		case s.absent:
			return now != live, now
		case s.kind == history.CreateMessage:
			return now == none, live
		case s.kind == history.Update:
			return now == live, live
		default: // a delete is answered with success each time
			return now != none, gone
		}
	},
}

// order looks for an order of all calls, for each chat and each message, in
// which every call takes effect at one moment between its begin and its end
// (linearizability). A call whose client never learned the outcome takes its
// number from the log, and may take effect at any time after its begin.
func order(v *Verdict, calls []history.Call, log *Log) {
	chats, messages := map[chatKey][]porcupine.Operation{}, map[messageKey][]porcupine.Operation{}
	contended := map[messageKey]bool{}
	for i := range calls {
		c := &calls[i]
		if c.Repeat || c.Outcome == history.Fail {
			continue
		}
		op, key, ok := operation(c, log)
		if !ok {
			continue
		}
		s := op.Input.(step)
		if s.kind == history.CreateMessage {
			chats[chatKey{c.App, c.Chat}] = append(chats[chatKey{c.App, c.Chat}], op)
		} else {
			contended[key] = true
		}
		messages[key] = append(messages[key], op)
	}
	check := func(what any, model porcupine.Model, ops []porcupine.Operation) {
		switch porcupine.CheckOperationsTimeout(model, ops, orderTime) {
		case porcupine.Ok:
			v.Ordered++
		case porcupine.Illegal:
			v.find(Order, "the %d calls on %v", len(ops), what)
		default:
			v.Open++
		}
	}
	for key, ops := range chats {
		check(key, chatModel, ops)
	}
	for key := range contended {
		check(key, messageModel, messages[key])
	}
}

// operation makes a call one of porcupine's. It is none when it did nothing
// that the order of others depends on.
func operation(c *history.Call, log *Log) (porcupine.Operation, messageKey, bool) {
	op := porcupine.Operation{ClientId: max(0, c.Client), Call: c.Begin, Return: c.End}
	s := step{kind: c.Kind, number: c.Number, absent: c.Outcome == history.NotFound}
	key := messageKey{c.App, c.Chat, c.Number}
	switch c.Kind {
	case history.CreateMessage, history.Update:
		if c.Outcome == history.Unknown {
			found := log.creates[c.Text]
			if c.Kind == history.Update {
				found = log.updates[c.Text]
			}
			if len(found) == 0 {
				return op, key, false
			}
			s.number, key.number, op.Return = found[0].Number, found[0].Number, math.MaxInt64
		}
	case history.Delete:
		if c.Outcome == history.Unknown {
			op.Return = math.MaxInt64 // it may be the one that the log has
		}
	case history.GetMessage:
		if c.Outcome != history.NotFound {
			return op, key, false // it may show what was, unless it carries a token, which is checked by itself
		}
	default:
		return op, key, false
	}
	op.Input = s
	return op, key, true
}

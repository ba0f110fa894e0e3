package judge

import (
	"strconv"
	"strings"

	"chatlog/deploy/audit"
	"chatlog/deploy/chaos/history"
)

// writes judges one write after the other.
type writes struct {
	verdict *Verdict
	log     *Log
	given   map[messageKey]int       // how many calls were given a number
	firsts  map[string]*history.Call // by key: the first call with it that was answered
}

func (w *writes) judge(c *history.Call) {
	v := w.verdict
	if c.Repeat {
		v.Repeats++
		w.repeat(c)
		return
	}
	for _, t := range c.Tries {
		if t.Status == 0 || strings.Contains(t.Body, "unknown") {
			if c.Outcome == history.OK {
				v.Settled++
			}
			break
		}
	}
	switch c.Outcome {
	case history.OK:
		v.Acked++
		w.acked(c)
		if c.Key != "" {
			w.firsts[c.Key] = c
		}
	case history.NotFound:
		w.written(c, 0, "answered 404")
		if c.Kind != history.Update { // chats stay, and a delete is answered with success each time
			v.find(Denied, "%s in %s chat %d by client %d at %.3f s", c.Kind, c.App, c.Chat, c.Client, seconds(c.End))
		}
	case history.Fail:
		v.Refused++
		if c.Detail != "" && !strings.HasPrefix(c.Detail, "503 {") {
			v.find(Wrong, "%s by client %d at %.3f s: %s", c.Kind, c.Client, seconds(c.End), c.Detail)
		}
		w.written(c, 0, "refused")
	case history.Unknown:
		v.Unknown++
		if len(w.entries(c)) > 0 {
			v.Resolved++
		}
		w.written(c, 1, "unknown")
	}
}

// entries are the records of a call, which its text names. Chats have none, and
// deletes look alike: those are found by their number or position.
func (w *writes) entries(c *history.Call) []audit.Entry {
	switch c.Kind {
	case history.CreateApplication:
		return w.log.apps[c.Text]
	case history.CreateMessage:
		return w.log.creates[c.Text]
	case history.Update:
		return w.log.updates[c.Text]
	}
	return nil
}

// written refuses more records of a call than there may be.
func (w *writes) written(c *history.Call, most int, why string) {
	if n := len(w.entries(c)); n > most {
		p := Twice
		if most == 0 {
			p = Ghost
		}
		w.verdict.find(p, "%s %q by client %d was %s and is in the log %d times", c.Kind, c.Text, c.Client, why, n)
	}
}

// acked wants exactly one record, which says what the reply said, where the
// reply's token says.
func (w *writes) acked(c *history.Call) {
	v := w.verdict
	w.written(c, 1, "acked")
	key := messageKey{c.App, c.Chat, c.Number}
	if c.Kind == history.CreateApplication || c.Kind == history.CreateChat || c.Kind == history.CreateMessage {
		if w.given[key]++; w.given[key] > 1 {
			v.find(Twice, "%v was given to %d calls", key, w.given[key])
		}
	}
	log, partition, offset, ok := parse(c.Token)
	if !ok || log != w.log.id {
		v.find(Wrong, "%s by client %d has the token %q", c.Kind, c.Client, c.Token)
		return
	}
	e, there := w.log.at[place{partition, offset}]
	same := e.Application == c.App && e.Chat == c.Chat && e.Number == c.Number
	switch c.Kind {
	case history.CreateApplication:
		same = same && e.Op == "application.create" && e.Username == c.Text
	case history.CreateChat:
		same = same && e.Op == "chat.create"
	case history.CreateMessage:
		same = same && e.Op == "message.create" && e.Message == c.Text
	case history.Update:
		same = same && e.Op == "message.update" && e.Message == c.Text
	case history.Delete: // one that found it deleted points to where that was done, or to the log's end
		same = w.deletedBy(key, offset)
	}
	switch {
	case same:
	case len(w.entries(c)) > 0:
		v.find(Changed, "%s of client %d: acked at %s, which holds %+v", c.Kind, c.Client, c.Token, e)
	default:
		v.find(Lost, "%s %v %q of client %d was acked at %s, which holds %+v (%v)", c.Kind, key, c.Text, c.Client, c.Token, e, there)
	}
}

// deletedBy reports whether a message is deleted at an offset.
func (w *writes) deletedBy(key messageKey, offset int64) bool {
	versions := w.log.versions[key]
	return len(versions) > 0 && versions[len(versions)-1].deleted && versions[len(versions)-1].offset <= offset
}

// repeat compares the reply to a repeated key with the first one.
func (w *writes) repeat(c *history.Call) {
	v := w.verdict
	first := w.firsts[c.Key]
	if first == nil {
		v.find(Wrong, "key %s was repeated before it was answered", c.Key)
		return
	}
	if c.Text != first.Text { // another body
		if c.Outcome == history.OK || c.Outcome == history.NotFound || c.Outcome == history.Fail && c.Detail != "" && !strings.HasPrefix(c.Detail, "422") && !strings.HasPrefix(c.Detail, "503 {") {
			v.find(Repeat, "key %s with another body: %s %s", c.Key, c.Outcome, c.Detail)
		}
		w.written(c, 0, "refused with 422")
		return
	}
	switch {
	case c.Outcome == history.OK:
		// A delete that found the message deleted has no record: its repeat gives the
		// position of that moment.
		if c.App != first.App || c.Chat != first.Chat || c.Number != first.Number || c.Token != first.Token && c.Kind != history.Delete {
			v.find(Repeat, "key %s: first %s chat %d number %d at %s, then %s chat %d number %d at %s", c.Key, first.App, first.Chat, first.Number,
				first.Token, c.App, c.Chat, c.Number, c.Token)
		}
	case c.Outcome == history.NotFound || c.Detail != "" && !strings.HasPrefix(c.Detail, "503 {"):
		v.find(Repeat, "key %s: first answered, then %s %s", c.Key, c.Outcome, c.Detail)
	}
}

// parse reads a Consistency-Token, <log>-<partition>-<offset>.
func parse(token string) (log string, partition int32, offset int64, ok bool) {
	parts := strings.Split(token, "-")
	if len(parts) != 3 {
		return "", 0, 0, false
	}
	p, err := strconv.ParseInt(parts[1], 10, 32)
	o, err2 := strconv.ParseInt(parts[2], 10, 64)
	return parts[0], int32(p), o, err == nil && err2 == nil
}

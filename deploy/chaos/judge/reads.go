package judge

import (
	"slices"
	"strings"

	"chatlog/deploy/chaos/history"
)

// reads judges one read after the other.
type reads struct {
	verdict *Verdict
	log     *Log
	acked   map[messageKey]int64 // when a message's creation was acked
	deleted map[messageKey]int64 // when the first delete of a message began
}

// prepare learns when things were acked, and since when they may be gone.
func (r *reads) prepare(calls []history.Call) {
	r.acked, r.deleted = map[messageKey]int64{}, map[messageKey]int64{}
	for i := range calls {
		c := &calls[i]
		key := messageKey{c.App, c.Chat, c.Number}
		switch {
		case c.Repeat:
		case c.Kind == history.CreateMessage && c.Outcome == history.OK:
			r.acked[key] = c.End
		case c.Kind == history.Delete && c.Outcome != history.Fail:
			if at, there := r.deleted[key]; !there || c.Begin < at {
				r.deleted[key] = c.Begin
			}
		}
	}
}

func (r *reads) judge(c *history.Call) {
	v := r.verdict
	if c.Outcome == history.Fail || c.Outcome == history.Unknown {
		if c.Detail != "" && !strings.HasPrefix(c.Detail, "503 {") {
			v.find(Wrong, "%s at %.3f s: %s", c.Kind, seconds(c.End), c.Detail)
		}
		return
	}
	v.Reads++
	from := int64(-1)
	if c.After != "" {
		v.Tokens++
		_, _, from, _ = parse(c.After)
	}
	switch c.Kind {
	case history.GetMessage:
		r.message(c, from)
	case history.GetChat:
		r.count(c, from)
	case history.Search:
		r.search(c, from)
	}
}

// message wants a text, or an absence, that the message had at the token's
// position or later.
func (r *reads) message(c *history.Call, from int64) {
	key := messageKey{c.App, c.Chat, c.Number}
	versions := r.log.versions[key]
	first := 0
	for first+1 < len(versions) && versions[first+1].offset <= from {
		first++
	}
	if c.Outcome == history.NotFound {
		acked, known := r.acked[key]
		begun, gone := r.deleted[key]
		if from >= 0 || known && acked < c.Begin {
			if !gone || begun > c.End || len(versions) > 0 && !versions[len(versions)-1].deleted {
				r.verdict.find(Denied, "%v at %.3f s, acked at %.3f s", key, seconds(c.Begin), seconds(acked))
			}
		}
		return
	}
	at := slices.IndexFunc(versions, func(v version) bool { return !v.deleted && v.text == c.Got })
	switch {
	case at < 0:
		r.verdict.find(Crossed, "%v is %q, which it never was", key, c.Got)
	case at < first:
		r.verdict.find(Stale, "%v with token %s at %.3f s is %q, of offset %d", key, c.After, seconds(c.End), c.Got, versions[at].offset)
	}
}

// count wants a count that the chat had at the token's position or later.
func (r *reads) count(c *history.Call, from int64) {
	key := chatKey{c.App, c.Chat}
	if c.Outcome == history.NotFound {
		r.verdict.find(Denied, "chat %v at %.3f s", key, seconds(c.Begin))
		return
	}
	offsets := r.log.offsets[key]
	least, _ := slices.BinarySearch(offsets, from+1)
	if c.Count < int64(least) {
		r.verdict.find(Stale, "chat %v with token %s at %.3f s counts %d messages, must be at least %d", key, c.After, seconds(c.End), c.Count, least)
	}
	if c.Count > int64(len(offsets)) {
		r.verdict.find(Crossed, "chat %v counts %d messages, there are %d", key, c.Count, len(offsets))
	}
}

// search wants the message that the word is of, unless it was changed after
// the token, and nothing of another chat.
func (r *reads) search(c *history.Call, from int64) {
	if c.Outcome == history.NotFound {
		r.verdict.find(Denied, "chat %s %d, by a search at %.3f s", c.App, c.Chat, seconds(c.Begin))
		return
	}
	found := false
	for _, h := range c.Hits {
		if h.App != c.App || h.Chat != c.Chat || !strings.Contains(h.Text, "of "+c.App+" chat") {
			r.verdict.find(Crossed, "a search in chat %s %d gave %+v", c.App, c.Chat, h)
		}
		found = found || h.Number == c.Number
	}
	versions := r.log.versions[messageKey{c.App, c.Chat, c.Number}]
	if from >= 0 && !found && len(versions) == 1 {
		r.verdict.find(Stale, "message %d of chat %s %d was not found with token %s at %.3f s", c.Number, c.App, c.Chat, c.After, seconds(c.End))
	}
}

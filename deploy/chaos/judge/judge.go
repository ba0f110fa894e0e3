// Package judge decides whether a history is one that the promises allow. It
// knows the promises, the history and the raw log, and shares no code with the
// services.
package judge

import (
	"fmt"
	"slices"
	"strings"

	"chatlog/deploy/audit"
	"chatlog/deploy/chaos/history"
)

// Promise is what a finding breaks.
type Promise string

// The promises, by what breaks them.
const (
	Lost        Promise = "acked and lost"
	Twice       Promise = "written or acked twice"
	Gap         Promise = "numbers with gaps"
	Changed     Promise = "a reply that the log does not bear out"
	Ghost       Promise = "refused, yet written"
	Repeat      Promise = "a repeated key with another reply"
	Stale       Promise = "a read behind its token"
	Denied      Promise = "existence falsely denied"
	Crossed     Promise = "a read across applications"
	Reverted    Promise = "an edit or delete that reverted"
	Unavailable Promise = "a 503 where no fault is on"
	Wrong       Promise = "an answer that is never right"
	Order       Promise = "a history that cannot be put in order"
	Imported    Promise = "an import that does not count once, or is not told of once"
	Differs     Promise = "a view or the API that differs from the log"
)

// Promises is all of them, in the order of a report.
var Promises = []Promise{Lost, Twice, Gap, Changed, Ghost, Repeat, Stale, Denied, Crossed, Reverted, Unavailable, Wrong, Order, Imported, Differs}

// Finding is one thing that must not be.
type Finding struct {
	Promise Promise
	What    string
}

// Verdict is everything that a judgement gives.
type Verdict struct {
	Findings []Finding
	Calls    int
	Acked    int // writes
	Refused  int // writes that are certain to have written nothing
	Unknown  int // writes whose client never learned the outcome
	Resolved int // of them, those that the log has
	Settled  int // writes that were in doubt, and settled by their key
	Reads    int // answered
	Tokens   int // of them, with a token
	Repeats  int // of keys
	Ordered  int // chats and messages whose history was put in order
	Open     int // those for which the time was not enough
	Imported int // records that were brought in, repeated ones included
	Told     int // records that can never be brought in
}

// Count gives the number of findings against a promise.
func (v *Verdict) Count(p Promise) (n int) {
	for _, f := range v.Findings {
		if f.Promise == p {
			n++
		}
	}
	return n
}

func (v *Verdict) find(p Promise, format string, args ...any) {
	v.Findings = append(v.Findings, Finding{p, fmt.Sprintf(format, args...)})
}

// audited takes over what the audit of the log and the views has found.
func (v *Verdict) audited(truth *audit.Truth) {
	for _, f := range truth.Findings {
		switch {
		case f.Where != "log":
			v.find(Differs, "%s", f)
		case strings.Contains(f.What, "counts twice"):
			v.find(Twice, "%s", f)
		case strings.Contains(f.What, "the message is deleted"):
			v.find(Reverted, "%s", f)
		default:
			v.find(Gap, "%s", f)
		}
	}
}

type messageKey struct {
	app          string
	chat, number int64
}

type chatKey struct {
	app  string
	chat int64
}

// version is what a message is from an offset on.
type version struct {
	offset  int64
	text    string
	deleted bool
}

// Log is the counting commands, by what calls can be compared with.
type Log struct {
	id       string
	apps     map[string][]audit.Entry // application.create by username
	chats    map[chatKey]audit.Entry
	creates  map[string][]audit.Entry // message.create by text
	updates  map[string][]audit.Entry // message.update by text
	ids      map[string][]audit.Entry // by command id
	at       map[place]audit.Entry
	versions map[messageKey][]version
	offsets  map[chatKey][]int64 // of message.create, in order
}

type place struct {
	partition int32
	offset    int64
}

// NewLog makes an empty log.
func NewLog() *Log {
	return &Log{apps: map[string][]audit.Entry{}, chats: map[chatKey]audit.Entry{}, creates: map[string][]audit.Entry{}, updates: map[string][]audit.Entry{},
		ids: map[string][]audit.Entry{}, at: map[place]audit.Entry{}, versions: map[messageKey][]version{}, offsets: map[chatKey][]int64{}}
}

// Add takes the next command of a partition.
func (l *Log) Add(e audit.Entry) {
	l.at[place{e.Partition, e.Offset}] = e
	l.ids[e.ID] = append(l.ids[e.ID], e)
	key := messageKey{e.Application, e.Chat, e.Number}
	switch e.Op {
	case "application.create":
		l.apps[e.Username] = append(l.apps[e.Username], e)
	case "chat.create":
		l.chats[chatKey{e.Application, e.Chat}] = e
	case "message.create":
		l.creates[e.Message] = append(l.creates[e.Message], e)
		l.offsets[chatKey{e.Application, e.Chat}] = append(l.offsets[chatKey{e.Application, e.Chat}], e.Offset)
		l.versions[key] = append(l.versions[key], version{e.Offset, e.Message, false})
	case "message.update":
		l.updates[e.Message] = append(l.updates[e.Message], e)
		l.versions[key] = append(l.versions[key], version{e.Offset, e.Message, false})
	case "message.delete":
		l.versions[key] = append(l.versions[key], version{e.Offset, "", true})
	}
}

// Judge compares a history with the log. brought is what was imported, windows are the
// faults that were on.
func Judge(calls []history.Call, brought []history.Import, log *Log, truth *audit.Truth, windows []history.Window) *Verdict {
	v := &Verdict{Calls: len(calls)}
	log.id = truth.Log.ID
	v.audited(truth)
	w := &writes{verdict: v, log: log, given: map[messageKey]int{}, firsts: map[string]*history.Call{}}
	r := &reads{verdict: v, log: log}
	r.prepare(calls)
	for i := range calls {
		c := &calls[i]
		excused(v, c, windows)
		if c.Kind.Write() {
			w.judge(c)
		} else {
			r.judge(c)
		}
	}
	order(v, calls, log)
	imports(v, brought, log, truth.Refused)
	return v
}

// excused looks for answers 503, and broken requests, that no fault explains.
func excused(v *Verdict, c *history.Call, windows []history.Window) {
	for _, t := range c.Tries {
		if t.Status != 503 {
			continue
		}
		on := slices.ContainsFunc(windows, func(w history.Window) bool {
			return slices.Contains(w.Disturbs, c.Kind) && t.End >= w.Begin && (w.Settled == 0 || t.Begin <= w.Settled)
		})
		if !on {
			v.find(Unavailable, "%s by client %d at %.3f-%.3f s: %s", c.Kind, c.Client, seconds(t.Begin), seconds(t.End), t.Body)
		}
	}
}

func seconds(n int64) float64 { return float64(n) / 1e9 }

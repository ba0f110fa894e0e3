package partition

import (
	"errors"
	"testing"
	"time"

	"chatlog/shared/command"
)

// otherApp is an application made with a key.
const otherApp = "ffffffffffffffffffffffffffffffff"

// keyedRequests is one of each kind, in an order in which all succeed: the
// message of the first is edited by the second and gone after the third.
func keyedRequests() []Request {
	all := []Request{
		{Op: command.MessageCreate, Application: rapp, Chat: 1, Message: "first"},
		{Op: command.MessageUpdate, Application: rapp, Chat: 1, Number: 1, Message: "edited"},
		{Op: command.MessageDelete, Application: rapp, Chat: 1, Number: 1},
		{Op: command.ChatCreate, Application: rapp},
		{Op: command.ApplicationCreate, Application: otherApp, Username: "u"},
	}
	for i := range all {
		all[i].ID, all[i].Keyed, all[i].Fingerprint = rid(100+i), true, fingerprint(i)
	}
	return all
}

// later is how much may have happened when a key comes again.
var later = []struct {
	name   string
	limits Limits
	gone   func(t *testing.T, r *rig) *rig
}{
	{"at once", wide, func(_ *testing.T, r *rig) *rig { return r }},
	{"dropped from memory", Limits{Chats: 1, Messages: 1, Unsunk: 1000}, func(t *testing.T, r *rig) *rig {
		r.view.follow(1000)
		for range 4 { // the progress is asked for, then what it has can go
			r.settleAll()
		}
		for _, q := range keyedRequests()[:4] {
			if r.state.keyed.index[q.ID] != nil {
				t.Fatalf("%s is still in memory", q.Op)
			}
		}
		return r
	}},
	{"after a restart", wide, func(_ *testing.T, r *rig) *rig {
		r.view.follow(1000)
		return restarted(r)
	}},
	{"after a restart with a view that is behind", wide, func(_ *testing.T, r *rig) *rig {
		r.view.follow(4)
		return restarted(r)
	}},
	{"at another owner", wide, func(t *testing.T, r *rig) *rig {
		another := restarted(r)
		another.settleAll()
		return another
	}},
}

// restarted is another owner of the same log and view.
func restarted(r *rig) *rig {
	again := newRig(wide)
	again.log, again.view, again.now, again.n = r.log, r.view, r.now, r.n+1000
	return again
}

// A key's reply is that of its first time, whatever the message, the chat and
// the application have come to since; another request with it is refused.
func TestAKeyComesAgain(t *testing.T) {
	for _, l := range later {
		t.Run(l.name, func(t *testing.T) {
			r := newRig(l.limits)
			r.open(t)
			var first []*got
			for _, q := range keyedRequests() {
				g := r.submit(q, time.Minute)
				r.settleAll()
				if g.n != 1 || g.err != nil {
					t.Fatal(q.Op, g)
				}
				first = append(first, g)
			}
			for i := range 5 { // the chat and the application go on
				r.submit(Request{ID: rid(200 + i), Op: command.MessageCreate, Application: rapp, Chat: 1, Message: "m", Keyed: true, Fingerprint: fingerprint(7)}, time.Minute)
				r.submit(Request{ID: rid(300 + i), Op: command.ChatCreate, Application: rapp}, time.Minute)
				r.settleAll()
			}
			r = l.gone(t, r)
			for i, q := range keyedRequests() {
				r.comesAgain(t, q, first[i].reply)
			}
		})
	}
}

func (r *rig) comesAgain(t *testing.T, q Request, want Reply) {
	t.Helper()
	same := r.submit(q, time.Minute)
	r.settleAll()
	if same.n != 1 || same.err != nil || same.reply != want {
		t.Errorf("%s again: %+v, want %+v", q.Op, same, want)
	}
	q.Fingerprint = fingerprint(99)
	other := r.submit(q, time.Minute)
	r.settleAll()
	if other.n != 1 || !errors.Is(other.err, errOtherBody) {
		t.Errorf("%s with another body: %+v, want %v", q.Op, other, errOtherBody)
	}
	if n := r.counting(q.ID); n != 1 {
		t.Errorf("%s counts %d times", q.Op, n)
	}
}

// Two requests with one key at once: one of them is the key's, the other is
// refused, wherever the first one is on its way.
func TestAKeyIsUsedTwiceAtOnce(t *testing.T) {
	q := keyedRequests()[0]
	other := q
	other.Message, other.Fingerprint = "another", fingerprint(99)
	for name, meet := range map[string]func(r *rig) (won, lost *got){
		"both wait": func(r *rig) (won, lost *got) {
			return r.submit(q, time.Minute), r.submit(other, time.Minute)
		},
		"the first is on its way": func(r *rig) (won, lost *got) {
			won = r.submit(q, time.Minute)
			es := r.step()
			for _, e := range es { // its rows
				r.do(e)
			}
			batch := r.step()
			lost = r.submit(other, time.Minute)
			for _, e := range batch {
				r.do(e)
			}
			return won, lost
		},
		"another owner was faster": func(r *rig) (won, lost *got) {
			lost = r.submit(other, time.Minute)
			for _, e := range r.step() {
				r.do(e)
			}
			batch := r.step()
			rival := restarted(r)
			won = rival.submit(q, time.Minute)
			rival.settleAll()
			for _, e := range batch {
				r.do(e)
			}
			return won, lost
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(wide)
			r.open(t)
			r.view.follow(100)
			won, lost := meet(r)
			r.settleAll()
			if won.n != 1 || won.err != nil || won.reply.Number != 1 {
				t.Errorf("the first: %+v", won)
			}
			if lost.n != 1 || !errors.Is(lost.err, errOtherBody) {
				t.Errorf("the other: %+v, want %v", lost, errOtherBody)
			}
			if n := r.counting(q.ID); n != 1 {
				t.Errorf("the key counts %d times", n)
			}
		})
	}
}

// While the view cannot be read, nobody knows whether a key was used: the
// write is refused rather than made twice, and a later try settles it.
func TestAKeyIsNotKnownWhileTheViewIsAway(t *testing.T) {
	r := newRig(wide)
	r.open(t)
	q := keyedRequests()[0]
	first := r.submit(q, time.Minute)
	r.settleAll()
	r.view.follow(100)
	r = restarted(r)
	r.settleAll()
	end := r.log.high
	away := errors.New("MySQL is away")
	again := r.submit(q, time.Second)
	for again.n == 0 {
		for _, e := range r.step() {
			if l, ok := e.(LoadRows); ok {
				r.Loaded(r.now, LoadResult{Keys: l.Keys, Err: away})
			} else {
				r.do(e)
			}
		}
	}
	if !errors.Is(again.err, away) || r.log.high != end {
		t.Errorf("%v; the log went from %d to %d", again.err, end, r.log.high)
	}
	r.comesAgain(t, q, first.reply)
}

// While the view is behind, what was loaded for a request is all that may be
// dropped. It is used first: else it is loaded for ever and never answered.
func TestWhatWasLoadedIsUsedBeforeItIsDropped(t *testing.T) {
	r := newRig(Limits{Chats: 1, Messages: 1, Unsunk: 1000})
	r.open(t)
	r.view.follow(100)
	for i := range 5 { // each key has to be looked for in the view, which follows no more
		g := r.submit(Request{ID: rid(20 + i), Op: command.MessageCreate, Application: rapp, Chat: 1, Message: "m", Keyed: true, Fingerprint: fingerprint(i)}, time.Minute)
		r.settleAll()
		if g.n != 1 || g.err != nil || g.reply.Number != int64(i+1) {
			t.Fatalf("request %d: %+v", i+1, g)
		}
	}
}

package partition

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"chatlog/shared/command"
	"chatlog/shared/fault"
)

// importOf makes an import; each n is another one.
func importOf(n int, op command.Op, chat, number int64) Request {
	return Request{ID: rid(n), Op: op, Application: rapp, Chat: chat, Number: number, Message: "m", Keyed: true, Import: true, Fingerprint: fingerprint(n)}
}

// What this owner does not know of may be there all the same: another one has
// appended it, and nothing is refused before the log was read to its end.
func TestImportsAreNotRefusedByAStaleState(t *testing.T) {
	r := newRig(wide)
	r.open(t)
	r.view.follow(100)
	rival := restarted(r)
	rival.submit(Request{ID: rid(50), Op: command.ChatCreate, Application: rapp}, time.Minute)
	rival.settleAll()
	into := r.submit(importOf(60, command.MessageCreate, 2, 0), 0)
	next := r.submit(importOf(61, command.ChatCreate, 3, 0), 0)
	r.settleAll()
	if into.n != 1 || into.err != nil || next.n != 1 || next.err != nil || next.reply.Chat != 3 {
		t.Errorf("%+v, %+v", into, next)
	}
}

// Imports come to count in their order, whatever each of them has to wait for.
func TestImportsKeepTheirOrder(t *testing.T) {
	r := newRig(wide)
	r.open(t)
	r.view.follow(100)
	all := []Request{importOf(60, command.ChatCreate, 0, 0), importOf(61, command.MessageCreate, 2, 1), importOf(62, command.MessageUpdate, 2, 1),
		importOf(63, command.MessageDelete, 2, 1), importOf(64, command.ChatCreate, 3, 0), importOf(65, command.MessageCreate, 1, 1)}
	all[5].Time = time.Date(2019, 1, 2, 3, 4, 5, 6000, time.UTC)
	var got []*got
	for _, q := range all {
		got = append(got, r.submit(q, 0))
	}
	r.settleAll()
	last := int64(0)
	for i, g := range got {
		if g.n != 1 || g.err != nil || g.reply.Offset <= last {
			t.Errorf("import %d: %+v, after offset %d", i, g, last)
		}
		last = g.reply.Offset
	}
	c, err := command.Decode(r.log.records[last].Value)
	if err != nil || !c.Time.Equal(all[5].Time) {
		t.Errorf("%+v, %v", c, err)
	}
	for i, q := range all { // again, and once more at another owner
		for _, at := range []*rig{r, restarted(r)} {
			g := at.submit(q, 0)
			at.settleAll()
			if g.n != 1 || g.err != nil || g.reply != got[i].reply {
				t.Errorf("import %d again: %+v", i, g)
			}
		}
	}
}

// Each refusal says what it is for.
func TestImportsAreRefused(t *testing.T) {
	for says, c := range map[string]struct {
		change func(*Request)
		kind   fault.Kind
		is     error
	}{
		"chat 9 is not the next one, which is 2":    {func(q *Request) { q.Op, q.Chat, q.Number = command.ChatCreate, 9, 0 }, fault.Conflict, ErrNumber},
		"message 9 is not the next one, which is 1": {func(q *Request) { q.Number = 9 }, fault.Conflict, ErrNumber},
		"Chat not found":                   {func(q *Request) { q.Chat = 9 }, fault.NotFound, nil},
		"Message not found":                {func(q *Request) { q.Op, q.Number = command.MessageDelete, 5 }, fault.NotFound, nil},
		"Application not found":            {func(q *Request) { q.Op, q.Application, q.Number = command.ChatCreate, otherApp, 0 }, fault.NotFound, nil},
		"The application is there already": {func(q *Request) { q.Op, q.Username = command.ApplicationCreate, "u" }, fault.Conflict, nil},
	} {
		r := newRig(wide)
		r.open(t)
		r.view.follow(100)
		q := importOf(60, command.MessageCreate, 1, 0)
		c.change(&q)
		g := r.submit(q, 0)
		good := r.submit(importOf(61, command.MessageCreate, 1, 1), 0) // goes on behind it
		r.settleAll()
		if g.n != 1 || fault.KindOf(g.err) != c.kind || fault.PublicOf(g.err) != says || c.is != nil && !errors.Is(g.err, c.is) || r.counting(q.ID) != 0 {
			t.Errorf("%+v, must say %s", g, says)
		}
		if good.n != 1 || good.err != nil {
			t.Errorf("behind %s: %+v", says, good)
		}
	}
}

// Imports rest while the view is too far behind, and requests go on.
func TestImportsRestWhileTheViewIsBehind(t *testing.T) {
	r := newRig(wide)
	r.open(t)
	r.cfg.Imports.Ahead = 1
	r.submit(Request{ID: rid(50), Op: command.MessageCreate, Application: rapp, Chat: 1, Message: "m"}, time.Minute)
	r.settleAll()
	g := r.submit(importOf(60, command.MessageCreate, 1, 0), 0)
	r.settleAll()
	live := r.submit(Request{ID: rid(51), Op: command.MessageCreate, Application: rapp, Chat: 1, Message: "m"}, time.Minute)
	r.settleAll()
	if g.n != 0 || live.n != 1 || live.err != nil {
		t.Errorf("with the view behind: %+v, %+v", g, live)
	}
	r.view.follow(100)
	r.settleAll()
	if g.n != 1 || g.err != nil || g.reply.Number != 3 {
		t.Errorf("with the view there: %+v", g)
	}
	again := r.submit(importOf(61, command.MessageCreate, 1, 0), 0)
	r.CloseImports()
	if again.n != 1 || !errors.Is(again.err, ErrClosing) || r.Waiting() != 0 {
		t.Errorf("at the end: %+v, %d wait", again, r.Waiting())
	}
}

// busy lets requests come in all the time until a call is answered: no batch is ever
// without any.
func (r *rig) busy(t *testing.T, g *got) {
	t.Helper()
	for n := 0; g.n == 0; n++ {
		if n == 500 {
			t.Fatal("it is never answered while requests come in")
		}
		r.submit(Request{ID: rid(5000 + n), Op: command.MessageCreate, Application: rapp, Chat: 1, Message: "live"}, time.Minute)
		for _, e := range r.step() {
			r.do(e)
		}
	}
}

// Whatever an import is, requests that come in all the time do not keep it waiting for
// ever: not one that is refused, nor one that is larger than what imports may take.
func TestImportsGoOnBesideRequests(t *testing.T) {
	r := newRig(wide)
	r.open(t)
	r.view.follow(100)
	r.cfg.BatchBytes, r.limit.bytes = 10<<10, 10<<10
	refused := r.submit(importOf(60, command.ChatCreate, 9, 0), 0)
	r.busy(t, refused)
	q := importOf(61, command.MessageCreate, 1, 0)
	q.Message = strings.Repeat("large ", 1500)
	large := r.submit(q, 0)
	small := r.submit(importOf(62, command.MessageCreate, 1, 0), 0)
	r.busy(t, small)
	if !errors.Is(refused.err, ErrNumber) || large.err != nil || small.err != nil || large.n != 1 || large.reply.Offset >= small.reply.Offset {
		t.Errorf("%+v, %+v, %+v", refused, large, small)
	}
	if r.Waiting() > 1 { // the request that came last
		t.Errorf("%d wait", r.Waiting())
	}
}

// A look at the log's end says nothing of what was submitted after it.
func TestARefusalRestsOnALookOfItsOwn(t *testing.T) {
	r := newRig(wide)
	r.open(t)
	r.view.follow(100)
	r.submit(importOf(59, command.MessageCreate, 1, 0), 0) // so that the chat is known
	r.settleAll()
	refused := r.submit(importOf(60, command.MessageCreate, 1, 9), 0)
	for n, asked := 0, false; !asked; n++ {
		if n == 100 {
			t.Fatal("the log's end is never asked for")
		}
		for _, e := range r.step() {
			_, asked = e.(ListEnd)
			r.do(e)
		}
	}
	rival := restarted(r)
	rival.submit(Request{ID: rid(50), Op: command.ChatCreate, Application: rapp}, time.Minute)
	rival.settleAll()
	next := r.submit(importOf(61, command.ChatCreate, 3, 0), 0)
	r.settleAll()
	if !errors.Is(refused.err, ErrNumber) || next.n != 1 || next.err != nil || next.reply.Chat != 3 {
		t.Errorf("%+v, %+v", refused, next)
	}
}

// What is on its way when the end begins does not hold it up if the log is away.
func TestImportsOnTheirWayAtTheEnd(t *testing.T) {
	r := newRig(wide)
	r.open(t)
	r.view.follow(100)
	g := r.submit(importOf(60, command.MessageCreate, 1, 0), 0)
	for n, flying := 0, false; !flying; n++ {
		if n == 100 {
			t.Fatal("nothing is appended")
		}
		for _, e := range r.step() {
			if _, flying = e.(AppendBatch); !flying {
				r.do(e)
			}
		}
	}
	r.CloseImports()
	r.Appended(r.now, AppendResult{Err: errors.New("away")})
	if g.n != 1 || !fault.Is(g.err, fault.Transient) || r.Waiting() != 0 {
		t.Errorf("%+v, %d wait", g, r.Waiting())
	}
}

// An import whose batch may yet come to count is not refused before that is known, or
// cannot be any more.
func TestImportsInDoubtAreNotRefused(t *testing.T) {
	for name, lands := range map[string]bool{"the batch lands late": true, "the batch is lost": false} {
		r := newRig(wide)
		r.open(t)
		r.view.follow(100)
		r.submit(importOf(58, command.MessageCreate, 1, 1), 0) // so that the chat is known
		r.settleAll()
		live := r.submit(Request{ID: rid(60), Op: command.MessageCreate, Application: rapp, Chat: 1, Message: "m", Keyed: true, Fingerprint: fingerprint(60)}, 100*time.Millisecond)
		r.do(take[LoadRows](t, r.step()))
		late := take[AppendBatch](t, r.step())
		r.now = r.now.Add(time.Second)
		r.Advance(r.now) // the request is given up
		r.Appended(r.now, AppendResult{Err: errors.New("no answer")})
		g := r.submit(importOf(60, command.MessageCreate, 1, 9), 0)
		began := r.now
		for r.now.Sub(began) < doubtPatience/2 {
			for _, e := range r.step() {
				r.do(e)
			}
		}
		if live.n != 1 || g.n != 0 {
			t.Fatalf("%s: in doubt: %+v, %+v", name, live, g)
		}
		if lands {
			r.log.append(late.Records)
			r.log.high = int64(len(r.log.records))
		}
		for r.now.Sub(began) < 2*doubtPatience && g.n == 0 {
			for _, e := range r.step() {
				r.do(e)
			}
		}
		if g.n != 1 || lands != (g.err == nil) || lands != (r.counting(rid(60)) == 1) || !lands && !errors.Is(g.err, ErrNumber) {
			t.Errorf("%s: %+v, counts %d times", name, g, r.counting(rid(60)))
		}
	}
}

// What is kept in memory because it was used lately is no reason to rest.
func TestImportsGoOnWithAFullMemory(t *testing.T) {
	r := newRig(Limits{Chats: 10, Messages: 10, Unsunk: 60})
	r.open(t)
	for n := range 12 {
		r.submit(Request{ID: rid(100 + n), Op: command.ApplicationCreate, Application: fmt.Sprintf("%032x", n), Username: "u"}, time.Minute)
		r.submit(Request{ID: rid(200 + n), Op: command.ChatCreate, Application: rapp}, time.Minute)
		r.submit(Request{ID: rid(300 + n), Op: command.MessageCreate, Application: rapp, Chat: 1, Message: "m", Keyed: true, Fingerprint: fingerprint(n)}, time.Minute)
		r.settleAll()
		r.view.follow(100)
	}
	if r.Size() <= 30 {
		t.Fatalf("only %d entries are kept", r.Size())
	}
	g := r.submit(importOf(60, command.MessageCreate, 1, 0), 0)
	r.settleAll()
	if g.n != 1 || g.err != nil {
		t.Errorf("%+v, %d entries are kept", g, r.Size())
	}
}

// Imports come at their rate, whatever waits, and requests beside them at once.
func TestImportsKeepTheirRate(t *testing.T) {
	r := newRig(wide)
	r.open(t)
	r.view.follow(100)
	r.cfg.Imports.Records, r.cfg.Imports.Rate = 10, 100
	var all []*got
	for n := range 50 {
		all = append(all, r.submit(importOf(100+n, command.MessageCreate, 1, 0), 0))
	}
	live := r.submit(Request{ID: rid(50), Op: command.MessageCreate, Application: rapp, Chat: 1, Message: "m"}, time.Second)
	began := r.now
	for all[49].n == 0 && r.now.Sub(began) < time.Minute {
		for _, e := range r.step() {
			r.do(e)
		}
	}
	if took := r.now.Sub(began); all[49].err != nil || took < 400*time.Millisecond || took > 800*time.Millisecond {
		t.Errorf("50 imports at 100 in a second took %s: %+v", took, all[49])
	}
	if live.n != 1 || live.reply.Offset > all[10].reply.Offset {
		t.Errorf("the request lies at %d, the eleventh import at %d", live.reply.Offset, all[10].reply.Offset)
	}
}

package partition

import (
	"testing"
	"time"

	"chatlog/shared/command"
	"chatlog/shared/fault"
)

// takesOff does everything up to the next batch, and gives that.
func (r *rig) takesOff() Effect {
	for {
		for _, e := range r.step() {
			if _, appends := e.(AppendBatch); appends {
				return e
			}
			r.do(e)
		}
	}
}

// What does not count is tried again at once, as soon as the log was read on: after a
// pause for its rate another owner would have appended once more, and so for ever.
func TestImportsThatDoNotCountAreNotPaced(t *testing.T) {
	r := newRig(wide)
	r.open(t)
	r.view.follow(100)
	r.cfg.Imports.Records, r.cfg.Imports.Rate = 10, 1
	rival := restarted(r)
	rival.settleAll()
	var all []*got
	for n := range 10 {
		all = append(all, r.submit(importOf(100+n, command.MessageCreate, 1, 0), 0))
	}
	flying := r.takesOff()
	rival.submit(Request{ID: rid(50), Op: command.MessageCreate, Application: rapp, Chat: 1, Message: "m"}, time.Second)
	rival.settleAll()
	r.do(flying)
	began := r.now
	for all[9].n == 0 && r.now.Sub(began) < time.Minute {
		for _, e := range r.step() {
			r.do(e)
		}
	}
	if took := r.now.Sub(began); all[9].err != nil || took > 5*time.Second {
		t.Errorf("after %s: %+v", took, all[9])
	}
}

// Who has lost the lease gets its imports back: those that wait at once, those on
// their way when their batch does not count. What another importer has asked for again
// meanwhile is tried on, and nothing overtakes it.
func TestDroppedImports(t *testing.T) {
	r := newRig(wide)
	r.open(t)
	r.view.follow(100)
	r.cfg.Imports.Records = 2
	rival := restarted(r)
	rival.settleAll()
	var first, second []*got
	for n := range 4 {
		first = append(first, r.submit(importOf(100+n, command.MessageCreate, 1, 0), 0))
	}
	flying := r.takesOff()
	r.DropImports()
	r.step()
	for n, g := range first {
		if waits := n >= 2; waits != (g.n == 1) || waits && !fault.Is(g.err, fault.Transient) {
			t.Errorf("import %d: %+v", n, g)
		}
	}
	second = append(second, r.submit(importOf(101, command.MessageCreate, 1, 0), 0), r.submit(importOf(102, command.MessageCreate, 1, 0), 0))
	rival.submit(Request{ID: rid(50), Op: command.MessageCreate, Application: rapp, Chat: 1, Message: "m"}, time.Second)
	rival.settleAll()
	r.do(flying)
	r.settleAll()
	if !fault.Is(first[0].err, fault.Transient) || r.counting(rid(100)) != 0 {
		t.Errorf("dropped, and nobody's: %+v", first[0])
	}
	for n, g := range second {
		if g.n != 1 || g.err != nil || n > 0 && g.reply.Offset <= second[0].reply.Offset {
			t.Errorf("import %d: %+v", 101+n, g)
		}
	}
}

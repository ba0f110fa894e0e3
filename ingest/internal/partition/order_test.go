package partition

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"chatlog/shared/command"
)

// What was refused, or was too large, is tried again in the order in which it
// came: numbers follow the order of the requests.
func TestOrderIsKept(t *testing.T) {
	for name, result := range map[string]AppendResult{
		"refused":        {Err: errors.New("not enough replicas"), Refused: true},
		"unknown":        {Err: errors.New("timed out")},
		"too large":      {Err: errors.New("too large"), TooLarge: true},
		"somebody wrote": {Base: 1 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(wide)
			r.open(t)
			var all []*got
			for round := range 2 {
				for i := range 3 {
					all = append(all, r.submit(Request{ID: rid(10*round + i + 20), Op: command.MessageCreate, Application: rapp, Chat: 1, Message: "m"}, time.Minute))
				}
				if round == 0 {
					take[AppendBatch](t, r.step())
				}
			}
			r.Appended(r.now, result)
			r.settleAll()
			for i, g := range all {
				if g.n != 1 || g.err != nil || g.reply.Number != int64(i+1) {
					t.Errorf("request %d: %+v", i+1, g)
				}
			}
		})
	}
}

// A batch that the broker finds too large is made smaller until it fits, and a
// single record that does not is refused without standing in the others' way.
func TestATooLargeBatchIsHalved(t *testing.T) {
	for _, fits := range []int{4, 1} {
		t.Run(fmt.Sprint(fits), func(t *testing.T) {
			r := newRig(wide)
			r.open(t)
			var all []*got
			const count, huge = 9, 5 // one never fits
			for i := range count {
				all = append(all, r.submit(Request{ID: rid(20 + i), Op: command.MessageCreate, Application: rapp, Chat: 1, Message: "m"}, time.Minute))
			}
			for range 100 {
				for _, e := range r.step() {
					if b, ok := e.(AppendBatch); ok && (len(b.Records) > fits || holds(r, huge+20)) {
						r.Appended(r.now, AppendResult{Err: errors.New("too large"), TooLarge: true})
					} else {
						r.do(e)
					}
				}
			}
			number := int64(0)
			for i, g := range all {
				if i == huge {
					if !errors.Is(g.err, errTooLarge) {
						t.Errorf("the huge one: %+v", g)
					}
					continue
				}
				if number++; g.n != 1 || g.err != nil || g.reply.Number != number {
					t.Errorf("request %d: %+v, want number %d", i, g, number)
				}
			}
		})
	}
}

// holds reports whether the batch on its way has a certain command.
func holds(r *rig, n int) bool {
	for _, c := range r.flight.commands {
		if c.ID == rid(n) {
			return true
		}
	}
	return false
}

package partition

import (
	"testing"
	"time"

	"chatlog/shared/command"
	"chatlog/shared/view"
)

// TestOwnersAnHourApart lets an owner that is an hour ahead make messages and
// another, an hour behind, edit and delete them, over one log: all of it counts,
// nobody's deadline is over early, and the dates stay as they were given.
func TestOwnersAnHourApart(t *testing.T) {
	ahead, behind := newRig(wide), newRig(wide)
	behind.log, behind.view = ahead.log, ahead.view
	ahead.now, behind.now = t0.Add(time.Hour), t0.Add(-time.Hour)
	ahead.open(t)
	id := 10
	write := func(r *rig, op command.Op, number int64, text string) {
		t.Helper()
		id++
		r.settleAll()
		g := r.submit(Request{ID: rid(id), Op: op, Application: rapp, Chat: 1, Number: number, Message: text}, 5*time.Second)
		for i := 0; i < 50 && g.n == 0; i++ {
			for _, e := range r.step() {
				r.do(e)
			}
		}
		if g.n != 1 || g.err != nil || r.counting(rid(id)) != 1 {
			t.Fatalf("%s of %d: answered %d times, %v, counts %d times", op, number, g.n, g.err, r.counting(rid(id)))
		}
	}
	for number := int64(1); number <= 3; number++ {
		write(ahead, command.MessageCreate, 0, "made in an hour")
		write(behind, command.MessageUpdate, number, "edited an hour ago")
	}
	write(behind, command.MessageDelete, 2, "")
	log, entries := command.Log{PartitionOf: anywhere}, []view.Entry(nil)
	for i := range ahead.log.records {
		if x := command.Read(log, &ahead.log.records[i]); x.Verdict == command.Counts && x.Command.Op == command.LogOpen {
			log.ID, log.Generation = x.Command.Log, x.Command.Generation
		} else if x.Verdict == command.Counts {
			entries = append(entries, view.Entry{Offset: ahead.log.records[i].Offset, Command: x.Command})
		}
	}
	rows := view.Fold(1, entries).Messages
	if len(rows) != 3 {
		t.Fatal(rows)
	}
	for _, m := range rows {
		if m.Deleted != (m.Number == 2) || !m.Created.After(t0) || !m.Edited.Before(t0) || !m.Deleted && m.Text != "edited an hour ago" {
			t.Errorf("%+v", m)
		}
	}
}

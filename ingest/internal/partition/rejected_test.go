package partition

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"chatlog/shared/command"
	"chatlog/shared/sqlview"
	"chatlog/shared/sqlview/sqlite"
	"chatlog/shared/view"
)

// The MySQL sink rejects a counting message (consume/worker.go reject): the
// batch is applied without it and progress moves on. Then the owner restarts.
func TestRejectedEntryGivesNumberTwice(t *testing.T) {
	r := newRig(wide)
	r.open(t)
	msg := func(n int) Request {
		return Request{ID: rid(n), Op: command.MessageCreate, Application: rapp, Chat: 1, Message: "m"}
	}
	r.submit(msg(10), time.Minute)
	r.settleAll()
	second := r.submit(msg(11), time.Minute)
	r.settleAll()
	v, err := sqlite.Open(filepath.Join(t.TempDir(), "x.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	ctx := context.Background()
	if err := v.Migrate(ctx); err != nil {
		t.Fatal(err)
	}
	log := command.Log{PartitionOf: anywhere}
	var b view.Batch
	for i := range r.log.records {
		x := command.Read(log, &r.log.records[i])
		if x.Command.Op == command.LogOpen {
			log.ID, log.Generation = x.Command.Log, x.Command.Generation
			continue
		}
		b.To = view.Progress{Log: log.ID, Generation: 1, Next: int64(i) + 1, LastID: x.Command.ID, LastOffset: int64(i)}
		if e := (view.Entry{Offset: int64(i), Command: x.Command}); x.Command.ID == rid(11) { // rejected by the store
			b.Skipped = append(b.Skipped, e)
		} else {
			b.Entries = append(b.Entries, e)
		}
	}
	if err := v.Apply(ctx, b); err != nil {
		t.Fatal(err)
	}
	again := newRig(wide)
	again.log, again.view.log = r.log, r.log
	load := func(es []Effect) {
		for _, e := range es {
			if l, ok := e.(LoadRows); ok {
				s, err := v.Load(ctx, 0, sqlview.Keys(l.Keys))
				again.Loaded(again.now, LoadResult{Keys: l.Keys, Rows: Rows(s), Err: err})
			} else {
				again.do(e)
			}
		}
	}
	third := again.submit(msg(12), time.Minute)
	for i := 0; i < 50 && third.n == 0; i++ {
		load(again.step())
	}
	t.Logf("second %+v, third %+v %v", second.reply, third.reply, third.err)
	if second.reply.Number == third.reply.Number {
		t.Error("one number was given twice")
	}
}

package partition

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"chatlog/shared/command"
)

// quick is a log that appends at once, and that nobody else writes to.
type quick struct{ end int64 }

func (q *quick) Append(_ context.Context, records []Record) AppendResult {
	base := q.end
	q.end += int64(len(records))
	return AppendResult{Base: base}
}
func (q *quick) Read(context.Context, int64) ReadResult   { return ReadResult{} }
func (q *quick) End(context.Context) ListResult           { return ListResult{End: q.end} }
func (q *quick) Name(context.Context) NameResult          { return NameResult{} }
func (q *quick) Load(context.Context, Keys) (Rows, error) { return Rows{}, nil }

// BenchmarkSubmit is a message through an owner, whose log costs nothing: what
// is left is the queue, the judging, the numbering and the encoding.
func BenchmarkSubmit(b *testing.B) {
	r := newRig(wide)
	r.open(b)
	r.cfg.Limits = Limits{Chats: 1000, Messages: 100_000, Unsunk: 1 << 40}
	o := NewOwner(r.Machine, &quick{end: r.state.end}, &quick{}, Timeouts{time.Minute, time.Minute, time.Minute}, time.Now,
		slog.New(slog.DiscardHandler), func(*Machine) {})
	o.Start()
	text := strings.Repeat("x", 200)
	var ids atomic.Int64
	b.ReportAllocs()
	b.SetParallelism(64)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			id := "0199d3a0-0000-7000-8000-" + strconv.FormatInt(100_000_000_000+ids.Add(1), 10)
			if _, err := o.Submit(context.Background(), Request{ID: id, Op: command.MessageCreate, Application: rapp, Chat: 1, Message: text},
				time.Now().Add(time.Minute)); err != nil {
				b.Fatal(err)
			}
		}
	})
	if err := o.Stop(context.Background()); err != nil {
		b.Fatal(err)
	}
}

package partition

import (
	"context"
	"fmt"
	"log/slog"
	"runtime"
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

// BenchmarkMemoryOfAMillionChats tells what twelve owners hold in memory when a million
// chats were touched, each by one message: all within the default limits.
func BenchmarkMemoryOfAMillionChats(b *testing.B) {
	const owners, chats, each = 12, 1_000_000, 100 // chats of an application
	heap := func() float64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc)
	}
	for b.Loop() {
		before := heap()
		var states [owners]state
		for i := range states {
			states[i] = newState(command.Log{}, 0)
		}
		for n := range int64(chats) {
			s, token := &states[n/each%owners], fmt.Sprintf("%032x", n/each)
			c := command.Command{Op: command.ChatCreate, Application: token, Chat: n%each + 1}
			s.apply(n, &c)
			c.Op, c.Number, c.Application = command.MessageCreate, 1, strings.Clone(token) // as decoded
			s.apply(n, &c)
		}
		for i := range states {
			states[i].progress = chats
			for states[i].evict(Limits{Chats: 100_000, Messages: 20_000, Unsunk: 500_000}) > 0 {
			}
		}
		b.ReportMetric((heap()-before)/1e6, "MB")
		runtime.KeepAlive(&states)
	}
}

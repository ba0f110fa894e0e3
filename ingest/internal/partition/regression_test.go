package partition

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"testing"
	"time"

	"chatlog/shared/command"
	"chatlog/shared/position"
	"chatlog/shared/view"
)

var t0 = time.Unix(1e9, 0)

const rapp = "0123456789abcdef0123456789abcdef"

func rid(n int) string { return fmt.Sprintf("%08x-0000-7000-8000-%012x", n, n) }

type rig struct {
	*Machine
	log  *simLog
	view *simView
	now  time.Time
	n    int
}

func newRig(limits Limits) *rig {
	l := &simLog{}
	r := &rig{log: l, now: t0, view: &simView{log: l, judge: command.Log{PartitionOf: anywhere}, rows: newSimRows()}, n: 1000}
	r.Machine = New(Config{PartitionOf: anywhere, Limits: limits, BatchRecords: 500, BatchBytes: 900 << 10, Queue: 4096, Imports: Imports{Records: 100, Ahead: 1000},
		RetryMin: time.Millisecond, RetryMax: time.Millisecond, ProgressEvery: time.Millisecond, CutPatience: time.Minute,
		Jitter: func() float64 { return 0 }, NewID: func() string { r.n++; return rid(r.n) },
		NewLog: func() position.LogID { return "0000000000000001" }})
	return r
}

// step advances and gives the effects; all but the appends are carried out when auto.
func (r *rig) step() []Effect {
	r.now = r.now.Add(11 * time.Millisecond)
	r.Advance(r.now)
	return r.Effects()
}

// settleAll carries out everything until there is nothing more to do.
func (r *rig) settleAll() {
	for i := 0; i < 200; i++ {
		es := r.step()
		if len(es) == 0 {
			if p, _ := r.Phase(); p == "ready" {
				return
			}
		}
		for _, e := range es {
			r.do(e)
		}
	}
}

func (r *rig) do(e Effect) {
	switch e := e.(type) {
	case AppendBatch:
		base := r.log.append(e.Records)
		r.log.high = int64(len(r.log.records))
		r.Appended(r.now, AppendResult{Base: base})
	case ReadLog:
		r.Read(r.now, r.log.read(e.From, 1000))
	case LoadRows:
		r.Loaded(r.now, LoadResult{Keys: e.Keys, Rows: r.view.load(e.Keys)})
	case ListEnd:
		r.Listed(ListResult{End: r.log.high})
	}
}

type got struct {
	n     int
	reply Reply
	err   error
}

func (r *rig) submit(q Request, d time.Duration) *got {
	g := &got{}
	r.Submit(&Call{Request: q, Deadline: r.now.Add(d), Done: func(p Reply, err error) { g.n++; g.reply, g.err = p, err }})
	return g
}

func (r *rig) counting(id string) (n int) {
	log := command.Log{PartitionOf: anywhere}
	for i := range r.log.records {
		x := command.Read(log, &r.log.records[i])
		if x.Verdict == command.Counts {
			if x.Command.Op == command.LogOpen {
				log.ID, log.Generation = x.Command.Log, x.Command.Generation
			}
			if x.Command.ID == id {
				n++
			}
		}
	}
	return n
}

func (r *rig) open(t testing.TB) {
	t.Helper()
	r.settleAll()
	a := r.submit(Request{ID: rid(1), Op: command.ApplicationCreate, Application: rapp, Username: "u"}, time.Minute)
	r.settleAll()
	c := r.submit(Request{ID: rid(2), Op: command.ChatCreate, Application: rapp}, time.Minute)
	r.settleAll()
	if a.err != nil || c.err != nil || a.n != 1 || c.n != 1 {
		t.Fatal(a, c)
	}
}

var wide = Limits{Chats: 1000, Messages: 1000, Unsunk: 100000}

func take[E Effect](t *testing.T, es []Effect) E {
	t.Helper()
	for _, e := range es {
		if x, ok := e.(E); ok {
			return x
		}
	}
	t.Fatalf("effect missing in %#v", es)
	panic(0)
}

// A: an unkeyed write in doubt is appended twice when the overlay is rebuilt
// from a view progress beyond its offset.
func TestDoubtLostByRebuild(t *testing.T) {
	r := newRig(wide)
	r.open(t)
	r.view.follow(100) // view at the end
	old := r.view.rows.clone()
	w := r.submit(Request{ID: rid(3), Op: command.MessageCreate, Application: rapp, Chat: 1, Message: "warm"}, time.Minute)
	r.settleAll()
	r.view.follow(100)
	// the watermark moves to the view's progress, as an eviction does
	r.state.progress, r.state.watermark = r.view.rows.progress.Next, r.view.rows.progress.Next
	// the view is set back
	now := r.view.rows
	r.view.rows = old
	// one cold read (another chat) and one unkeyed message, whose batch is sent
	r.submit(Request{ID: rid(4), Op: command.MessageUpdate, Application: rapp, Chat: 7, Number: 1, Message: "x"}, time.Minute)
	m := r.submit(Request{ID: rid(5), Op: command.MessageCreate, Application: rapp, Chat: 1, Message: "once"}, time.Minute)
	es := r.step()
	batch, load := take[AppendBatch](t, es), take[LoadRows](t, es)
	r.do(load) // set back: rebuild
	// broker: connection reset; the batch is in the leader's log, the high watermark lags
	base := r.log.append(batch.Records)
	r.Appended(r.now, AppendResult{Err: errors.New("connection reset")})
	for {
		es = r.step()
		if len(es) == 0 {
			continue
		}
		if l, ok := es[0].(LoadRows); ok { // the rebuild asks for the view's progress
			r.log.high = int64(len(r.log.records)) // replicas caught up
			r.view.rows = now
			r.view.follow(100) // and so did the sink
			r.do(l)
			break
		}
		for _, e := range es {
			r.do(e)
		}
	}
	r.settleAll()
	t.Logf("warm %+v; batch at %d; reply %+v %v; counts %d times", w.reply, base, m.reply, m.err, r.counting(rid(5)))
	if n := r.counting(rid(5)); n != 1 {
		t.Errorf("the write counts %d times", n)
	}
}

// B: same key again while the first attempt's batch is on its way.
func TestNothingWrittenThoughFlightOfSameKey(t *testing.T) {
	r := newRig(wide)
	r.open(t)
	r.view.follow(100)
	q := Request{ID: rid(5), Op: command.MessageCreate, Application: rapp, Chat: 1, Message: "k", Keyed: true, Fingerprint: fingerprint(1)}
	one := r.submit(q, 100*time.Millisecond)
	r.do(take[LoadRows](t, r.step()))
	batch := take[AppendBatch](t, r.step())
	r.now = r.now.Add(time.Second)
	r.step()
	t.Log("first:", one.err)
	two := r.submit(q, 100*time.Millisecond)
	r.step()
	r.log.append(batch.Records) // it is in the leader's log
	r.Appended(r.now, AppendResult{Err: errors.New("timed out")})
	for i := 0; i < 20; i++ { // Kafka is away
		for _, e := range r.step() {
			switch e.(type) {
			case ReadLog:
				r.Read(r.now, ReadResult{Err: errors.New("away")})
			}
		}
	}
	t.Log("second:", two.err)
	r.log.high = int64(len(r.log.records))
	if r.counting(q.ID) == 1 && two.err == errNotWritten {
		t.Error("told that nothing was written, and the command counts")
	}
}

// C: doubt goes down when a call moves forward in the next batch.
func TestDoubtLowered(t *testing.T) {
	r := newRig(wide)
	r.open(t)
	msg := func(n int) Request {
		return Request{ID: rid(n), Op: command.MessageCreate, Application: rapp, Chat: 1, Message: "m"}
	}
	r.submit(msg(10), 50*time.Millisecond)
	r.submit(msg(11), 50*time.Millisecond)
	last := r.submit(msg(12), 300*time.Millisecond)
	first := take[AppendBatch](t, r.step())
	r.now = r.now.Add(60 * time.Millisecond)
	r.step() // 10 and 11 expire
	r.Appended(r.now, AppendResult{Err: errors.New("x")})
	r.do(take[ReadLog](t, r.step())) // not there yet
	take[AppendBatch](t, r.step())
	r.log.append(first.Records) // late
	r.log.high = int64(len(r.log.records))
	r.Appended(r.now, AppendResult{Err: errors.New("x")})
	e := take[ReadLog](t, r.step())
	r.Read(r.now, r.log.read(e.From, 1)) // a page that ends within the batch
	r.now = r.now.Add(time.Second)
	r.step()
	t.Log(last.err)
	if last.err == errNotWritten && r.counting(rid(12)) == 1 {
		t.Error("told that nothing was written, and the command counts")
	}
}

// D: Owner.Stop while a batch is in flight.
type slowLog struct {
	*simLog
	started chan struct{}
}

func (l *slowLog) Append(ctx context.Context, b []Record) AppendResult {
	if len(l.records) < 1 { // log.open
		base := l.simLog.append(b)
		l.high = int64(len(l.records))
		return AppendResult{Base: base}
	}
	base := l.simLog.append(b)
	close(l.started)
	<-ctx.Done()
	return AppendResult{Base: base, Err: ctx.Err()}
}
func (l *slowLog) Read(_ context.Context, from int64) ReadResult { return l.read(from, 100) }
func (l *slowLog) End(context.Context) ListResult                { return ListResult{End: l.high} }
func (l *slowLog) Name(context.Context) NameResult               { return NameResult{} }

type noView struct{}

func (noView) Load(context.Context, Keys) (Rows, error) {
	return Rows{Progress: view.Progress{LastOffset: unset}}, nil
}

func TestStopInFlight(t *testing.T) {
	l := &slowLog{simLog: &simLog{}, started: make(chan struct{})}
	r := newRig(wide)
	o := NewOwner(r.Machine, l, noView{}, Timeouts{time.Minute, time.Minute, time.Minute}, time.Now, slog.New(slog.DiscardHandler), func(*Machine) {})
	o.Start()
	ch := make(chan error, 1)
	go func() {
		_, err := o.Submit(context.Background(), Request{ID: rid(3), Op: command.ApplicationCreate, Application: rapp, Username: "u"}, time.Now().Add(time.Minute))
		ch <- err
	}()
	<-l.started
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	o.Stop(ctx)
	err := <-ch
	if len(l.records) == 2 && errors.Is(err, ErrClosing) {
		t.Errorf("%q, but the log holds the record", err)
	}
}

// E: how long a far-behind owner needs.
func TestFarBehind(t *testing.T) {
	r := newRig(Limits{Chats: 100_000, Messages: 20_000, Unsunk: 500_000})
	r.open(t)
	r.view.follow(100)
	text := make([]byte, 100)
	for i := range text {
		text[i] = 'a'
	}
	const total = 600_000
	for i := 1; i <= total; i++ {
		c := command.Command{ID: rid(i + 100000), Op: command.MessageCreate, Application: rapp, Chat: 1, Number: int64(i), Message: string(text), Time: command.Now(t0)}
		off := int64(len(r.log.records))
		at := position.At{Log: "0000000000000001", Offset: off}
		r.log.records = append(r.log.records, command.Record{Offset: off, Key: []byte(rapp), Value: command.Encode(&c), Headers: []command.Header{{Key: command.HeaderAt, Value: at.Append(nil)}}})
	}
	r.log.high = int64(len(r.log.records))
	// the view has everything
	r.view.rows.progress.Next = r.log.high
	r.view.rows.progress.LastOffset = r.log.high - 1
	r.view.rows.progress.LastID = rid(total + 100000)
	k := r.view.rows.chats[view.ChatKey{Application: rapp, Number: 1}]
	k.Messages = total
	r.view.rows.chats[view.ChatKey{Application: rapp, Number: 1}] = k
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	peak, read := 0, 0
	began := time.Now()
	w := r.submit(Request{ID: rid(7), Op: command.MessageCreate, Application: rapp, Chat: 1, Message: "x"}, time.Hour)
	var shown bool
	for w.n == 0 {
		r.now = r.now.Add(11 * time.Millisecond)
		r.Advance(r.now)
		for _, e := range r.Effects() {
			if l, ok := e.(ReadLog); ok {
				read++
				r.Machine.Read(r.now, r.log.read(l.From, 14000))
				if peak = max(peak, r.Size()); peak > 490_000 && !shown {
					shown = true
					runtime.GC()
					runtime.ReadMemStats(&after)
				}
				continue
			}
			r.do(e)
		}
	}
	t.Logf("first write answered after %s of CPU (no network), %d pages, peak %d entries, %d MiB more: %+v %v; rebuilds %d", time.Since(began), read, peak,
		(int64(after.HeapAlloc)-int64(before.HeapAlloc))>>20, w.reply, w.err, r.Stats().Rebuilds)
}

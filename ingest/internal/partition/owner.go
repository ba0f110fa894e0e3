package partition

import (
	"context"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"chatlog/shared/fault"
	"chatlog/shared/position"
)

// Log is the partition as the owner appends to it and reads it. Each method is
// one attempt, bounded by its context.
type Log interface {
	// Append produces one record batch to the partition, acks=all.
	Append(ctx context.Context, records []Record) AppendResult
	// Read fetches from an offset on; an empty page at the log's end is no error.
	Read(ctx context.Context, from int64) ReadResult
	// End lists the log's end as of now.
	End(ctx context.Context) ListResult
	// Name gives the identity of partition 0's log.
	Name(ctx context.Context) NameResult
}

// View is the view that cold items are read from: rows and progress in one
// snapshot of the primary.
type View interface {
	Load(ctx context.Context, keys Keys) (Rows, error)
}

// Timeouts bound the owner's single attempts.
type Timeouts struct {
	Append time.Duration
	Read   time.Duration
	Load   time.Duration
}

// Owner runs a Machine: it feeds it with calls and results and carries out its
// effects. One goroutine uses the machine; I/O runs beside it.
type Owner struct {
	machine  *Machine
	log      Log
	view     View
	timeouts Timeouts
	clock    func() time.Time
	logger   *slog.Logger
	observe  func(*Machine)

	inbox   chan *Call
	results chan func(now time.Time)
	drain   chan struct{} // closed: take no more calls
	done    chan struct{} // closed: the loop has ended
	once    sync.Once
	cancel  context.CancelFunc
	work    sync.WaitGroup
	told    bool // that the machine has stopped

	outbox []delivery                     // answers, delivered once what is published fits them
	logID  atomic.Pointer[position.LogID] // what others may know of the machine
	phase  atomic.Pointer[string]
}

// NewOwner makes an owner. observe is called after every turn of its loop, for
// metrics; it must not keep the machine.
func NewOwner(m *Machine, log Log, v View, t Timeouts, clock func() time.Time, logger *slog.Logger, observe func(*Machine)) *Owner {
	o := &Owner{machine: m, log: log, view: v, timeouts: t, clock: clock, logger: logger, observe: observe,
		inbox: make(chan *Call, 256), results: make(chan func(time.Time), 8),
		drain: make(chan struct{}), done: make(chan struct{})}
	phase, _ := m.Phase()
	o.phase.Store(&phase)
	o.logID.Store(new(position.LogID))
	return o
}

// Start begins to own the partition.
func (o *Owner) Start() {
	ctx, cancel := context.WithCancel(context.Background())
	o.cancel = cancel
	go o.run(ctx)
}

// Stop takes no more calls, waits until those that were taken are answered or
// ctx ends, and then ends everything. It is safe to call twice.
func (o *Owner) Stop(ctx context.Context) error {
	o.once.Do(func() { close(o.drain) })
	var err error
	select {
	case <-o.done:
	case <-ctx.Done():
		err = ctx.Err()
	}
	o.cancel()
	<-o.done
	o.work.Wait()
	return err
}

type outcomeOf struct {
	reply Reply
	err   error
}

type delivery struct {
	to  chan<- outcomeOf // has room for it
	out outcomeOf

	importer chan<- Imported // instead of to
	imported Imported
}

// Imported is what became of an import.
type Imported struct {
	Place int64 // that it was submitted with
	Again bool  // it, or the same before it, was there already
	// Err says why it can never be taken. Transient means that this owner has
	// ended: whether it was appended is for the next one to find out.
	Err error
}

// Submit hands a request to the owner and waits for its outcome, which comes
// at the deadline at the latest. When ctx ends first the request goes on
// without a listener, and its outcome is unknown to the caller.
func (o *Owner) Submit(ctx context.Context, r Request, deadline time.Time) (Reply, error) {
	answer := make(chan outcomeOf, 1)
	c := &Call{Request: r, Deadline: deadline, Done: func(reply Reply, err error) {
		o.outbox = append(o.outbox, delivery{to: answer, out: outcomeOf{reply, err}})
	}}
	select {
	case <-o.drain:
		return Reply{}, ErrClosing
	default:
	}
	select {
	case o.inbox <- c:
	case <-o.drain:
		return Reply{}, ErrClosing
	case <-ctx.Done():
		return Reply{}, fault.Wrap(fault.Transient, errNotWritten.Public, ctx.Err())
	}
	select {
	case out := <-answer:
		return out.reply, out.err
	case <-ctx.Done():
		return Reply{}, fault.Wrap(fault.Transient, errUnknown.Public, ctx.Err())
	case <-o.done:
		select {
		case out := <-answer:
			return out.reply, out.err
		default: // it was put into the inbox as the loop ended
			return Reply{}, ErrClosing
		}
	}
}

// Import hands an import to the owner. What becomes of it is sent to answers,
// which must always have room, in any order; the imports come to count in the order
// of these calls, and are tried until they do or never can. An error means that it
// was not taken.
func (o *Owner) Import(ctx context.Context, r Request, place int64, answers chan<- Imported) error {
	r.Import, r.Keyed = true, true
	c := &Call{Request: r}
	c.Done = func(_ Reply, err error) {
		o.outbox = append(o.outbox, delivery{importer: answers, imported: Imported{place, c.again, err}})
	}
	select {
	case o.inbox <- c:
		return nil
	case <-o.drain:
		return ErrClosing
	case <-ctx.Done():
		return ctx.Err()
	}
}

// DropImports gives up all imports that were handed to the owner, and none that are
// handed over once it has returned: nobody waits for their answers any more.
func (o *Owner) DropImports() {
	dropped := make(chan struct{})
	drop := func(time.Time) {
		o.takeAll() // those that were handed over before this
		o.machine.DropImports()
		close(dropped)
	}
	select {
	case o.results <- drop:
	case <-o.drain: // none are tried any more
		return
	case <-o.done:
		return
	}
	select {
	case <-dropped:
	case <-o.done:
	}
}

const (
	busyTick = 5 * time.Millisecond   // while something waits: deadlines, back-offs
	idleTick = 200 * time.Millisecond // otherwise
)

func (o *Owner) run(ctx context.Context) {
	defer close(o.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	drain := o.drain
	closing := false
	for {
		select {
		case c := <-o.inbox:
			o.machine.Submit(c)
			o.takeAll()
		case result := <-o.results:
			result(o.clock())
			o.takeAll()
		case <-timer.C:
		case <-drain:
			drain, closing = nil, true
			o.takeAll()
			o.machine.CloseImports()
		case <-ctx.Done():
			o.takeAll()
			o.machine.Close()
			o.machine.Abandon()
			o.report()
			return
		}
		o.machine.Advance(o.clock())
		for _, e := range o.machine.Effects() {
			o.carryOut(ctx, e)
		}
		o.report()
		if closing && o.machine.Waiting() == 0 {
			return
		}
		timer.Reset(o.tick())
	}
}

// takeAll takes every call that waits, so that one batch holds them all (group
// commit needs no lingering timer).
func (o *Owner) takeAll() {
	for {
		select {
		case c := <-o.inbox:
			o.machine.Submit(c)
		default:
			return
		}
	}
}

func (o *Owner) tick() time.Duration {
	if phase, _ := o.machine.Phase(); phase == "ready" && o.machine.Waiting() == 0 {
		return idleTick
	}
	return busyTick
}

// report publishes what others may know, delivers the answers, and tells once,
// loudly, that the partition has stopped.
func (o *Owner) report() {
	if _, err := o.machine.Phase(); err != nil && !o.told {
		o.told = true
		o.logger.Error("partition stopped", "error", err)
	}
	if phase, _ := o.machine.Phase(); *o.phase.Load() != phase {
		o.phase.Store(&phase)
	}
	if log, _ := o.machine.Log(); log != "" && *o.logID.Load() != log { // none while it starts over: those answered before still ask
		o.logID.Store(&log)
	}
	for _, d := range o.outbox {
		if d.importer != nil {
			d.importer <- d.imported
		} else {
			d.to <- d.out
		}
	}
	o.outbox = o.outbox[:0]
	o.observe(o.machine)
}

// Log is the id of the partition's log, empty until it is known.
func (o *Owner) Log() position.LogID { return *o.logID.Load() }

// Phase names what the owner is doing.
func (o *Owner) Phase() string { return *o.phase.Load() }

// carryOut starts an effect. Its result comes back to the loop, so the machine
// is never used by two goroutines.
func (o *Owner) carryOut(ctx context.Context, e Effect) {
	switch e := e.(type) {
	case AppendBatch:
		o.attempt(ctx, o.timeouts.Append, func(ctx context.Context) func(time.Time) {
			r := o.log.Append(ctx, e.Records)
			return func(now time.Time) { o.machine.Appended(now, r) }
		})
	case ReadLog:
		o.attempt(ctx, o.timeouts.Read, func(ctx context.Context) func(time.Time) {
			r := o.log.Read(ctx, e.From)
			return func(now time.Time) { o.machine.Read(now, r) }
		})
	case LoadRows:
		o.attempt(ctx, o.timeouts.Load, func(ctx context.Context) func(time.Time) {
			rows, err := o.view.Load(ctx, e.Keys)
			return func(now time.Time) { o.machine.Loaded(now, LoadResult{Keys: e.Keys, Rows: rows, Err: err}) }
		})
	case ListEnd:
		o.attempt(ctx, o.timeouts.Read, func(ctx context.Context) func(time.Time) {
			r := o.log.End(ctx)
			return func(time.Time) { o.machine.Listed(r) }
		})
	case NameLog:
		o.attempt(ctx, o.timeouts.Read, func(ctx context.Context) func(time.Time) {
			r := o.log.Name(ctx)
			return func(now time.Time) { o.machine.Named(now, r) }
		})
	}
}

func (o *Owner) attempt(ctx context.Context, timeout time.Duration, do func(context.Context) func(time.Time)) {
	o.work.Go(func() {
		bounded, cancel := context.WithTimeout(ctx, timeout)
		defer cancel()
		result := do(bounded)
		select {
		case o.results <- result:
		case <-ctx.Done():
		}
	})
}

package consume

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"chatlog/shared/command"
	"chatlog/shared/deadletter"
	"chatlog/shared/fault"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/position"
	"chatlog/shared/retry"
	"chatlog/shared/view"
)

// View is what a sink keeps. The adapter next to the store decides about
// errors: fault.Invalid is data that can never be stored (the batch is bisected
// until the record is found), fault.Transient is tried again for ever.
type View interface {
	Name() string
	// Prepare makes what the view needs in its store. It is called again after
	// the view was lost.
	Prepare(ctx context.Context) error
	// Progress is how far the view has come; a view that is empty, or was made
	// anew, says so by Next 0 and LastOffset -1.
	Progress(ctx context.Context, partition int32) (view.Progress, error)
	// Apply takes a batch. Rejections are entries that can never be taken; when
	// there are any, the view's progress has not moved past them.
	Apply(ctx context.Context, b view.Batch) ([]view.Rejection, error)
}

// Log is the log as sinks read it.
type Log interface {
	Fetch(ctx context.Context, partition int32, offset int64, maxWait time.Duration) (kafkaconn.Page, error)
	Bounds(ctx context.Context, partition int32) (kafkaconn.Bounds, error)
}

// Letters writes dead letters, each position at most once.
type Letters interface {
	Write(ctx context.Context, log position.LogID, letters []deadletter.Refused) error
}

// worker keeps one partition of one view up to date.
type worker struct {
	partition   int32
	partitionOf func([]byte) int32
	view        View
	log         Log
	letters     Letters
	limits      Limits
	tells       bool
	status      *partitionStatus
	logger      *slog.Logger
	commit      func(next int64) // tells the group how far it is; never blocks for long
}

// idleWait is how long a fetch waits for records at the log's end.
const idleWait = 500 * time.Millisecond

// run works until ctx ends. committed is the group's offset, negative if there
// is none. It returns only when ctx has ended.
func (w *worker) run(ctx context.Context, committed int64) {
	for try := 0; ctx.Err() == nil; try++ {
		began := time.Now()
		err := w.follow(ctx, &committed)
		if time.Since(began) > time.Minute {
			try = 0 // it had worked for a while
		}
		var stop stopError
		switch {
		case ctx.Err() != nil:
			return
		case errors.As(err, &stop):
			w.status.stop(err)
			w.logger.Error("partition stopped", "error", err)
			<-ctx.Done()
			return
		case errors.Is(err, view.ErrHole): // the view was set back or made anew
			w.status.setBack()
			w.logger.Warn("the view was set back, reading again from its progress", "error", err)
			committed, try = -1, 0
		default:
			if !errors.Is(err, errShort) {
				w.status.long() // what was seen before an outage says nothing of after it
			}
			w.status.fail(err)
			w.logger.Warn("trying again", "error", err)
		}
		retry.Pause(ctx, try)
	}
}

// follow finds out where to start and then reads on for ever. committed moves
// with a replay and is none after it: what fails an hour later does not begin
// the replay again.
func (w *worker) follow(ctx context.Context, committed *int64) error {
	if err := w.view.Prepare(ctx); err != nil {
		return terminal(err)
	}
	progress, err := w.view.Progress(ctx, w.partition)
	if err != nil {
		return terminal(err)
	}
	if err := w.verify(ctx, progress); err != nil {
		return err
	}
	r := &reader{tells: w.tells, position: progress, log: command.Log{ID: progress.Log, Generation: progress.Generation,
		Partition: w.partition, PartitionOf: w.partitionOf}}
	if *committed >= 0 && *committed < progress.Next {
		w.logger.Info("replaying", "from", *committed, "progress", progress.Next)
		r.position.Next = *committed
		if opened, err := w.opened(ctx, *committed); err != nil {
			return err
		} else if !opened {
			r.log.ID, r.log.Generation = "", 0 // what lies before log.open is judged as it was the first time
		}
	}
	w.status.start(r.position.Next)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	pages := w.prefetch(ctx, r.position.Next)
	looked := time.Now()
	for fetched := range pages {
		if fetched.err != nil {
			return w.outOfRange(fetched.err)
		}
		if err := w.takePage(ctx, r, fetched.page); err != nil {
			return err
		}
		if *committed = r.position.Next; *committed >= progress.Next {
			*committed = -1
		}
		if len(fetched.page.Records) == 0 && time.Since(looked) >= lookEvery {
			if err := w.lookAgain(ctx, r.position.Next); err != nil {
				return err
			}
			looked = time.Now()
		}
	}
	return ctx.Err()
}

// lookEvery is how often the view of an idle partition is looked at.
const lookEvery = 5 * time.Second

// lookAgain makes sure that the view still is where its worker left it. A busy
// worker hears from Apply that its view was set back, emptied or lost; an idle
// one would never know, and the view would stay behind until the next write.
func (w *worker) lookAgain(ctx context.Context, next int64) error {
	progress, err := w.view.Progress(ctx, w.partition)
	switch {
	case err != nil:
		return terminal(err)
	case progress.Next < next:
		return fmt.Errorf("%w: partition %d is at %d again, not at %d", view.ErrHole, w.partition, progress.Next, next)
	}
	return nil
}

type fetched struct {
	page kafkaconn.Page
	err  error
}

// prefetch fetches the next page while the last one is being applied. The
// channel ends after an error or with ctx.
//
// At the log's end it lets records gather, if they come faster than one by one: every
// batch costs the store a transaction or a request, and a sink that is quick enough to
// bring in three records at a time makes the store pay for them as for a hundred.
func (w *worker) prefetch(ctx context.Context, next int64) <-chan fetched {
	pages := make(chan fetched)
	go func() {
		defer close(pages)
		for ctx.Err() == nil {
			page, err := w.log.Fetch(ctx, w.partition, next, idleWait)
			select {
			case pages <- fetched{page, err}:
			case <-ctx.Done():
				return
			}
			if err != nil {
				return
			}
			next = page.Next
			if len(page.Records) > 1 && page.Next >= page.HighWatermark {
				retry.Wait(ctx, w.limits.Gather)
			}
		}
	}()
	return pages
}

// takePage brings one page into the view, in as many batches as it needs.
func (w *worker) takePage(ctx context.Context, r *reader, page kafkaconn.Page) error {
	if page.LogStart > 0 {
		return stopped("partition %d: the log does not start at its beginning but at offset %d: its retention must be unlimited; %s",
			w.partition, page.LogStart, howToRebuild)
	}
	w.status.end(page.HighWatermark)
	for records := page.Records; ; {
		before := r.position.Next
		out, rest := r.take(records, page.Next, w.limits)
		if r.position.Next > before {
			if err := w.deliver(ctx, out); err != nil {
				return err
			}
			w.status.moved(r.position.Next, out.verdicts, len(out.batch.Entries))
		} else {
			w.status.idle()
		}
		w.commit(r.position.Next) // idle too: commits are rare, and the last one must not be left out
		if out.stop != nil {
			return stopError{out.stop}
		}
		if records = rest; len(records) == 0 {
			return nil
		}
	}
}

// deliver writes the run's dead letters and then its batch.
func (w *worker) deliver(ctx context.Context, out run) error {
	if err := w.tell(ctx, out.letters); err != nil {
		return err
	}
	return w.apply(ctx, out.batch, out.records)
}

// tell writes dead letters; progress waits until they are written. Those from
// before log.open have no log, the others one.
func (w *worker) tell(ctx context.Context, letters []letter) error {
	for len(letters) > 0 {
		log := letters[0].log
		var some []deadletter.Refused
		for len(letters) > 0 && letters[0].log == log {
			some, letters = append(some, letters[0].Refused), letters[1:]
		}
		if err := w.persist(ctx, func() error { return w.letters.Write(ctx, log, some) }); err != nil {
			return err
		}
	}
	return nil
}

// persistTries is how often one attempt is made again on the spot. After that
// the worker starts over from the view's progress, because the view itself may
// have been lost (a deleted index, a dropped table) and has to be made again.
const persistTries = 4

// persist tries again while an error is transient, and shows it meanwhile.
func (w *worker) persist(ctx context.Context, do func() error) error {
	for try := 1; ; try++ {
		err := do()
		if !fault.Is(err, fault.Transient) || ctx.Err() != nil || try == persistTries {
			return err
		}
		w.status.fail(err)
		w.logger.Warn("trying again", "error", err)
		retry.Pause(ctx, try)
	}
}

// apply brings a batch into the view, bisecting it where the store finds data
// that it can never take.
func (w *worker) apply(ctx context.Context, b view.Batch, records map[int64]command.Record) error {
	var rejections []view.Rejection
	began := time.Now()
	err := w.persist(ctx, func() (err error) {
		rejections, err = w.view.Apply(ctx, b)
		return err
	})
	w.status.applied(time.Since(began))
	switch {
	case err == nil && len(rejections) == 0:
		return nil
	case err == nil:
		return w.reject(ctx, b, rejections, records)
	case fault.Is(err, fault.Invalid) && len(b.Entries) > 1:
		w.status.bisected()
		first, second := halves(b)
		if err := w.apply(ctx, first, records); err != nil {
			return err
		}
		return w.apply(ctx, second, records)
	case fault.Is(err, fault.Invalid) && len(b.Entries) == 1:
		return w.reject(ctx, b, []view.Rejection{{Offset: b.Entries[0].Offset, Reason: err.Error()}}, records)
	default:
		return terminal(err)
	}
}

// reject makes dead letters of entries and applies the batch without them.
func (w *worker) reject(ctx context.Context, b view.Batch, rejections []view.Rejection, records map[int64]command.Record) error {
	offsets := map[int64]bool{}
	var letters []letter
	for _, r := range rejections {
		offsets[r.Offset] = true
		letters = append(letters, letter{deadletter.Refused{Record: records[r.Offset], Reason: r.Reason, Class: deadletter.Rejected}, b.To.Log})
	}
	if err := w.tell(ctx, letters); err != nil {
		return err
	}
	return w.apply(ctx, without(b, offsets), records)
}

// terminal makes an error that stops the worker of one that cannot pass.
func terminal(err error) error {
	switch {
	case errors.Is(err, view.ErrHole), errors.Is(err, context.Canceled):
		return err
	case errors.Is(err, view.ErrOtherLog):
		return stopped("%w; %s", err, howToRebuild)
	case fault.Is(err, fault.Transient):
		return err
	}
	return stopError{err}
}

// errShort says that the log seems shorter than it was, for a moment yet.
var errShort = errors.New("consume: the log seems short")

func (w *worker) outOfRange(err error) error {
	var out *kafkaconn.OutOfRangeError
	if !errors.As(err, &out) {
		return err
	}
	return w.short(out.Start, out.End, out.Offset)
}

func (w *worker) short(start, end, wanted int64) error {
	if start > 0 {
		return stopped("partition %d: the log does not start at its beginning but at offset %d: its retention must be unlimited; %s",
			w.partition, start, howToRebuild)
	}
	if !w.status.short() {
		return fault.Wrap(fault.Transient, fmt.Sprintf("the log ends at %d, the view is at %d", end, wanted), errShort)
	}
	return stopped("partition %d: the log ends at offset %d, but the view %s has already seen offset %d: the topic was cut or made anew; %s",
		w.partition, end, w.view.Name(), wanted-1, howToRebuild)
}

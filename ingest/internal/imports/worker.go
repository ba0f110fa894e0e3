package imports

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"chatlog/ingest/internal/partition"
	"chatlog/shared/deadletter"
	"chatlog/shared/fault"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/position"
	"chatlog/shared/retry"
)

// Source is the topic of imports, and how far the group has come in it. Errors are
// transient, but for a *kafkaconn.OutOfRangeError.
type Source interface {
	Fetch(ctx context.Context, partition int32, offset int64, maxWait time.Duration) (kafkaconn.Page, error)
	Bounds(ctx context.Context, partition int32) (kafkaconn.Bounds, error)
	// Committed gives the group's offset, -1 if there is none.
	Committed(ctx context.Context, partition int32) (int64, error)
	Commit(ctx context.Context, partition int32, offset int64) error
}

// Owner numbers what is imported and appends it to the log.
type Owner interface {
	Import(ctx context.Context, r partition.Request, place int64, answers chan<- partition.Imported) error
	// DropImports gives up what was handed over, and nothing that is handed over later.
	DropImports()
}

// Letters is the dead letters of one partition of imports.
type Letters interface {
	Write(ctx context.Context, log position.LogID, letters []deadletter.Refused) error
	// Told gives the records that were told of before, by their offsets.
	Told(ctx context.Context) (map[int64][]deadletter.Digest, error)
}

// Config says how much is imported at a time.
type Config struct {
	Partitions int
	InFlight   int // most records on their way, per partition
}

// worker imports one partition whenever this instance holds its lease.
type worker struct {
	partition int32
	label     string
	cfg       Config
	source    Source
	owner     Owner
	letters   Letters
	holds     func() bool
	clock     func() time.Time
	metrics   *Metrics
	status    *status
	logger    *slog.Logger

	end        int64 // of the topic, as last heard
	shortSince time.Time
}

// run imports until ctx ends.
func (w *worker) run(ctx context.Context) {
	for try := 0; ctx.Err() == nil; try++ {
		if !w.holds() {
			w.status.idle()
			w.metrics.lag.DeleteLabelValues(w.label)
			try = 0
			retry.Wait(ctx, tickEvery)
			continue
		}
		began := w.clock()
		err := w.session(ctx)
		if w.clock().Sub(began) > time.Minute {
			try = 0 // it had worked for a while
		}
		switch {
		case ctx.Err() != nil:
		case errors.Is(err, errLease), errors.Is(err, errMoved):
			try = 0
		default:
			w.fail(ctx, err)
			retry.Pause(ctx, try)
		}
	}
}

// session imports from where the group has come to.
func (w *worker) session(ctx context.Context) error {
	from, err := w.start(ctx)
	if err != nil {
		return err
	}
	now := w.clock()
	w.status.began(now)
	s := &session{worker: w, next: from, fetched: from, committed: -1, looked: now,
		answers: make(chan partition.Imported, w.cfg.InFlight), pages: make(chan page, 1)}
	return s.run(ctx)
}

// shortPatience is how long a topic may seem to end before the committed offset: a
// new leader's high watermark may lag for a moment (KIP-207).
const shortPatience = 5 * time.Second

// start says where to go on. A topic that was trimmed, cut or made anew is read from
// its start: what was imported before changes nothing.
func (w *worker) start(ctx context.Context) (int64, error) {
	committed, err := w.source.Committed(ctx, w.partition)
	if err != nil {
		return 0, err
	}
	bounds, err := w.source.Bounds(ctx, w.partition)
	if err != nil {
		return 0, err
	}
	now := w.clock()
	if committed <= bounds.End {
		w.shortSince = time.Time{}
	}
	switch {
	case committed < 0:
		return bounds.Start, nil
	case committed < bounds.Start:
		w.jump("trimmed", committed, bounds)
		return bounds.Start, nil
	case committed <= bounds.End:
		return committed, nil
	case w.shortSince.IsZero():
		w.shortSince = now
	case now.Sub(w.shortSince) >= shortPatience:
		w.jump("short", committed, bounds)
		return bounds.Start, nil
	}
	return 0, fault.New(fault.Transient, fmt.Sprintf("the imports end at offset %d, the group has committed %d", bounds.End, committed))
}

func (w *worker) jump(why string, from int64, bounds kafkaconn.Bounds) {
	w.metrics.jumps.WithLabelValues(why).Inc()
	w.logger.Error("the imports do not have the offset that the group has committed, reading from their start",
		"committed", from, "start", bounds.Start, "end", bounds.End, "why", why)
}

// fail tells of what is tried again.
func (w *worker) fail(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	w.metrics.failures.Inc()
	if w.status.failed(err) {
		w.logger.Warn("imports: trying again", "error", err)
	}
}

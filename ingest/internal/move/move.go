// Package move brings a log to another topic, or to another cluster: it appends
// every command that counts again, in order, under a new log id and the next
// generation. The log that comes of it holds the same commands; offsets, and so
// Consistency-Tokens and the views' progress, are others.
//
// It writes by the append rule, like an owner. So it may be killed and started
// again, and two of them may run at once, and every command counts once.
package move

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"chatlog/shared/command"
	"chatlog/shared/fault"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/position"
)

// Config is what a move needs to know.
type Config struct {
	Partitions  int
	PartitionOf func(key []byte) int32
	Without     []string // applications whose commands are left out
	Limits      Limits   // of one batch
	NewLog      func() position.LogID
	Now         func() time.Time
	Pause       func(ctx context.Context, try int) // between tries of what may pass
	Logger      *slog.Logger
}

// Mover moves one log. Use it from one goroutine; Moved may be asked by any.
type Mover struct {
	cfg     Config
	source  Log
	target  Target
	without map[string]bool
	lanes   []*lane
	from    position.LogID // the source's
	next    uint32         // the generation of the target
	log     position.LogID // the target's
	moved   atomic.Int64
}

// New makes a mover; nothing is read or written before Open.
func New(cfg Config, source Log, target Target) *Mover {
	m := &Mover{cfg: cfg, source: source, target: target, without: map[string]bool{}}
	for _, token := range cfg.Without {
		m.without[token] = true
	}
	return m
}

// Moved is how many commands are known to be in the target.
func (m *Mover) Moved() int64 { return m.moved.Load() }

// Log is the target's id and generation, known after Open.
func (m *Mover) Log() (position.LogID, uint32) { return m.log, m.next }

func (m *Mover) newLane(p int32) *lane {
	return &lane{partition: p, without: m.without, limits: m.cfg.Limits, erased: map[string]int64{},
		source: newStream(m.source, p, m.cfg.PartitionOf), target: newStream(m.target, p, m.cfg.PartitionOf)}
}

// Round copies every partition to the source's end as of now. It may be called
// again and again. A fault.Terminal says that the target is not ours to write to.
func (m *Mover) Round(ctx context.Context) error {
	has, wants, err := m.ends(ctx)
	if err != nil {
		return err
	}
	return m.each(func(p int32) error {
		l := m.lanes[p]
		if l.refused == nil {
			err := m.advance(ctx, l, wants[p].End, has[p].End)
			if !fault.Is(err, fault.Terminal) {
				return err
			}
			l.refused = err // it has read past what it was refused for, and must not go on behind that
		}
		return l.refused
	})
}

// each does the same for all partitions at once. A refusal is told without what else
// went wrong, such as that it was broken off.
func (m *Mover) each(do func(p int32) error) error {
	errs := make([]error, m.cfg.Partitions)
	var all sync.WaitGroup
	for p := range m.cfg.Partitions {
		all.Go(func() { errs[p] = do(int32(p)) })
	}
	all.Wait()
	if slices.ContainsFunc(errs, terminal) {
		errs = slices.DeleteFunc(errs, func(err error) bool { return !terminal(err) })
	}
	return errors.Join(errs...)
}

func terminal(err error) bool { return fault.Is(err, fault.Terminal) }

// advance brings one partition to the source's end.
func (m *Mover) advance(ctx context.Context, l *lane, sourceEnd, targetEnd int64) error {
	for {
		before := l.moved
		err := m.patient(ctx, "comparing", func() error { return l.compare(ctx, sourceEnd, targetEnd) })
		m.moved.Add(l.moved - before)
		if err != nil {
			return err
		}
		if err := m.patient(ctx, "reading", func() error { return l.fill(ctx, sourceEnd) }); err != nil {
			return err
		}
		l.reached = sourceEnd
		if len(l.pending) == 0 {
			return nil
		}
		sure, err := m.append(ctx, l)
		if err != nil {
			return err
		}
		if targetEnd = l.target.next; !sure {
			if targetEnd, sourceEnd, err = m.endsOf(ctx, l); err != nil {
				return err
			}
		}
	}
}

// append writes one batch of what is pending. If it is not sure where that lies, what
// counts of it is found at the target's end.
func (m *Mover) append(ctx context.Context, l *lane) (sure bool, err error) {
	expected := l.target.next
	batch := l.draft()
	base, err := m.target.Append(ctx, l.partition, batch)
	switch {
	case err == nil && base == expected:
		l.drop(len(batch))
		l.target.skipTo(base + int64(len(batch)))
		l.moved += int64(len(batch))
		m.moved.Add(int64(len(batch)))
		l.unsure = 0
		l.limits.Records = min(2*l.limits.Records, m.cfg.Limits.Records) // it was less, if some were too large
		return true, nil
	case err == nil && base < expected:
		return false, fault.New(fault.Terminal, fmt.Sprintf("partition %d: the target was cut: it ended at %d and now at %d", l.partition, expected, base))
	case fault.Is(err, fault.TooLarge) && len(batch) == 1:
		return false, fault.Wrap(fault.Terminal, "The target refuses a record that the source has: give it a greater max.message.bytes", err)
	case fault.Is(err, fault.TooLarge):
		l.limits = Limits{Records: len(batch) / 2, Bytes: l.limits.Bytes}
		return true, nil
	case err != nil:
		m.cfg.Logger.Warn("outcome unknown, looking", "partition", l.partition, "error", err)
	}
	m.cfg.Pause(ctx, l.unsure) // by chance, or two movers would take turns at being in each other's way
	l.unsure++
	return false, nil
}

// endsOf gives where one partition ends in the target and in the source. Both, for
// another mover may have brought the target further than this one knew the source.
func (m *Mover) endsOf(ctx context.Context, l *lane) (has, wants int64, err error) {
	err = m.patient(ctx, "the target's end", func() error {
		target, source, err := m.ends(ctx)
		if err == nil && target[l.partition].End < l.target.next { // a new leader's may lag for a moment
			err = fault.New(fault.Transient, fmt.Sprintf("partition %d: the target ends at %d, and was at %d", l.partition, target[l.partition].End, l.target.next))
		}
		has, wants = target[l.partition].End, source[l.partition].End
		return err
	})
	return has, wants, err
}

// patient tries again for as long as an error may pass and ctx lasts.
func (m *Mover) patient(ctx context.Context, what string, do func() error) error {
	for try := 0; ; try++ {
		err := do()
		if err == nil || !fault.Is(err, fault.Transient) {
			return err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		m.cfg.Logger.Warn("trying again", "doing", what, "error", err)
		m.cfg.Pause(ctx, try)
	}
}

// openID is the id of a partition's first record in the target. It says what the target
// is a copy of, and without whom: a copy of another log that has nothing in some
// partition yet could not be told from one's own there.
func (m *Mover) openID(p int32) string {
	what := fmt.Sprint(m.from, m.next, p, slices.Sorted(maps.Keys(m.without)))
	return uuid.NewSHA1(uuid.NameSpaceOID, []byte(what)).String()
}

// openRecord is the first record of a partition of the target.
func (m *Mover) openRecord(p int32, log position.LogID, at int64) kafkaconn.Record {
	c := command.Command{ID: m.openID(p), Op: command.LogOpen, Log: log, Generation: m.next, Time: command.Now(m.cfg.Now())}
	return kafkaconn.Record{Value: command.Encode(&c), Headers: []command.Header{
		{Key: command.HeaderAt, Value: position.At{Log: log, Offset: at}.Append(nil)}}}
}

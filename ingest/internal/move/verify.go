package move

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"maps"

	"chatlog/shared/command"
	"chatlog/shared/fault"
	"chatlog/shared/kafkaconn"
)

// Result is what was compared.
type Result struct {
	Commands int64            // in both logs
	Erased   map[string]int64 // left out, by application
	Source   Tally            // records of the source, by verdict
	Target   Tally
	Digest   string // of all commands, partition by partition; the same for every copy of a log
	ends     map[int32]int64
}

// ErrMoving says that the source was written to while it was compared.
var ErrMoving = errors.New("the source is still written to: stop every ingest of it, then run the same again")

// Verify reads both logs from their beginnings to their ends as of now and
// compares every command, byte for byte. A difference is a fault.Terminal; ErrMoving is
// one, too: the source has grown since the last round.
func (m *Mover) Verify(ctx context.Context) (Result, error) {
	has, wants, err := m.ends(ctx)
	if err != nil {
		return Result{}, err
	}
	lanes, digests := make([]*lane, m.cfg.Partitions), make([]hash.Hash, m.cfg.Partitions)
	err = m.each(func(p int32) error {
		lanes[p], digests[p] = m.newLane(p), sha256.New()
		return m.verifyLane(ctx, lanes[p], wants[p].End, has[p].End, digests[p])
	})
	if err != nil {
		return Result{}, err
	}
	r := Result{ends: map[int32]int64{}, Erased: map[string]int64{}}
	whole := sha256.New()
	for p, l := range lanes {
		r.Commands += l.moved
		for token, n := range l.erased {
			r.Erased[token] += n
		}
		r.Source.add(l.source.seen)
		r.Target.add(l.target.seen)
		r.ends[int32(p)] = wants[int32(p)].End
		whole.Write(digests[p].Sum(nil))
	}
	r.Digest = hex.EncodeToString(whole.Sum(nil)[:16])
	return r, nil
}

// verifyLane compares one partition to its end.
func (m *Mover) verifyLane(ctx context.Context, l *lane, sourceEnd, targetEnd int64, digest hash.Hash) error {
	for {
		want, more, err := m.step(ctx, func() (command.Record, bool, error) { return l.fresh(ctx, sourceEnd) })
		if err != nil {
			return err
		}
		has, there, err := m.step(ctx, func() (command.Record, bool, error) { return l.beyondOpen(ctx, targetEnd) })
		switch {
		case err != nil:
			return err
		case !more && !there:
			return nil
		case more && !there && want.Offset >= m.lanes[l.partition].reached:
			return fault.Wrap(fault.Terminal, "Not done", ErrMoving) // it has come since the last round
		case more != there || !same(&want, &has):
			return fault.New(fault.Terminal, fmt.Sprintf("the logs differ: partition %d, offset %d of the source (which has one: %v), %d of the target (which has one: %v)",
				l.partition, want.Offset, more, has.Offset, there))
		}
		l.moved++
		digest.Write(want.Key)
		digest.Write(want.Value)
	}
}

// beyondOpen gives the target's next command.
func (l *lane) beyondOpen(ctx context.Context, end int64) (command.Record, bool, error) {
	for {
		c, ok, err := l.target.take(ctx, end)
		if err != nil || !ok || c.command.Op != command.LogOpen {
			return c.record, ok, err
		}
	}
}

func (m *Mover) step(ctx context.Context, take func() (command.Record, bool, error)) (r command.Record, ok bool, err error) {
	err = m.patient(ctx, "reading", func() (err error) { r, ok, err = take(); return err })
	return r, ok, err
}

// Quiet looks whether the source still ends where it did when it was compared;
// ErrMoving: it does not, so the target lacks what has come since.
func (m *Mover) Quiet(ctx context.Context, r Result) error {
	var now map[int32]kafkaconn.Bounds
	if err := m.patient(ctx, "the source's end", func() (err error) { now, err = m.source.Ends(ctx); return err }); err != nil {
		return err
	}
	ends := map[int32]int64{}
	for p, b := range now {
		ends[p] = b.End
	}
	if !maps.Equal(ends, r.ends) {
		return fault.Wrap(fault.Terminal, "Not done", ErrMoving)
	}
	return nil
}

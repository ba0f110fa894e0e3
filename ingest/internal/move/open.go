package move

import (
	"context"
	"fmt"

	"chatlog/shared/command"
	"chatlog/shared/fault"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/position"
)

// ends gives where both logs end as of now. The target is asked first: whatever lies in
// it by then was in the source before the source is asked.
func (m *Mover) ends(ctx context.Context) (has, wants map[int32]kafkaconn.Bounds, err error) {
	err = m.patient(ctx, "the logs' ends", func() (err error) {
		if has, err = m.target.Ends(ctx); err != nil {
			return err
		}
		wants, err = m.source.Ends(ctx)
		return err
	})
	return has, wants, err
}

// Open finds out what is moved, and opens the target or takes over what an
// earlier move of the same log has opened. A target that anything else lies in
// is refused, as a fault.Terminal, before anything is written to it.
func (m *Mover) Open(ctx context.Context) error {
	has, wants, err := m.ends(ctx)
	if err != nil {
		return err
	}
	m.lanes = nil
	for p := range m.cfg.Partitions {
		m.lanes = append(m.lanes, m.newLane(int32(p)))
	}
	for p := range wants {
		if err := m.identify(ctx, p, wants[p].End); err != nil {
			return err
		}
	}
	if m.from == "" {
		return fault.New(fault.Terminal, "the source is not open: there is nothing to move")
	}
	// All of them are looked at before the first is written to.
	for p := range has {
		if err := m.look(ctx, p, has[p].End); err != nil {
			return err
		}
	}
	for p := range m.cfg.Partitions { // 0 names the log, the others take its name over
		if err := m.openLane(ctx, int32(p)); err != nil {
			return err
		}
	}
	return nil
}

// identify reads the first record of a source's partition. One that was never
// opened holds nothing to move.
func (m *Mover) identify(ctx context.Context, p int32, end int64) error {
	s := newStream(m.source, p, m.cfg.PartitionOf)
	first, ok, err := m.first(ctx, s, end)
	if err != nil || !ok {
		return err
	}
	if m.from != "" && (m.from != first.Log || m.next != first.Generation+1) {
		return fault.New(fault.Terminal, fmt.Sprintf("the source is not one log: partition %d is of log %s, another one of log %s", p, first.Log, m.from))
	}
	if m.from, m.next = first.Log, first.Generation+1; m.next > position.MaxGeneration {
		return fault.New(fault.Terminal, "the source has the last generation that there can be")
	}
	return nil
}

// first gives the log.open of a stream.
func (m *Mover) first(ctx context.Context, s *stream, end int64) (c command.Command, ok bool, err error) {
	err = m.patient(ctx, "reading", func() error {
		var got counted
		got, ok, err = s.take(ctx, end)
		c = got.command
		return err
	})
	return c, ok, err
}

// look judges what lies in a partition of the target.
func (m *Mover) look(ctx context.Context, p int32, end int64) error {
	if end == 0 {
		return nil
	}
	l := m.lanes[p]
	opened, ok, err := m.first(ctx, l.target, end)
	switch {
	case err != nil:
		return err
	case !ok:
		return fault.New(fault.Terminal, fmt.Sprintf("the target is not empty: partition %d has %d offsets that no move has written", p, end))
	case opened.Log == m.from:
		return fault.New(fault.Terminal, "the target is the source, or a copy of it made by something else")
	case opened.Generation != m.next:
		return fault.New(fault.Terminal, fmt.Sprintf("the target is another log: partition %d is of generation %d, a copy of this one would have %d", p, opened.Generation, m.next))
	case opened.ID != m.openID(p):
		return notOurs(p, 0, "it was opened for another log, or without other applications")
	case m.log != "" && m.log != opened.Log:
		return fault.New(fault.Terminal, fmt.Sprintf("the target is not one log: partition %d is of log %s, another one of log %s", p, opened.Log, m.log))
	}
	m.log = opened.Log
	return nil
}

// openLane writes a partition's log.open unless it is there. Of two movers that
// do so at once one counts, by the append rule, and both go on with its log.
func (m *Mover) openLane(ctx context.Context, p int32) error {
	l := m.lanes[p]
	for try := 0; l.target.judge.ID == ""; try++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		log := m.log
		if log == "" {
			log = m.cfg.NewLog()
		}
		if _, err := m.target.Append(ctx, p, []kafkaconn.Record{m.openRecord(p, log, l.target.next)}); err != nil {
			m.cfg.Logger.Warn("outcome unknown, looking", "partition", p, "error", err)
			m.cfg.Pause(ctx, try)
		}
		var ends map[int32]kafkaconn.Bounds
		if err := m.patient(ctx, "the target's end", func() (err error) { ends, err = m.target.Ends(ctx); return err }); err != nil {
			return err
		}
		if err := m.look(ctx, p, ends[p].End); err != nil {
			return err
		}
	}
	return nil
}

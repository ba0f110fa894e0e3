package move

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"chatlog/shared/command"
	"chatlog/shared/fault"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/position"
)

// Limits bound one batch.
type Limits struct {
	Records int
	Bytes   int
}

// recordOverhead bounds what a record costs beyond key, value and headers.
const recordOverhead = 64

// lane moves one partition. The target's records that count must be the source's,
// one by one; so how far a broken-off move came is read from the target itself,
// and nothing else has to be remembered.
type lane struct {
	partition      int32
	source, target *stream
	without        map[string]bool
	limits         Limits
	pending        []command.Record // of the source, and not known to be in the target, oldest first
	bytes          int              // of pending
	moved          int64            // commands
	erased         map[string]int64 // commands that are left out, by application
	reached        int64            // of the source, by the last round
	unsure         int              // batches in a row of which nobody knows where they lie
	refused        error            // why nothing more may be written
}

// from gives the next command of the source that belongs into the target, the
// pending ones first; false: there is none before end.
func (l *lane) from(ctx context.Context, end int64) (command.Record, bool, error) {
	if len(l.pending) > 0 {
		r := l.pending[0]
		l.drop(1)
		return r, true, nil
	}
	return l.fresh(ctx, end)
}

// fresh gives the next command of the source that is not pending yet.
func (l *lane) fresh(ctx context.Context, end int64) (command.Record, bool, error) {
	for {
		c, ok, err := l.source.take(ctx, end)
		if err != nil || !ok {
			return command.Record{}, false, err
		}
		switch {
		case c.command.Op == command.LogOpen: // the target has one of its own
		case l.without[c.command.Application]:
			l.erased[c.command.Application]++
		default:
			return c.record, true, nil
		}
	}
}

func (l *lane) drop(count int) {
	for _, r := range l.pending[:count] {
		l.bytes -= size(&r)
	}
	l.pending = slices.Delete(l.pending, 0, count)
}

// keep adds a command to the pending ones.
func (l *lane) keep(r command.Record) {
	l.pending = append(l.pending, r)
	l.bytes += size(&r)
}

func size(r *command.Record) int {
	n := len(r.Key) + len(r.Value) + recordOverhead
	for _, h := range r.Headers {
		n += len(h.Key) + len(h.Value)
	}
	return n
}

// compare reads the target on to its end and takes off the source what it has.
// It must know of no command that the source does not have in that very place.
func (l *lane) compare(ctx context.Context, sourceEnd, targetEnd int64) error {
	for {
		has, ok, err := l.target.take(ctx, targetEnd)
		if err != nil || !ok {
			return err
		}
		if has.command.Op == command.LogOpen {
			continue // judged when the target was opened
		}
		want, ok, err := l.from(ctx, sourceEnd)
		switch {
		case err != nil: // the target's record must be met again
			l.target.next, l.target.page = has.record.Offset, append([]command.Record{has.record}, l.target.page...)
			l.target.seen[command.Counts]--
			return err
		case !ok:
			return notOurs(l.partition, has.record.Offset, "the source ends before it")
		case !same(&want, &has.record):
			return notOurs(l.partition, has.record.Offset, fmt.Sprintf("the source has another command there, at its offset %d", want.Offset))
		}
		l.moved++
	}
}

func notOurs(partition int32, offset int64, why string) error {
	return fault.New(fault.Terminal, fmt.Sprintf("the target is no unfinished copy of this log, made with the same --without-application: "+
		"partition %d, offset %d: %s; nothing more is written to it", partition, offset, why))
}

// same reports whether two records are one command: all bytes but those that say
// where it lies.
func same(a, b *command.Record) bool {
	return bytes.Equal(a.Key, b.Key) && bytes.Equal(a.Value, b.Value) &&
		slices.EqualFunc(carried(a), carried(b), func(x, y command.Header) bool { return x.Key == y.Key && bytes.Equal(x.Value, y.Value) })
}

// carried are the headers that go along.
func carried(r *command.Record) []command.Header {
	var out []command.Header
	for _, h := range r.Headers {
		if h.Key != command.HeaderAt {
			out = append(out, h)
		}
	}
	return out
}

// fill makes what is pending a batch, as far as the source and the limits go.
func (l *lane) fill(ctx context.Context, end int64) error {
	for len(l.pending) < l.limits.Records && l.bytes < l.limits.Bytes {
		r, ok, err := l.fresh(ctx, end)
		if err != nil || !ok {
			return err
		}
		l.keep(r)
	}
	return nil
}

// draft writes the first of the pending commands for the place where the target
// ends, as many as the limits allow and at least one.
func (l *lane) draft() []kafkaconn.Record {
	var out []kafkaconn.Record
	total := 0
	for i := range l.pending {
		r := &l.pending[i]
		total += size(r)
		if len(out) > 0 && (len(out) >= l.limits.Records || total > l.limits.Bytes) {
			break
		}
		at := position.At{Log: l.target.judge.ID, Offset: l.target.next + int64(len(out))}
		headers := append([]command.Header{{Key: command.HeaderAt, Value: at.Append(nil)}}, carried(r)...)
		out = append(out, kafkaconn.Record{Key: r.Key, Value: r.Value, Headers: headers})
	}
	return out
}

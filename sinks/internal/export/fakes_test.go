package export

import (
	"context"
	"errors"
	"fmt"
	"time"

	"chatlog/shared/command"
	"chatlog/shared/kafkaconn"
)

const (
	ours  = "00000000000000a1"
	other = "00000000000000b2"

	app       = "aaaaaaaa" // whose history is asked for
	neighbour = "bbbbbbbb" // lies in the same partition
	far       = "cccccccc" // belongs to another one

	partition = int32(3)
)

func partitionOf(key []byte) int32 {
	if string(key) == far {
		return partition + 1
	}
	return partition
}

var errAway = errors.New("the broker is away")

// fakeLog is one partition in memory.
type fakeLog struct {
	records  []command.Record
	start    int64
	end      int64 // as it is told; what lies behind it was appended since
	page     int   // most records of one page
	away     int64 // offset from which on pages fail; negative: none do
	unsaid   bool  // not even its bounds are to be had
	hesitant bool  // every other answer is empty, as those of a busy broker
	asked    int
}

// newLog makes a log that is open, and that holds records for which only what is
// said of them is true.
func newLog(records ...command.Record) *fakeLog {
	l := &fakeLog{page: 2, away: -1}
	for i, r := range append([]command.Record{record(opened(ours))}, records...) {
		r.Partition, r.Offset = partition, int64(i)
		for h := range r.Headers {
			if string(r.Headers[h].Value) == here {
				r.Headers[h].Value = fmt.Appendf(nil, "%s:%d", ours, i)
			}
		}
		l.records = append(l.records, r)
	}
	l.end = int64(len(l.records))
	return l
}

func (l *fakeLog) Bounds(_ context.Context, p int32) (kafkaconn.Bounds, error) {
	if p != partition {
		panic("another partition is asked for")
	}
	if l.unsaid {
		return kafkaconn.Bounds{}, errAway
	}
	return kafkaconn.Bounds{Start: l.start, End: l.end}, nil
}

func (l *fakeLog) Fetch(ctx context.Context, _ int32, offset int64, _ time.Duration) (p kafkaconn.Page, err error) {
	l.asked++
	switch {
	case ctx.Err() != nil:
		return p, ctx.Err()
	case l.away >= 0 && offset >= l.away:
		return p, errAway
	case l.hesitant && l.asked%2 == 1:
		return kafkaconn.Page{Next: offset}, nil
	}
	p.Records = l.records[offset:min(int(offset)+l.page, len(l.records))]
	p.Next = offset + int64(len(p.Records))
	return p, nil
}

// here stands for where a record comes to lie.
const here = "here"

// record makes the record of a command as ingest writes it.
func record(c command.Command) command.Record {
	return command.Record{Key: []byte(c.Application), Value: command.Encode(&c), Headers: []command.Header{{Key: command.HeaderAt, Value: []byte(here)}}}
}

// but gives a record of which something is otherwise.
func but(r command.Record, change func(*command.Record)) command.Record {
	change(&r)
	return r
}

// raw gives a record with another value.
func raw(r command.Record, value string) command.Record {
	r.Value = []byte(value)
	return r
}

// writtenFor gives a record that was written for other places than its own; none is
// a record without any.
func writtenFor(r command.Record, places ...string) command.Record {
	r.Headers = nil
	for _, p := range places {
		r.Headers = append(r.Headers, command.Header{Key: command.HeaderAt, Value: []byte(p)})
	}
	return r
}

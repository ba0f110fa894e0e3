package ingestd

import (
	"context"
	"errors"
	"time"

	"chatlog/ingest/internal/partition"
	"chatlog/shared/command"
	"chatlog/shared/fault"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/sqlview"
)

// kafkaLog is a partition of the log in Kafka.
type kafkaLog struct {
	conn       *kafkaconn.Conn
	topic      string
	partition  int32
	partitions int
}

// pageBytes is how much of the log is read at a time.
const pageBytes = 4 << 20

// endWait is how long a read waits at the log's end: not at all, an owner
// only wants to know that it is there.
const endWait = time.Millisecond

// Append produces one batch.
func (l *kafkaLog) Append(ctx context.Context, records []partition.Record) partition.AppendResult {
	out := make([]kafkaconn.Record, len(records))
	headers := make([]command.Header, 0, 2*len(records))
	for i, r := range records {
		first := len(headers)
		headers = append(headers, command.Header{Key: command.HeaderAt, Value: r.At})
		if r.Trace != nil {
			headers = append(headers, command.Header{Key: command.HeaderTrace, Value: r.Trace})
		}
		out[i] = kafkaconn.Record{Key: r.Key, Value: r.Value, Headers: headers[first:len(headers):len(headers)]}
	}
	base, err := l.conn.Produce(ctx, l.topic, l.partition, out)
	return partition.AppendResult{Base: base, Err: err, Refused: err != nil && kafkaconn.Refused(err), TooLarge: fault.Is(err, fault.TooLarge)}
}

// Read fetches a page.
func (l *kafkaLog) Read(ctx context.Context, from int64) partition.ReadResult {
	page, err := l.conn.Fetch(ctx, l.topic, l.partition, from, pageBytes, endWait)
	var out *kafkaconn.OutOfRangeError
	if errors.As(err, &out) {
		return partition.ReadResult{OutOfRange: true, LogStart: out.Start}
	}
	if err != nil {
		return partition.ReadResult{Err: err}
	}
	return partition.ReadResult{Records: page.Records, Next: page.Next, HighWatermark: page.HighWatermark, LogStart: page.LogStart}
}

// End lists the log's end.
func (l *kafkaLog) End(ctx context.Context) partition.ListResult {
	end, err := l.conn.End(ctx, l.topic, l.partition)
	return partition.ListResult{End: end, Err: err}
}

// Name reads partition 0 up to its log.open.
func (l *kafkaLog) Name(ctx context.Context) partition.NameResult {
	log := command.Log{PartitionOf: func([]byte) int32 { return 0 }}
	for from := int64(0); ; {
		page, err := l.conn.Fetch(ctx, l.topic, 0, from, pageBytes, endWait)
		if err != nil {
			return partition.NameResult{Err: err}
		}
		for i := range page.Records {
			if r := command.Read(log, &page.Records[i]); r.Verdict == command.Counts {
				return partition.NameResult{Log: r.Command.Log, Generation: r.Command.Generation}
			}
		}
		if from = page.Next; from >= page.HighWatermark {
			return partition.NameResult{Err: fault.New(fault.Transient, "partition 0 is not open yet")}
		}
	}
}

// rowsView is the relational view as an owner reads it.
type rowsView struct {
	view      *sqlview.View
	partition int32
}

// Load reads rows and progress in one snapshot.
func (v rowsView) Load(ctx context.Context, k partition.Keys) (partition.Rows, error) {
	s, err := v.view.Load(ctx, v.partition, sqlview.Keys(k))
	return partition.Rows(s), err
}

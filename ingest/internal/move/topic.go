package move

import (
	"context"
	"errors"
	"fmt"
	"time"

	"chatlog/shared/fault"
	"chatlog/shared/kafkaconn"
)

// pageBytes is how much is read at a time: with two logs and all partitions at
// once this bounds the memory that a move takes.
const pageBytes = 1 << 20

// endWait is how long a fetch waits at a log's end, which is only met by a
// leader that has just changed.
const endWait = 100 * time.Millisecond

// Topic is a topic in Kafka.
type Topic struct {
	Conn       *kafkaconn.Conn
	Name       string
	Partitions int
}

// Fetch reads one page. An offset that does not lie in the log says that the log
// was cut, unless its end lags for a moment (KIP-207).
func (t Topic) Fetch(ctx context.Context, partition int32, offset int64) (kafkaconn.Page, error) {
	page, err := t.Conn.Fetch(ctx, t.Name, partition, offset, pageBytes, endWait)
	var out *kafkaconn.OutOfRangeError
	if errors.As(err, &out) {
		kind := fault.Transient
		if out.Start > 0 {
			kind = fault.Terminal
		}
		return page, fault.Wrap(kind, "The log is not whole", fmt.Errorf("topic %s: %w", t.Name, out))
	}
	return page, err
}

// Ends lists all partitions' bounds.
func (t Topic) Ends(ctx context.Context) (map[int32]kafkaconn.Bounds, error) {
	all := make([]int32, t.Partitions)
	for i := range all {
		all[i] = int32(i)
	}
	return t.Conn.Ends(ctx, t.Name, all...)
}

// Append produces one batch.
func (t Topic) Append(ctx context.Context, partition int32, records []kafkaconn.Record) (int64, error) {
	return t.Conn.Produce(ctx, t.Name, partition, records)
}

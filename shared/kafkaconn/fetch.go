package kafkaconn

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"chatlog/shared/command"
)

// Page is a run of a partition's log.
type Page struct {
	Records       []command.Record // in order of offset; control records included
	Next          int64            // the offset after the last one seen; the requested one if nothing was
	HighWatermark int64
	LogStart      int64
}

// OutOfRangeError says that an offset does not lie in the log. The log is
// never left silently: somebody has to find out why.
type OutOfRangeError struct {
	Partition          int32
	Offset, Start, End int64
}

func (e *OutOfRangeError) Error() string {
	return fmt.Sprintf("kafka: partition %d has the offsets %d to %d, not %d", e.Partition, e.Start, e.End, e.Offset)
}

// Fetch reads from an offset on: at most about maxBytes, less where batches are
// small, but at least one batch; an empty page after maxWait when there is nothing. Records of
// transactions that were aborted, or are still open, are read like any other
// (isolation level read_uncommitted): they have no valid `at` and count for
// nobody, while waiting for them would let anybody stop the readers.
func (c *Conn) Fetch(ctx context.Context, topic string, partition int32, offset int64, maxBytes int, maxWait time.Duration) (Page, error) {
	if offset < 0 { // to kafka-go these mean the first and the last offset
		return Page{}, c.outOfRange(ctx, topic, partition, offset)
	}
	ctx, cancel := context.WithTimeout(ctx, maxWait+c.cfg.RequestTimeout)
	defer cancel()
	r, err := c.client.Fetch(ctx, &kafka.FetchRequest{Topic: topic, Partition: int(partition), Offset: offset,
		MinBytes: 1, MaxBytes: int64(c.room.of(place{topic, partition}, maxBytes)), MaxWait: maxWait, IsolationLevel: kafka.ReadUncommitted})
	if err == nil {
		err = r.Error
	}
	if errors.Is(err, kafka.OffsetOutOfRange) {
		return Page{}, c.outOfRange(ctx, topic, partition, offset)
	}
	if err != nil {
		return Page{}, transient("fetch", err)
	}
	page := Page{Next: offset, HighWatermark: r.HighWatermark, LogStart: r.LogStartOffset}
	batches := []protocol.RecordReader{r.Records}
	if stream, ok := r.Records.(*protocol.RecordStream); ok {
		batches = stream.Records
	}
	for _, batch := range batches {
		if err := page.take(batch, partition, offset); err != nil {
			return Page{}, transient("fetch", err)
		}
	}
	c.room.learn(place{topic, partition}, len(batches), page.size())
	return page, nil
}

// size is about how many bytes the page's records took of the answer.
func (p *Page) size() (bytes int) {
	for i := range p.Records {
		r := &p.Records[i]
		bytes += len(r.Key) + len(r.Value) + 32 // lengths, deltas, headers
	}
	return bytes
}

// take adds one batch to the page. A broker answers with whole batches, so the
// first records may lie before the offset that was asked for.
func (p *Page) take(batch protocol.RecordReader, partition int32, from int64) error {
	_, control := batch.(*protocol.ControlBatch)
	for {
		r, err := batch.ReadRecord()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		key, err := readAll(r.Key)
		if err != nil {
			return err
		}
		value, err := readAll(r.Value)
		if err != nil {
			return err
		}
		if r.Offset < from {
			continue
		}
		if r.Offset < p.Next {
			return fmt.Errorf("offset %d follows %d", r.Offset, p.Next-1)
		}
		record := command.Record{Partition: partition, Offset: r.Offset, Key: key, Value: value, Control: control}
		if len(r.Headers) > 0 {
			record.Headers = make([]command.Header, len(r.Headers))
			for i, h := range r.Headers {
				record.Headers[i] = command.Header{Key: h.Key, Value: h.Value}
			}
		}
		p.Records = append(p.Records, record)
		p.Next = r.Offset + 1
	}
}

// readAll copies and closes: the page's memory belongs to kafka-go's pool.
func readAll(b protocol.Bytes) ([]byte, error) {
	if b == nil {
		return nil, nil
	}
	defer b.Close()
	return protocol.ReadAll(b)
}

func (c *Conn) outOfRange(ctx context.Context, topic string, partition int32, offset int64) error {
	bounds, err := c.Ends(ctx, topic, partition)
	if err != nil {
		return err
	}
	b := bounds[partition]
	if offset >= b.Start && offset <= b.End { // it was true a moment ago
		return transient("fetch", kafka.OffsetOutOfRange)
	}
	return &OutOfRangeError{Partition: partition, Offset: offset, Start: b.Start, End: b.End}
}

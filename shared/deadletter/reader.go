package deadletter

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"chatlog/shared/command"
	"chatlog/shared/fault"
	"chatlog/shared/kafkaconn"
)

// Entry is one record of the topic of dead letters.
type Entry struct {
	Offset     int64 // in the topic
	Letter     Letter
	Settlement *Settlement // of an earlier letter; Letter says nothing then
	Odd        error       // it is neither, and why; Letter says nothing then
}

// Read visits what lies in the topic from an offset on (0: from the beginning) up
// to its end as of now, in order, a page at a time. It gives the offset from which
// on to go on. An error of visit ends it; those of Kafka are fault.Transient.
func Read(ctx context.Context, conn *kafkaconn.Conn, topic string, from int64, visit func(Entry) error) (next int64, err error) {
	return pages(ctx, conn, topic, from, func(page kafkaconn.Page) error {
		for i := range page.Records {
			if page.Records[i].Control { // a transaction marker of a stranger
				continue
			}
			if err := visit(entry(&page.Records[i])); err != nil {
				return err
			}
		}
		return nil
	})
}

// ReadOne gives the entry at an offset; fault.NotFound when none lies there.
func ReadOne(ctx context.Context, conn *kafkaconn.Conn, topic string, offset int64) (e Entry, err error) {
	r, err := RecordAt(ctx, conn, topic, 0, offset)
	if err != nil {
		return e, err
	}
	return entry(&r), nil
}

// RecordAt gives the record at a place of any topic; fault.NotFound when none lies
// there (any more).
func RecordAt(ctx context.Context, conn *kafkaconn.Conn, topic string, partition int32, offset int64) (r command.Record, err error) {
	bounds, err := conn.Ends(ctx, topic, partition)
	if err != nil {
		return r, err
	}
	missing := fault.New(fault.NotFound, fmt.Sprintf("no record lies at offset %d of partition %d of %s", offset, partition, topic))
	if offset < bounds[partition].Start || offset >= bounds[partition].End {
		return r, missing
	}
	for {
		page, err := conn.Fetch(ctx, topic, partition, offset, oneBytes, time.Second)
		switch {
		case err != nil:
			return r, err
		case page.Next == offset: // a busy broker may have nothing to say for a moment
			continue
		case page.Records[0].Offset != offset || page.Records[0].Control:
			return r, missing
		}
		return page.Records[0], nil
	}
}

// entry reads a record of the topic.
func entry(r *command.Record) Entry {
	e := Entry{Offset: r.Offset}
	var kind struct {
		Letter *string `json:"letter"` // only settlements have it
	}
	if err := json.Unmarshal(r.Value, &kind); err == nil && kind.Letter != nil {
		s, err := decodeSettlement(r.Key, r.Value)
		e.Settlement, e.Odd = &s, err
		return e
	}
	e.Letter, e.Odd = decode(r.Key, r.Value)
	return e
}

const (
	pageBytes = 4 << 20
	oneBytes  = 64 << 10 // Kafka gives a whole batch, however large it is
)

// pages reads the topic's one partition with letters up to its end as of now, and
// gives the offset after what was visited.
func pages(ctx context.Context, conn *kafkaconn.Conn, topic string, from int64, visit func(kafkaconn.Page) error) (int64, error) {
	bounds, err := conn.Ends(ctx, topic, 0)
	if err != nil {
		return from, err
	}
	at := max(from, bounds[0].Start)
	for at < bounds[0].End {
		page, err := conn.Fetch(ctx, topic, 0, at, pageBytes, time.Second)
		if err != nil {
			return at, err
		}
		if err := visit(page); err != nil {
			return at, err
		}
		at = page.Next
	}
	return at, nil
}

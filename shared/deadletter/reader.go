package deadletter

import (
	"context"
	"time"

	"chatlog/shared/kafkaconn"
)

// Entry is one record of the topic of dead letters.
type Entry struct {
	Offset int64 // in the topic
	Letter Letter
	Odd    error // it is no letter, and why; Letter says nothing then
}

// Read visits what lies in the topic from an offset on (0: from the beginning) up
// to its end as of now, in order, a page at a time. It gives the offset from which
// on to go on. An error of visit ends it; those of Kafka are fault.Transient.
func Read(ctx context.Context, conn *kafkaconn.Conn, topic string, from int64, visit func(Entry) error) (next int64, err error) {
	return pages(ctx, conn, topic, from, func(page kafkaconn.Page) error {
		for _, r := range page.Records {
			if r.Control { // a transaction marker of a stranger
				continue
			}
			e := Entry{Offset: r.Offset}
			e.Letter, e.Odd = decode(r.Key, r.Value)
			if err := visit(e); err != nil {
				return err
			}
		}
		return nil
	})
}

const pageBytes = 4 << 20

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

package deadletter

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"chatlog/shared/clock"
	"chatlog/shared/fault"
	"chatlog/shared/kafkaconn"
)

// Settler settles letters and knows what has become of all of them. It is for one
// goroutine.
type Settler struct {
	conn  *kafkaconn.Conn
	topic string
	book  *Book
	next  int64 // the first entry that the book does not know
}

// NewSettler makes a settler for the topic of dead letters.
func NewSettler(conn *kafkaconn.Conn, topic string) *Settler {
	return &Settler{conn: conn, topic: topic, book: NewBook()}
}

// Book gives what is known as of the last CatchUp.
func (s *Settler) Book() *Book { return s.book }

// CatchUp reads on to the topic's end as of now. odd, if not nil, hears of what is
// neither a letter nor a settlement.
func (s *Settler) CatchUp(ctx context.Context, odd func(Entry)) error {
	next, err := Read(ctx, s.conn, s.topic, s.next, func(e Entry) error {
		if e.Offset >= s.next {
			s.book.Take(e)
			s.next = e.Offset + 1
			if e.Odd != nil && odd != nil {
				odd(e)
			}
		}
		return nil
	})
	s.next = max(s.next, next) // after an error it is less than what was seen, which must not be taken twice
	return err
}

// Settle records what has become of a letter. fault.Conflict says that it is settled
// already, maybe by somebody who was faster by a moment; fault.NotFound that there is
// no such letter. After a fault.Transient it is not known whether it is settled.
func (s *Settler) Settle(ctx context.Context, letter int64, what Settlement) error {
	if err := s.CatchUp(ctx, nil); err != nil {
		return err
	}
	if err := s.settleable(letter); err != nil {
		return err
	}
	what.Time = clock.Now().UTC().Format(time.RFC3339Nano)
	value, err := json.Marshal(what)
	if err != nil {
		return fmt.Errorf("settlement of %s: %w", what.Letter, err)
	}
	at, err := s.conn.Produce(ctx, s.topic, 0, []kafkaconn.Record{{Key: []byte(what.Letter), Value: value}})
	if err != nil {
		return err
	}
	if err := s.reach(ctx, at); err != nil {
		return err
	}
	if _, settled, _ := s.book.State(letter); settled != at {
		return s.settleable(letter)
	}
	return nil
}

// reach reads on until an entry that was written was read, too. What is told of the
// topic's end may lie before it for a moment.
func (s *Settler) reach(ctx context.Context, at int64) error {
	for s.next <= at {
		if err := s.CatchUp(ctx, nil); err != nil {
			return err
		}
		if s.next > at {
			break
		}
		select {
		case <-time.After(20 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// settleable is nil when a letter is open.
func (s *Settler) settleable(letter int64) error {
	state, _, known := s.book.State(letter)
	switch {
	case !known:
		return fault.New(fault.NotFound, "there is no such letter")
	case state != Open:
		return fault.New(fault.Conflict, "it is settled already: "+string(state))
	}
	return nil
}

package main

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"

	"chatlog/shared/command"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/position"
)

// raw measures kafka-go's Produce as an owner uses it: one request on its way for
// each partition, acks=all, the same sizes; nothing is numbered and nobody waits.
func raw(ctx context.Context, o options, conn *kafkaconn.Conn) (result, error) {
	producers := make([]*producer, o.partitions)
	for p := range producers {
		producers[p] = newProducer(p, o)
		if err := producers[p].first(ctx, conn.Client()); err != nil {
			return result{}, err
		}
	}
	running, cancel := context.WithCancelCause(ctx) // the first that fails ends all
	defer cancel(nil)
	r, err := timed(func() (int64, error) {
		var records atomic.Int64
		var group sync.WaitGroup
		end := time.Now().Add(o.length)
		for _, p := range producers {
			group.Go(func() {
				for time.Now().Before(end) {
					if err := p.produce(running, conn.Client()); err != nil {
						cancel(err)
						return
					}
					records.Add(int64(o.batch))
				}
			})
		}
		group.Wait()
		return records.Load(), context.Cause(running)
	})
	r.Batch = float64(o.batch)
	return r, err
}

// producer sends the same batch to one partition, again and again.
type producer struct {
	topic      string
	partition  int
	key, value []byte
	headers    []kafka.Header
	records    []kafka.Record
}

// newProducer makes records of the sizes that an owner's have after a while.
func newProducer(p int, o options) *producer {
	token := tokenIn(p, o.partitions)
	c := command.Command{ID: newID(), Op: command.MessageCreate, Application: token, Chat: 1, Number: 100_000,
		Message: strings.Repeat("x", o.text), Time: command.Now(time.Now())}
	at := position.At{Log: position.NewLogID(), Offset: c.Number}
	return &producer{topic: o.topic, partition: p, key: []byte(token), value: command.Encode(&c),
		headers: []kafka.Header{{Key: command.HeaderAt, Value: at.Append(nil)}}, records: make([]kafka.Record, o.batch)}
}

func (p *producer) produce(ctx context.Context, client *kafka.Client) error {
	for i := range p.records { // readers: each can be read once
		p.records[i] = kafka.Record{Key: kafka.NewBytes(p.key), Value: kafka.NewBytes(p.value), Headers: p.headers}
	}
	r, err := client.Produce(ctx, &kafka.ProduceRequest{Topic: p.topic, Partition: p.partition, RequiredAcks: kafka.RequireAll,
		Records: kafka.NewRecordReader(p.records...)})
	if err == nil {
		err = r.Error
	}
	if err != nil {
		return fmt.Errorf("partition %d: %w", p.partition, err)
	}
	return nil
}

// first produces until the partition of a new topic has a leader, as an owner
// does before it is ready.
func (p *producer) first(ctx context.Context, client *kafka.Client) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := p.produce(ctx, client)
		if err == nil || ctx.Err() != nil {
			return err
		}
		time.Sleep(10 * time.Millisecond) // between two tries
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"chatlog/deploy/client"
	"chatlog/deploy/system"
	"chatlog/shared/command"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/position"
)

// generated fills the system's log with messages, past ingest, which must have
// opened it and have nothing to do meanwhile; and makes sure that ingest goes on
// where the generator has ended.
func (b *bench) generated(ctx context.Context, messages int64) ([]tenant, error) {
	all, err := generate(ctx, strings.Split(b.parts.Kafka, ","), b.parts.Commands, messages)
	if err != nil {
		return nil, err
	}
	c := client.New(b.Writes, 1)
	defer c.Close()
	for i := range all {
		if err := all[i].goesOn(ctx, c); err != nil {
			return nil, fmt.Errorf("after %d generated messages: %w", messages, err)
		}
	}
	return all, nil
}

// goesOn posts one message into the deep chat. An owner that finds that much more
// in the log than it knew of begins again from the view, and says 503 until it
// has come to the end.
func (t *tenant) goesOn(ctx context.Context, c *client.Client) error {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	key := client.Headers{"Idempotency-Key", system.UniqueName("generated")} // or a repetition might be a second message
	for {
		number, _, err := c.CreateMessage(ctx, t.Token, 1, "and then", key)
		var refused *client.StatusError
		switch {
		case err == nil && number == t.Deep+1:
			t.Deep, t.Messages = t.Deep+1, t.Messages+1
			return nil
		case err == nil:
			return fmt.Errorf("ingest gives message %d of %s chat 1, must be %d", number, t.Token, t.Deep+1)
		case !errors.As(err, &refused) || refused.Status != http.StatusServiceUnavailable || ctx.Err() != nil:
			return err
		}
		time.Sleep(100 * time.Millisecond) // between two tries
	}
}

// patient is a way to Kafka for large requests to, or answers from, every partition at
// once.
func patient(brokers []string) *kafkaconn.Conn {
	cfg := kafkaconn.Default()
	cfg.Brokers, cfg.RequestTimeout = brokers, 30*time.Second
	return kafkaconn.Open(cfg)
}

// generate writes messages straight into a log, an application into each of its
// partitions.
func generate(ctx context.Context, brokers []string, name string, messages int64) ([]tenant, error) {
	conn := patient(brokers)
	defer conn.Close()
	count, err := conn.Partitions(ctx, name)
	if err != nil {
		return nil, err
	}
	words := newVocabulary(generatedWords)
	all, errs := make([]tenant, count), make([]error, count)
	ctx, cancel := context.WithCancel(ctx) // when one fails the others are of no use
	defer cancel()
	var group sync.WaitGroup
	for p := range all {
		share := messages*int64(p+1)/int64(count) - messages*int64(p)/int64(count)
		group.Go(func() {
			if all[p], errs[p] = generateInto(ctx, conn, name, int32(p), count, share, words); errs[p] != nil {
				cancel()
			}
		})
	}
	group.Wait()
	return all, errors.Join(errs...)
}

func generateInto(ctx context.Context, conn *kafkaconn.Conn, name string, p int32, count int, messages int64, words *vocabulary) (tenant, error) {
	end, err := conn.End(ctx, name, p)
	if err != nil {
		return tenant{}, err
	}
	log, err := opened(ctx, conn, name, p, end)
	if err != nil {
		return tenant{}, err
	}
	s := newSequence(log, p, count, end, messages, words)
	err = s.write(ctx, conn, name, p)
	return s.tenant, err
}

// opened reads the log's id from a partition's first record that counts.
func opened(ctx context.Context, conn *kafkaconn.Conn, name string, p int32, end int64) (position.LogID, error) {
	log := command.Log{Partition: p, PartitionOf: func([]byte) int32 { return p }}
	for from := int64(0); from < end; {
		page, err := conn.Fetch(ctx, name, p, from, 64<<10, time.Second)
		if err != nil {
			return "", err
		}
		for i := range page.Records {
			if r := command.Read(log, &page.Records[i]); r.Verdict == command.Counts {
				return r.Command.Log, nil
			}
		}
		from = page.Next
	}
	return "", fmt.Errorf("partition %d of %s is not open: ingest must have been ready before", p, name)
}

// write produces batches, one at a time: a batch that lies elsewhere than it was
// written for counts for nobody, and so would all that come after it.
func (s *sequence) write(ctx context.Context, conn *kafkaconn.Conn, name string, p int32) error {
	for {
		base := s.next
		records := s.batch(time.Now())
		if len(records) == 0 {
			return nil
		}
		at, err := conn.Produce(ctx, name, p, records)
		if err != nil {
			return fmt.Errorf("partition %d: %w", p, err)
		}
		if at != base {
			return fmt.Errorf("partition %d: a batch for offset %d lies at %d: somebody else appends, ingest must be idle", p, base, at)
		}
	}
}

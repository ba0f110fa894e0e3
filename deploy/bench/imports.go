package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"chatlog/shared/command"
	"chatlog/shared/kafkaconn"
)

// besideImports is how many requests come in each second while a history is brought in.
const besideImports = 500

// historyBegins is when the first thing of a history happened; the others follow by
// milliseconds.
var historyBegins = time.Date(2019, 3, 1, 8, 0, 0, 0, time.UTC)

// imports tells how fast a history is brought in, and what becomes of the latency of
// requests meanwhile.
func (b *bench) imports(ctx context.Context) error {
	const name = "import of a history"
	if !b.only.MatchString(name) {
		return nil
	}
	if err := b.caughtUp(ctx); err != nil {
		return err
	}
	posts := b.open()
	defer posts.close()
	live := paced{rate: besideImports, workers: openConnections, one: posts.post}
	if _, err := live.run(ctx, b.round); err != nil { // gets going
		return err
	}
	before, err := live.run(ctx, 4*b.round)
	if err != nil {
		return err
	}
	beside, stop := context.WithCancel(ctx)
	defer stop()
	var meanwhile times
	var failed error
	var group sync.WaitGroup
	group.Go(func() { meanwhile, failed = live.run(beside, settleTime) })
	s, importing := metered(b.used("ingest", "sinks", "kafka", "mysql", "elasticsearch"), func() (Sample, float64, error) {
		began := time.Now()
		records, err := b.history(ctx)
		if err == nil {
			err = settled(ctx, func(ctx context.Context) error {
				return b.parts.Uncommitted(ctx, b.parts.Imports, b.parts.Groups+"-imports")
			})
		}
		return Sample{Rate: float64(records) / time.Since(began).Seconds()}, float64(records), err
	})
	stop()
	group.Wait()
	if errors.Is(failed, context.Canceled) && ctx.Err() == nil {
		failed = nil
	}
	if err := errors.Join(importing, failed); err != nil {
		return err
	}
	b.figure(Figure{Name: fmt.Sprintf("%s: %d messages beside %d POSTs/s", name, b.documents, besideImports), CPU: s.CPU,
		Value: fmt.Sprintf("%.0f records/s; POST %s before, %s meanwhile", s.Rate, before, meanwhile), Aim: "live traffic keeps its latency"})
	return b.caughtUp(ctx)
}

// history writes messages into the topic of imports, an application into each of its
// partitions, and gives the number of records.
func (b *bench) history(ctx context.Context) (records int64, err error) {
	conn := patient(strings.Split(b.parts.Kafka, ","))
	defer conn.Close()
	words := newVocabulary(generatedWords)
	counts, errs := make([]int64, partitions), make([]error, partitions)
	var group sync.WaitGroup
	for p := range counts {
		group.Go(func() {
			s := newSequence("", int32(p), partitions, 0, b.documents/partitions, words)
			for batch := s.imports(); len(batch) > 0 && errs[p] == nil; batch = s.imports() {
				_, errs[p] = conn.Produce(ctx, b.parts.Imports, int32(p), batch)
				counts[p] += int64(len(batch))
			}
		})
	}
	group.Wait()
	for _, n := range counts {
		records += n
	}
	return records, errors.Join(errs...)
}

// imports gives the records that come next as those of a history, as many as fit one
// produce request; none at the end.
func (s *sequence) imports() (records []kafkaconn.Record) {
	for size := 0; size < generatedBytes; s.next++ {
		c, more := s.step()
		if !more {
			break
		}
		c.ID, c.Application, c.Time = uuid.Must(uuid.NewV7()).String(), s.Token, historyBegins.Add(time.Duration(s.next)*time.Millisecond)
		r := kafkaconn.Record{Key: []byte(s.Token), Value: command.AppendImport(nil, &c)}
		records = append(records, r)
		size += len(r.Key) + len(r.Value) + 32 // lengths and deltas
	}
	return records
}

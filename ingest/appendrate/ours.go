package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"chatlog/ingest/ingestd"
	"chatlog/ingest/internal/partition"
	"chatlog/shared/clock"
	"chatlog/shared/command"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/topic"
	"chatlog/shared/view"
)

// keptUp is a view that has no rows and yet is never behind: whatever was acked
// may be dropped from memory, as when the sinks keep up. What is not dropped (one
// chat for each partition) is never asked for.
type keptUp struct {
	partition int32
	next      *atomic.Int64 // the offset after the last one that was acked
}

// Load gives no rows. The progress never is beyond what the owner knows itself:
// it would go and read the log.
func (v keptUp) Load(context.Context, partition.Keys) (partition.Rows, error) {
	return partition.Rows{Progress: view.Progress{Partition: v.partition, Next: v.next.Load(), LastOffset: -1}}, nil
}

// acked moves a view on.
func acked(next *atomic.Int64, offset int64) {
	for old := next.Load(); old <= offset && !next.CompareAndSwap(old, offset+1); old = next.Load() {
	}
}

// ours measures the owners with callers that each wait for their reply.
func ours(ctx context.Context, o options, cfg ingestd.Config, conn *kafkaconn.Conn, logger *slog.Logger) (result, error) {
	registry := prometheus.NewRegistry()
	next := make([]atomic.Int64, o.partitions)
	owners := ingestd.Owners(cfg, conn, func(number int32) partition.View { return keptUp{number, &next[number]} }, registry, nil, logger)
	set := partition.NewSet(owners, func() time.Duration { return cfg.Ingest.RequestTimeout }, clock.Now)
	if err := set.Start(ctx); err != nil {
		return result{}, err
	}
	r, err := submitted(ctx, o, set, next)
	stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	if err := errors.Join(err, set.Stop(stopping)); err != nil {
		return result{}, err
	}
	var counted [4]float64
	for i, name := range []string{"batches", "records", "conflicts", "failures"} {
		if counted[i], err = total(registry, "chatlog_append_"+name+"_total"); err != nil {
			return result{}, err
		}
	}
	if counted[2]+counted[3] > 0 {
		return result{}, fmt.Errorf("%v batches did not count and %v failed: this measures something else", counted[2], counted[3])
	}
	// What was appended to begin with came one by one: as many batches as records.
	beginning := counted[1] - float64(r.Records)
	r.Batch = float64(r.Records) / (counted[0] - beginning)
	return r, nil
}

// submitted lets callers write messages into a chat of each partition.
func submitted(ctx context.Context, o options, set *partition.Set, next []atomic.Int64) (result, error) {
	tokens := make([]string, o.partitions)
	for p := range tokens {
		tokens[p] = tokenIn(p, o.partitions)
		for _, op := range []command.Op{command.ApplicationCreate, command.ChatCreate} {
			if _, _, err := set.Submit(ctx, partition.Request{ID: newID(), Op: op, Application: tokens[p], Username: "appendrate"}); err != nil {
				return result{}, fmt.Errorf("partition %d: %s: %w", p, op, err)
			}
		}
	}
	text := strings.Repeat("x", o.text)
	running, cancel := context.WithCancelCause(ctx) // the first that fails ends all
	defer cancel(nil)
	return timed(func() (int64, error) {
		var records atomic.Int64
		var group sync.WaitGroup
		end := time.Now().Add(o.length)
		for p, token := range tokens {
			for range o.callers {
				group.Go(func() {
					n := int64(0)
					for ; time.Now().Before(end); n++ {
						reply, _, err := set.Submit(running, partition.Request{ID: newID(), Op: command.MessageCreate, Application: token, Chat: 1, Message: text})
						if err != nil {
							cancel(fmt.Errorf("partition %d: %w", p, err))
							return
						}
						acked(&next[p], reply.Offset)
					}
					records.Add(n)
				})
			}
		}
		group.Wait()
		return records.Load(), context.Cause(running)
	})
}

// newID makes a command id as ingest does for a request without a key.
func newID() string { return uuid.Must(uuid.NewV7()).String() }

// tokenIn draws a token of an application that belongs into a partition.
func tokenIn(p, partitions int) string {
	for {
		token := strings.ReplaceAll(uuid.NewString(), "-", "")
		if topic.PartitionOf([]byte(token), partitions) == int32(p) {
			return token
		}
	}
}

// total reads a counter, summed over its labels.
func total(registry *prometheus.Registry, name string) (sum float64, err error) {
	families, err := registry.Gather()
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.GetMetric() {
				sum += m.GetCounter().GetValue()
			}
		}
	}
	return sum, err
}

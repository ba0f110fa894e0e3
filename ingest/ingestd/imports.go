package ingestd

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"chatlog/ingest/internal/imports"
	"chatlog/ingest/internal/lease"
	"chatlog/ingest/internal/partition"
	"chatlog/shared/clock"
	"chatlog/shared/deadletter"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/lifecycle"
	"chatlog/shared/telemetry"
)

// newImports makes what brings in the histories of other systems; nothing when they
// are not wanted.
func newImports(cfg Config, conn *kafkaconn.Conn, set *partition.Set, keeper *lease.Keeper, metrics prometheus.Registerer, logger *slog.Logger) ([]lifecycle.Component, []telemetry.Part) {
	if !cfg.Ingest.Imports.Enabled {
		return nil, nil
	}
	counter := deadletter.NewCounter(metrics)
	letters := deadletter.Config{View: deadletter.Imports, Source: cfg.Topics.Imports.Name, Topic: cfg.Topics.DeadLetters.Name, Classes: imports.Classes()}
	i := imports.New(imports.Config{Partitions: cfg.Topics.Commands.Partitions, InFlight: cfg.Ingest.Imports.InFlight}, imports.Parts{
		Source: kafkaImports{conn, cfg.Topics.Imports.Name, cfg.Ingest.Imports.Group},
		Owner:  func(p int32) imports.Owner { return set.Owner(p) },
		Letters: func(p int32) imports.Letters {
			return importLetters{deadletter.NewWriter(letters, conn, p, counter), conn, letters, p}
		},
		Holds: keeper.Holds, Clock: clock.Now, Metrics: imports.NewMetrics(metrics), Log: logger,
	})
	return []lifecycle.Component{i}, []telemetry.Part{{Name: "imports", Check: i.Check}}
}

// kafkaImports is the topic of imports in Kafka.
type kafkaImports struct {
	conn         *kafkaconn.Conn
	topic, group string
}

// importBytes is how much of a partition is fetched at a time.
const importBytes = 1 << 20

// Fetch reads a page.
func (k kafkaImports) Fetch(ctx context.Context, partition int32, offset int64, maxWait time.Duration) (kafkaconn.Page, error) {
	return k.conn.Fetch(ctx, k.topic, partition, offset, importBytes, maxWait)
}

// Bounds lists a partition's bounds.
func (k kafkaImports) Bounds(ctx context.Context, partition int32) (kafkaconn.Bounds, error) {
	b, err := k.conn.Ends(ctx, k.topic, partition)
	return b[partition], err
}

// Committed gives the group's offset.
func (k kafkaImports) Committed(ctx context.Context, partition int32) (int64, error) {
	return k.conn.Committed(ctx, k.group, k.topic, partition)
}

// Commit commits the group's offset.
func (k kafkaImports) Commit(ctx context.Context, partition int32, offset int64) error {
	return k.conn.Commit(ctx, k.group, k.topic, partition, offset)
}

// importLetters is the dead letters of one partition of imports.
type importLetters struct {
	*deadletter.Writer
	conn      *kafkaconn.Conn
	cfg       deadletter.Config
	partition int32
}

// Told reads which records were told of before.
func (l importLetters) Told(ctx context.Context) (map[int64][]deadletter.Digest, error) {
	told := map[int64][]deadletter.Digest{}
	_, err := deadletter.Read(ctx, l.conn, l.cfg.Topic, 0, func(e deadletter.Entry) error {
		if is := e.Letter; e.Odd == nil && is.View == l.cfg.View && is.Topic == l.cfg.Source && is.Partition == l.partition {
			told[is.Offset] = append(told[is.Offset], is.Digest())
		}
		return nil
	})
	return told, err
}

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"chatlog/deploy/movein/plan"
	"chatlog/shared/fault"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/telemetry"
	"chatlog/shared/topic"
)

// sender is where records go. close writes what is left.
type sender interface {
	send(ctx context.Context, r plan.Record) error
	close(ctx context.Context) error
}

// openSender opens a file, standard output, or the topic.
func openSender(ctx context.Context, cfg Config, o options, out io.Writer) (sender, error) {
	switch o.out {
	case "":
		return openTopic(ctx, cfg)
	case "-":
		return &lines{to: bufio.NewWriter(out)}, nil
	}
	f, err := os.OpenFile(o.out, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600) // it holds every token
	if err != nil {
		return nil, err
	}
	return &lines{to: bufio.NewWriter(f), file: f}, nil
}

// lines are records as kcat and kafka-console-producer take them.
type lines struct {
	to   *bufio.Writer
	file *os.File // nil: standard output
}

func (l *lines) send(_ context.Context, r plan.Record) error {
	value, err := r.Encode()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(l.to, "%s\t%s\n", r.Application, value)
	return err
}

func (l *lines) close(context.Context) error {
	err := l.to.Flush()
	if l.file != nil {
		err = errors.Join(err, l.file.Sync(), l.file.Close())
	}
	return err
}

// Bounds of one produce request.
const (
	batchRecords = 500
	batchBytes   = 800 << 10
)

// partitions writes to a topic, each record to the partition of its key, in order. A
// batch whose outcome is unknown is written again: its ids are known, so what is
// there twice is imported once.
type partitions struct {
	conn   *kafkaconn.Conn
	topic  string
	logger *slog.Logger
	wait   [][]kafkaconn.Record
	bytes  []int
}

func openTopic(ctx context.Context, cfg Config) (sender, error) {
	conn, name := kafkaconn.Open(cfg.Kafka), cfg.Topics.Imports.Name
	count, err := conn.Partitions(ctx, name)
	if err == nil && count != cfg.Topics.Commands.Partitions {
		err = fault.New(fault.Invalid, fmt.Sprintf("topic %s has %d partitions, the log has %d: they must be as many", name, count, cfg.Topics.Commands.Partitions))
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return &partitions{conn: conn, topic: name, logger: telemetry.NewLogger(cfg.Log, os.Stderr).With("service", "movein"),
		wait: make([][]kafkaconn.Record, count), bytes: make([]int, count)}, nil
}

func (p *partitions) send(ctx context.Context, r plan.Record) error {
	value, err := r.Encode()
	if err != nil {
		return err
	}
	at := topic.PartitionOf([]byte(r.Application), len(p.wait))
	if len(p.wait[at]) >= batchRecords || p.bytes[at]+len(value) > batchBytes {
		if err := p.flush(ctx, at); err != nil {
			return err
		}
	}
	p.wait[at] = append(p.wait[at], kafkaconn.Record{Key: []byte(r.Application), Value: value})
	p.bytes[at] += len(value) + len(r.Application)
	return nil
}

func (p *partitions) flush(ctx context.Context, at int32) error {
	for try := 0; len(p.wait[at]) > 0; try++ {
		_, err := p.conn.Produce(ctx, p.topic, at, p.wait[at])
		if err == nil {
			break
		}
		if !fault.Is(err, fault.Transient) || ctx.Err() != nil {
			return err
		}
		p.logger.Warn("trying again", "partition", at, "error", err)
		select {
		case <-time.After(min(100*time.Millisecond<<min(try, 6), 5*time.Second)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	p.wait[at], p.bytes[at] = nil, 0
	return nil
}

func (p *partitions) close(ctx context.Context) error {
	defer p.conn.Close()
	for at := range p.wait {
		if err := p.flush(ctx, int32(at)); err != nil {
			return err
		}
	}
	return nil
}

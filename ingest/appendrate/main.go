// Appendrate measures the appender alone: the owners of partitions as ingest has
// them, on a real Kafka, without HTTP, leases and a view behind them; or, beside
// it, kafka-go's Produce with records of the same sizes. It prints one line of JSON.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"chatlog/ingest/ingestd"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/prepare"
	"chatlog/shared/topic"
)

// options is what is asked for.
type options struct {
	brokers    string
	topic      string
	partitions int
	length     time.Duration
	side       string
	callers    int
	batch      int
	text       int
}

// result is what came of it.
type result struct {
	Records int64   `json:"records"`
	Seconds float64 `json:"seconds"`
	Batch   float64 `json:"batch"` // records per produce request, on average
	CPU     float64 `json:"cpu"`   // seconds of this process, user and system
}

func main() {
	var o options
	flag.StringVar(&o.brokers, "brokers", "127.0.0.1:19092", "host:port of brokers, with commas")
	flag.StringVar(&o.topic, "topic", "", "topic, made when it is not there; its beginning is read, so take a new one")
	flag.IntVar(&o.partitions, "partitions", 12, "the topic's partitions")
	flag.DurationVar(&o.length, "for", 5*time.Second, "how long to append")
	flag.StringVar(&o.side, "side", "ours", "ours, or raw: kafka-go's Produce")
	flag.IntVar(&o.callers, "callers", 256, "ours: how many submit at once, per partition")
	flag.IntVar(&o.batch, "batch", 0, "raw: records per produce request")
	flag.IntVar(&o.text, "text", 200, "bytes of a message's text")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	r, err := run(ctx, o)
	if err == nil {
		err = json.NewEncoder(os.Stdout).Encode(r)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "appendrate:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, o options) (result, error) {
	cfg := ingestd.Default()
	cfg.Kafka.Brokers = strings.Split(o.brokers, ",")
	cfg.Topics.Commands.Name, cfg.Topics.Commands.Partitions = o.topic, o.partitions
	errs := append(cfg.Kafka.Validate(), cfg.Topics.Validate()...)
	if o.length <= 0 || o.text < 1 || o.callers < 1 {
		errs = append(errs, errors.New("for, text and callers must be positive"))
	}
	if err := errors.Join(errs...); err != nil {
		return result{}, err
	}
	conn := kafkaconn.Open(cfg.Kafka)
	defer conn.Close()
	logger := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if err := prepared(ctx, conn, cfg.Topics.Commands, logger); err != nil {
		return result{}, err
	}
	switch {
	case o.side == "ours":
		return ours(ctx, o, cfg, conn, logger)
	case o.side == "raw" && o.batch > 0:
		return raw(ctx, o, conn)
	}
	return result{}, errors.New("side must be ours, or raw with a batch")
}

// patience is how long the topic, and the first record of each partition, may take.
const patience = 30 * time.Second

// prepared makes the topic as the services do, and waits until it can be used.
func prepared(ctx context.Context, conn *kafkaconn.Conn, t topic.Topic, logger *slog.Logger) (err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	p := prepare.New("topic", logger, prepare.Step{Name: "topic", Do: func(ctx context.Context) error { return topic.Ensure(ctx, conn, t) }})
	if err := p.Start(ctx); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.Stop(ctx)) }()
	for err = p.Check(ctx); err != nil && ctx.Err() == nil; err = p.Check(ctx) {
		time.Sleep(10 * time.Millisecond) // between two looks
	}
	return err
}

// timed runs work and tells how long it took and what this process used for it.
func timed(work func() (int64, error)) (result, error) {
	before, err := used()
	if err != nil {
		return result{}, err
	}
	began := time.Now()
	records, err := work()
	if err != nil {
		return result{}, err
	}
	r := result{Records: records, Seconds: time.Since(began).Seconds()}
	after, err := used()
	r.CPU = (after - before).Seconds()
	return r, err
}

// used is the processor time that this process has used so far.
func used() (time.Duration, error) {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		return 0, err
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()), nil
}

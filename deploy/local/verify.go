package main

import (
	"context"
	"errors"
	"io"
	"time"

	"chatlog/shared/program"
	"chatlog/shared/telemetry"
	"chatlog/sinks/sinkd"
)

// stopTime is how long the sinks may take to stop.
const stopTime = 10 * time.Second

// verifyCommand audits the views of a folder.
func verifyCommand(variable program.Line) program.Command[Config] {
	var o sinkd.VerifyOptions
	return program.Command[Config]{
		Name:  "verify",
		Flags: o.Flags,
		Help: program.Help{
			Does: "compares the views with the log, while nothing else uses the folder\n\n" +
				"What `sinks verify` does for the real parts: see there.",
			Examples: []program.Line{
				{Word: "local verify", Means: "only look"},
				{Word: "local verify --repair", Means: "look, and mend what differs"},
			},
			Variable: variable,
			Left:     "differences are left",
		},
		Do: func(ctx context.Context, cfg Config, out, errOut io.Writer) error {
			left, err := verify(ctx, cfg, o, out, errOut)
			if err == nil && left > 0 {
				return program.ErrLeft
			}
			return err
		},
	}
}

func verify(ctx context.Context, cfg Config, o sinkd.VerifyOptions, out, errOut io.Writer) (left int, err error) {
	logger := telemetry.NewLogger(cfg.Log, errOut)
	parts, err := openParts(cfg.Local, logger)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, parts.close()) }()
	cfg.Sinks.HTTP.Listen = "127.0.0.1:0"
	house, err := compose(cfg, parts, logger)
	if err != nil {
		return 0, err
	}
	// The sinks run meanwhile: when the folder was left, they may have lagged.
	if err := house.sinks.Start(ctx); err != nil {
		return 0, err
	}
	defer func() {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
		defer cancel()
		err = errors.Join(err, house.sinks.Stop(bounded))
	}()
	cfg.Kafka.Brokers = parts.kafka.ListenAddrs()
	return sinkd.Verify(ctx, sinkd.Config{Kafka: cfg.Kafka, Topics: cfg.Topics, Sinks: cfg.Sinks},
		sinkd.Parts{Rows: parts.rows, Index: parts.index}, o, out, errOut)
}

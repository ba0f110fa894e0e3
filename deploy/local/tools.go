package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"time"

	"chatlog/shared/clock"
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
			return tool(ctx, cfg, errOut, func(cfg sinkd.Config, parts sinkd.Parts) (int, error) {
				return sinkd.Verify(ctx, cfg, parts, o, out, errOut)
			})
		},
	}
}

// lettersCommand is the desk of the folder's dead letters.
func lettersCommand(variable program.Line) program.Command[Config] {
	var o sinkd.LettersOptions
	return program.Command[Config]{
		Name:  "deadletters",
		Flags: func(set *flag.FlagSet) { o.Flags(set, clock.Now) },
		Rest:  &o.IDs,
		Check: o.Check,
		Help: program.Help{
			Does:     sinkd.LettersHelp,
			Takes:    "list|show|retry|drop [ID...]",
			Examples: []program.Line{{Word: "local deadletters list", Means: "of the folder, while nothing else uses it"}},
			Variable: variable,
			Left:     "some could not be settled, and stay as they were",
		},
		Do: func(ctx context.Context, cfg Config, out, errOut io.Writer) error {
			return tool(ctx, cfg, errOut, func(cfg sinkd.Config, parts sinkd.Parts) (int, error) {
				return sinkd.Letters(ctx, cfg, parts, o, out, errOut)
			})
		},
	}
}

// tool runs something over the folder's views and log. When it leaves something,
// that has an exit code of its own.
func tool(ctx context.Context, cfg Config, errOut io.Writer, do func(sinkd.Config, sinkd.Parts) (left int, err error)) (err error) {
	logger := telemetry.NewLogger(cfg.Log, errOut)
	parts, err := openParts(cfg.Local, logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, parts.close()) }()
	cfg.Sinks.HTTP.Listen = "127.0.0.1:0"
	house, err := compose(cfg, parts, logger)
	if err != nil {
		return err
	}
	// The sinks run meanwhile: when the folder was left, they may have lagged.
	if err := house.sinks.Start(ctx); err != nil {
		return err
	}
	defer func() {
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
		defer cancel()
		err = errors.Join(err, house.sinks.Stop(bounded))
	}()
	cfg.Kafka.Brokers = parts.kafka.ListenAddrs()
	left, err := do(sinkd.Config{Kafka: cfg.Kafka, Topics: cfg.Topics, Sinks: cfg.Sinks}, sinkd.Parts{Rows: parts.rows, Index: parts.index})
	if err == nil && left > 0 {
		return program.ErrLeft
	}
	return err
}

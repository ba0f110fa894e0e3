// Command local is all of chatlog in one process with embedded parts, for a
// laptop: nothing to install, nothing to configure, everything on the disk.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"chatlog/shared/lifecycle"
	"chatlog/shared/profile"
	"chatlog/shared/program"
	"chatlog/shared/telemetry"
	"chatlog/sinks/sinkd"
)

const help = `local is all of chatlog in one process with embedded parts: a Kafka broker, SQLite,
a search index and a Redis, all in one folder (local.data_dir, ./data by default).

  local [flags]
  local verify [--repair] [--state=FILE] [flags]
                     compare the views with the log, while nothing else uses the folder;
                     exit code 3: differences are left

Every key of config.yaml can be set by a variable: local.data_dir is
CHATLOG_LOCAL_DATA_DIR. Exit code: 0 stopped, 1 failed, 2 wrong configuration.
`

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	if len(args) == 0 || args[0] != "verify" {
		return program.Main("local", help, args, Default(), serve)
	}
	options, rest := sinkd.ParseVerify(args[1:])
	left := 0
	code := program.Main("local verify", help, rest, Default(), func(ctx context.Context, cfg Config, out, errOut io.Writer) (err error) {
		parts, err := openParts(cfg.Local, telemetry.NewLogger(cfg.Log, errOut))
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, parts.close()) }()
		cfg.Sinks.HTTP.Listen = "127.0.0.1:0"
		house, err := compose(cfg, parts, telemetry.NewLogger(cfg.Log, errOut))
		if err != nil {
			return err
		}
		// The sinks run meanwhile: when the folder was left, they may have lagged.
		if err := house.sinks.Start(ctx); err != nil {
			return err
		}
		defer func() {
			bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
			defer cancel()
			err = errors.Join(err, house.sinks.Stop(bounded))
		}()
		cfg.Kafka.Brokers = parts.kafka.ListenAddrs()
		left, err = sinkd.Verify(ctx, sinkd.Config{Kafka: cfg.Kafka, Topics: cfg.Topics, Sinks: cfg.Sinks},
			sinkd.Parts{Rows: parts.rows, Index: parts.index}, options, out)
		return err
	})
	if code == 0 && left > 0 {
		return 3
	}
	return code
}

func serve(ctx context.Context, cfg Config, out, errOut io.Writer) (err error) {
	logger := telemetry.NewLogger(cfg.Log, errOut)
	parts, err := openParts(cfg.Local, logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, parts.close()) }()
	house, err := compose(cfg, parts, logger)
	if err != nil {
		return err
	}
	banner := lifecycle.Func{Title: "banner", OnStart: func(context.Context) error {
		return welcome(out, house.ingest.Addr(), house.query.Addr(), cfg.Local.DataDir)
	}}
	return lifecycle.Run(ctx, lifecycle.NewGroup("local", profile.New(cfg.Profile), house.ingest, house.sinks, house.query, banner))
}

func welcome(out io.Writer, ingest, query, dir string) error {
	_, err := fmt.Fprintf(out, `chatlog is up: writes on http://%[1]s, reads (and writes) on http://%[2]s, data in %[3]s

Try it:
  curl -s http://%[2]s/application -H 'Content-Type: application/json' -d '{"username":"Shetewi"}'
  curl -s -X POST http://%[2]s/application/TOKEN/chat
  curl -s http://%[2]s/application/TOKEN/chat/1/message -H 'Content-Type: application/json' -d '{"message":"Hello"}'
(TOKEN is the Application of the first reply. Ctrl-C stops.)
`, ingest, query, dir)
	return err
}

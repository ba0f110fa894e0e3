// Command ingest takes writes over HTTP and appends them, numbered, to the log.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"chatlog/ingest/ingestd"
	"chatlog/shared/config"
	"chatlog/shared/lifecycle"
	"chatlog/shared/sqlview/mysql"
	"chatlog/shared/telemetry"
)

const help = `ingest takes writes over HTTP and appends them, numbered, to the log in Kafka.

  ingest [flags]

Every key of config.yaml can be set by a variable: ingest.listen is
CHATLOG_INGEST_LISTEN. Exit code: 0 stopped, 1 failed, 2 wrong configuration.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}

func run(ctx context.Context, args, environ []string, out, errOut io.Writer) int {
	cfg := ingestd.Default()
	if code, done := config.Start("ingest", help, args, environ, &cfg, out, errOut); done {
		return code
	}
	logger := telemetry.NewLogger(cfg.Log, errOut)
	rows, err := mysql.Open(cfg.MySQL)
	if err == nil {
		defer rows.Close()
		var service *ingestd.Service
		service, err = ingestd.New(cfg, ingestd.Parts{Log: logger, Metrics: telemetry.NewRegistry(), Rows: rows})
		if err == nil {
			err = lifecycle.Run(ctx, service)
		}
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(errOut, "ingest:", err)
		return 1
	}
	return 0
}

// Command ingest takes writes over HTTP and appends them, numbered, to the log.
package main

import (
	"context"
	"io"
	"os"

	"chatlog/ingest/ingestd"
	"chatlog/shared/lifecycle"
	"chatlog/shared/program"
	"chatlog/shared/sqlview/mysql"
	"chatlog/shared/telemetry"
)

const help = `ingest takes writes over HTTP and appends them, numbered, to the log in Kafka.

  ingest [flags]

Every key of config.yaml can be set by a variable: ingest.listen is
CHATLOG_INGEST_LISTEN. Exit code: 0 stopped, 1 failed, 2 wrong configuration.
`

func main() { os.Exit(program.Main("ingest", help, os.Args[1:], ingestd.Default(), serve)) }

func serve(ctx context.Context, cfg ingestd.Config, _, errOut io.Writer) error {
	rows, err := mysql.Open(cfg.MySQL)
	if err != nil {
		return err
	}
	defer rows.Close()
	service, err := ingestd.New(cfg, ingestd.Parts{Log: telemetry.NewLogger(cfg.Log, errOut), Metrics: telemetry.NewRegistry(), Rows: rows})
	if err != nil {
		return err
	}
	return lifecycle.Run(ctx, service)
}

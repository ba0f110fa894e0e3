// Command query answers reads and searches, and passes writes on to ingest.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"chatlog/query/queryd"
	"chatlog/shared/config"
	"chatlog/shared/lifecycle"
	"chatlog/shared/searchview/elastic"
	"chatlog/shared/sqlview/mysql"
	"chatlog/shared/telemetry"
)

const help = `query answers reads and searches, and passes writes on to ingest.

  query [flags]

Every key of config.yaml can be set by a variable: query.listen is
CHATLOG_QUERY_LISTEN. Exit code: 0 stopped, 1 failed, 2 wrong configuration.
`

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	os.Exit(run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr))
}

func run(ctx context.Context, args, environ []string, out, errOut io.Writer) int {
	cfg := queryd.Default()
	if code, done := config.Start("query", help, args, environ, &cfg, out, errOut); done {
		return code
	}
	if err := serve(ctx, cfg, errOut); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintln(errOut, "query:", err)
		return 1
	}
	return 0
}

func serve(ctx context.Context, cfg queryd.Config, errOut io.Writer) error {
	rows, err := mysql.Open(cfg.MySQL)
	if err != nil {
		return err
	}
	defer rows.Close()
	index, err := elastic.Open(cfg.Elasticsearch, cfg.Topics.Commands.Partitions)
	if err != nil {
		return err
	}
	defer index.Close()
	service, err := queryd.New(cfg, queryd.Parts{Log: telemetry.NewLogger(cfg.Log, errOut), Metrics: telemetry.NewRegistry(), Rows: rows, Index: index})
	if err != nil {
		return err
	}
	return lifecycle.Run(ctx, service)
}

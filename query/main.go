// Command query answers reads and searches, and passes writes on to ingest.
package main

import (
	"context"
	"io"
	"os"

	"chatlog/query/queryd"
	"chatlog/shared/lifecycle"
	"chatlog/shared/program"
	"chatlog/shared/searchview/elastic"
	"chatlog/shared/sqlview/mysql"
	"chatlog/shared/telemetry"
)

const help = `query answers reads and searches, and passes writes on to ingest.

  query [flags]

Every key of config.yaml can be set by a variable: query.listen is
CHATLOG_QUERY_LISTEN. Exit code: 0 stopped, 1 failed, 2 wrong configuration.
`

func main() { os.Exit(program.Main("query", help, os.Args[1:], queryd.Default(), serve)) }

func serve(ctx context.Context, cfg queryd.Config, _, errOut io.Writer) error {
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

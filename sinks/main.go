// Command sinks keeps the views of the log up to date.
package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"chatlog/shared/lifecycle"
	"chatlog/shared/program"
	"chatlog/shared/searchview/elastic"
	"chatlog/shared/sqlview/mysql"
	"chatlog/shared/telemetry"
	"chatlog/sinks/sinkd"
)

const help = `sinks keeps the views of the log up to date: MySQL, and Elasticsearch for search.

  sinks [all] [flags]     both views in one process
  sinks mysql [flags]     the MySQL view alone
  sinks search [flags]    the search view alone

Every key of config.yaml can be set by a variable: sinks.listen is
CHATLOG_SINKS_LISTEN. Exit code: 0 stopped, 1 failed, 2 wrong configuration.
`

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	command := "all"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		command, args = args[0], args[1:]
	}
	if command != "all" && command != "mysql" && command != "search" {
		fmt.Fprintf(os.Stderr, "sinks: unknown command %q\n%s", command, help)
		return 2
	}
	return program.Main("sinks", help, args, sinkd.Default(), func(ctx context.Context, cfg sinkd.Config, _, errOut io.Writer) error {
		return serve(ctx, command, cfg, errOut)
	})
}

func serve(ctx context.Context, command string, cfg sinkd.Config, errOut io.Writer) error {
	parts := sinkd.Parts{Log: telemetry.NewLogger(cfg.Log, errOut), Metrics: telemetry.NewRegistry()}
	if command != "search" {
		rows, err := mysql.Open(cfg.MySQL)
		if err != nil {
			return err
		}
		defer rows.Close()
		parts.Rows = rows
	}
	if command != "mysql" {
		index, err := elastic.Open(cfg.Elasticsearch, cfg.Topics.Commands.Partitions)
		if err != nil {
			return err
		}
		defer index.Close()
		parts.Index = index
	}
	service, err := sinkd.New(cfg, parts)
	if err != nil {
		return err
	}
	return lifecycle.Run(ctx, service)
}

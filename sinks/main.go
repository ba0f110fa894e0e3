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
  sinks verify [--repair] [--state=FILE] [flags]
                          compare both views with the log, and the log with both views,
                          while the system runs, and print what differs; with --repair
                          apply the differing keys again from the log, put right what is
                          beyond it and remove what it does not know; with --state go on
                          where a run was broken off. Exit code 3: differences are left
  sinks reindex [--dry-run] [--seed=N] [flags]
                          make the search index anew beside the one that is searched, fill
                          it from the log while the system runs, compare the two, and put
                          it in the other one's place in one step; with --dry-run stop
                          before that. A run that was broken off is gone on with. Exit
                          code 3: the two differ, and the old one stays
  sinks reindex --drop-old [flags]
                          remove the index whose place was taken

Every key of config.yaml can be set by a variable: sinks.listen is
CHATLOG_SINKS_LISTEN. Exit code: 0 stopped, 1 failed, 2 wrong configuration.
`

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	command := "all"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		command, args = args[0], args[1:]
	}
	if command == "verify" {
		return runVerify(args)
	}
	if command == "reindex" {
		return runReindex(args)
	}
	if command != "all" && command != "mysql" && command != "search" {
		fmt.Fprintf(os.Stderr, "sinks: unknown command %q\n%s", command, help)
		return 2
	}
	return program.Main("sinks", help, args, sinkd.Default(), func(ctx context.Context, cfg sinkd.Config, _, errOut io.Writer) error {
		return withViews(command, cfg, errOut, func(parts sinkd.Parts) error {
			service, err := sinkd.New(cfg, parts)
			if err != nil {
				return err
			}
			return lifecycle.Run(ctx, service)
		})
	})
}

// withViews opens the views that a command is about, and closes them after.
func withViews(command string, cfg sinkd.Config, errOut io.Writer, do func(sinkd.Parts) error) error {
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
	return do(parts)
}

// runVerify audits the views. Differences that are left have an exit code of
// their own, so that a cron job can tell them from a failure.
func runVerify(args []string) int {
	options, rest := sinkd.ParseVerify(args)
	left := 0
	code := program.Main("sinks verify", help, rest, sinkd.Default(), func(ctx context.Context, cfg sinkd.Config, out, errOut io.Writer) error {
		return withViews("all", cfg, errOut, func(parts sinkd.Parts) (err error) {
			left, err = sinkd.Verify(ctx, cfg, parts, options, out)
			return err
		})
	})
	if code == 0 && left > 0 {
		return 3
	}
	return code
}

// runReindex builds the search index anew. Indices that differ have an exit code of
// their own, as differences of an audit have.
func runReindex(args []string) int {
	options, rest, err := sinkd.ParseReindex(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, "sinks reindex:", err)
		return 2
	}
	differ := false
	code := program.Main("sinks reindex", help, rest, sinkd.Default(), func(ctx context.Context, cfg sinkd.Config, out, errOut io.Writer) (err error) {
		index, err := elastic.Open(cfg.Elasticsearch, cfg.Topics.Commands.Partitions)
		if err != nil {
			return err
		}
		defer index.Close()
		parts := sinkd.Parts{Log: telemetry.NewLogger(cfg.Log, errOut), Metrics: telemetry.NewRegistry()}
		differ, err = sinkd.Reindex(ctx, cfg, parts, index, options, out)
		return err
	})
	if code == 0 && differ {
		return 3
	}
	return code
}

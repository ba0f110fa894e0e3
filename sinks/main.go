// Command sinks keeps the views of the log up to date.
package main

import (
	"io"
	"os"

	"chatlog/shared/program"
	"chatlog/shared/searchview/elastic"
	"chatlog/shared/sqlview/mysql"
	"chatlog/shared/telemetry"
	"chatlog/sinks/sinkd"
)

// sinks is the table of what the program does; each command has a file of its own.
func sinks() program.Program[sinkd.Config] {
	return program.Program[sinkd.Config]{
		Name: "sinks", Does: "keeps the views of the log up to date: MySQL, and Elasticsearch for search.", Default: sinkd.Default,
		Commands: []program.Command[sinkd.Config]{
			serveCommand("all", "both views in one process"),
			serveCommand("mysql", "the MySQL view alone"),
			serveCommand("search", "the search view alone"),
			verifyCommand(),
			reindexCommand(),
			lettersCommand(),
			exportCommand(),
		},
	}
}

func main() { os.Exit(sinks().Main(os.Args[1:])) }

// variable is the example of a variable that all commands give.
var variable = program.Line{Word: "CHATLOG_SINKS_LISTEN", Means: "sinks.listen"}

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

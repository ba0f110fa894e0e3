package main

import (
	"context"
	"io"

	"chatlog/shared/program"
	"chatlog/sinks/sinkd"
)

// exportCommand writes an application's history.
func exportCommand() program.Command[sinkd.Config] {
	var o sinkd.ExportOptions
	return program.Command[sinkd.Config]{
		Name:  "export",
		Flags: o.Flags,
		Check: o.Check,
		Help: program.Help{
			Does: "writes an application's history out of the log, to be imported elsewhere\n\n" +
				"A line of JSON for each command, in the order of the log, with its edits and deletes, ids, numbers\n" +
				"and times. What is written is whole, or the exit code is 1. deploy/kafka/imports.md tells more.",
			Examples: []program.Line{
				{Word: "sinks export --application=TOKEN", Means: "lines of JSON to standard output"},
				{Word: "sinks export --application=TOKEN --keyed --out=history.tsv", Means: "to a file, as kcat -K takes it"},
			},
			Variable: variable,
		},
		Do: func(ctx context.Context, cfg sinkd.Config, out, errOut io.Writer) error {
			return sinkd.Export(ctx, cfg, o, out, errOut)
		},
	}
}

package main

import (
	"context"
	"io"

	"chatlog/ingest/ingestd"
	"chatlog/shared/program"
)

// moveCommand brings the log to another cluster.
func moveCommand() program.Command[ingestd.Config] {
	var o ingestd.MoveOptions
	return program.Command[ingestd.Config]{
		Name:  "move",
		Flags: o.Flags,
		Check: o.Check,
		Help: program.Help{
			Does: "brings the log to another cluster, or to another topic\n\n" +
				"Every command that counts is appended again under a new log id and the next generation, both logs\n" +
				"are compared, and then it says done. The settings are those of the old log. It may be broken off and\n" +
				"started again. With --follow it copies while ingest goes on, until SIGINT or SIGTERM says that\n" +
				"ingest has been stopped; then it finishes. deploy/kafka/moving.md is the runbook.",
			Examples: []program.Line{
				{Word: "ingest move --to-config=new.yaml --follow", Means: "to the cluster of another configuration, while the old one is written to"},
				{Word: "ingest move --to-topic=chat.commands2 --without-application=TOKEN", Means: "on the same cluster, without an application"},
			},
			Variable: variable,
		},
		Do: func(ctx context.Context, cfg ingestd.Config, out, errOut io.Writer) error {
			return ingestd.Move(ctx, cfg, o, out, errOut)
		},
	}
}

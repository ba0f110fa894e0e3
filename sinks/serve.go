package main

import (
	"context"
	"io"

	"chatlog/shared/lifecycle"
	"chatlog/shared/program"
	"chatlog/sinks/sinkd"
)

// serveCommand keeps views up to date until it is stopped.
func serveCommand(name, views string) program.Command[sinkd.Config] {
	return program.Command[sinkd.Config]{
		Name: name, Serves: true,
		Help: program.Help{
			Does: "keeps " + views + " up to date with the log\n\n" +
				"It reads the commands from Kafka and applies them, batch by batch; what cannot be taken becomes a\n" +
				"dead letter. Any number of processes share the partitions among them. Health and metrics:\n" +
				"/healthz, /readyz and /metrics at sinks.listen.",
			Examples: []program.Line{
				{Word: "sinks " + name, Means: "with ./config.yaml, if it is there"},
				{Word: "sinks " + name + " --check-config", Means: "print every error in the configuration, and exit"},
				{Word: "CHATLOG_LOG_LEVEL=debug sinks " + name, Means: "one setting changed"},
			},
			Variable: variable,
		},
		Do: func(ctx context.Context, cfg sinkd.Config, _, errOut io.Writer) error {
			return withViews(name, cfg, errOut, func(parts sinkd.Parts) error {
				service, err := sinkd.New(cfg, parts)
				if err != nil {
					return err
				}
				return lifecycle.Run(ctx, service)
			})
		},
	}
}

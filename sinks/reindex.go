package main

import (
	"context"
	"io"

	"chatlog/shared/program"
	"chatlog/shared/searchview/elastic"
	"chatlog/shared/telemetry"
	"chatlog/sinks/sinkd"
)

// reindexCommand builds the search index anew.
func reindexCommand() program.Command[sinkd.Config] {
	var o sinkd.ReindexOptions
	return program.Command[sinkd.Config]{
		Name:  "reindex",
		Flags: o.Flags,
		Check: o.Check,
		Help: program.Help{
			Does: "makes the search index anew beside the one that is searched, and swaps them\n\n" +
				"The new index has the current mapping and settings. It is filled from the log while the system\n" +
				"runs, compared with the other one, and put in its place in one step, without downtime. The old\n" +
				"one is kept until --drop-old. A run that was broken off is gone on with by the next one.",
			Examples: []program.Line{
				{Word: "sinks reindex --dry-run", Means: "fill and compare, and stop before the swap"},
				{Word: "sinks reindex", Means: "the same, or go on from there, and swap"},
				{Word: "sinks reindex --drop-old", Means: "remove the index whose place was taken"},
				{Word: "CHATLOG_ELASTICSEARCH_SHARDS=8 sinks reindex", Means: "with another number of shards"},
			},
			Variable: variable,
			Left:     "the two indices differ, and the old one stays",
		},
		Do: func(ctx context.Context, cfg sinkd.Config, out, errOut io.Writer) error {
			index, err := elastic.Open(cfg.Elasticsearch, cfg.Topics.Commands.Partitions)
			if err != nil {
				return err
			}
			defer index.Close()
			parts := sinkd.Parts{Log: telemetry.NewLogger(cfg.Log, errOut), Metrics: telemetry.NewRegistry()}
			differ, err := sinkd.Reindex(ctx, cfg, parts, index, o, out, errOut)
			if err == nil && differ {
				return program.ErrLeft
			}
			return err
		},
	}
}

package main

import (
	"context"
	"io"

	"chatlog/shared/program"
	"chatlog/sinks/sinkd"
)

// verifyCommand audits the views.
func verifyCommand() program.Command[sinkd.Config] {
	var o sinkd.VerifyOptions
	return program.Command[sinkd.Config]{
		Name:  "verify",
		Flags: o.Flags,
		Help: program.Help{
			Does: "compares both views with the log, and the log with both views\n\n" +
				"It runs beside everything else and prints what is missing, stale or altered, what the log does\n" +
				"not know, and versions and counts beyond the log's. With --repair it applies again what the log\n" +
				"says, removes what the log does not know, and leaves alone whatever has changed since.",
			Examples: []program.Line{
				{Word: "sinks verify", Means: "only look"},
				{Word: "sinks verify --repair", Means: "look, and mend what differs"},
				{Word: "sinks verify --state=audit.json", Means: "go on where a run with this file was broken off"},
			},
			Variable: variable,
			Left:     "differences are left",
		},
		Do: func(ctx context.Context, cfg sinkd.Config, out, errOut io.Writer) error {
			return withViews("all", cfg, errOut, func(parts sinkd.Parts) error {
				left, err := sinkd.Verify(ctx, cfg, parts, o, out, errOut)
				if err == nil && left > 0 {
					return program.ErrLeft
				}
				return err
			})
		},
	}
}

package main

import (
	"context"
	"flag"
	"io"

	"chatlog/shared/clock"
	"chatlog/shared/program"
	"chatlog/sinks/sinkd"
)

// lettersCommand is the desk of dead letters.
func lettersCommand() program.Command[sinkd.Config] {
	var o sinkd.LettersOptions
	return program.Command[sinkd.Config]{
		Name:  "deadletters",
		Flags: func(set *flag.FlagSet) { o.Flags(set, clock.Now) },
		Rest:  &o.IDs,
		Check: o.Check,
		Help: program.Help{
			Does:  sinkd.LettersHelp,
			Takes: "list|show|retry|drop [ID...]",
			Examples: []program.Line{
				{Word: "sinks deadletters list --count", Means: "how many are open, by view and class"},
				{Word: "sinks deadletters show 17", Means: "everything about one"},
				{Word: "sinks deadletters retry 17", Means: "apply it again, or hand it to imports"},
				{Word: "sinks deadletters drop 17 --why=\"a test\"", Means: "settle it without doing anything"},
			},
			Variable: variable,
			Left:     "some could not be settled, and stay as they were",
		},
		Do: func(ctx context.Context, cfg sinkd.Config, out, errOut io.Writer) error {
			return withViews("all", cfg, errOut, func(parts sinkd.Parts) error {
				left, err := sinkd.Letters(ctx, cfg, parts, o, out, errOut)
				if err == nil && left > 0 {
					return program.ErrLeft
				}
				return err
			})
		},
	}
}

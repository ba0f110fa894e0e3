package sinkd

import (
	"context"
	"errors"
	"flag"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"chatlog/shared/program"
	"chatlog/sinks/internal/letters"
)

func TestParseLetters(t *testing.T) {
	now := time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)
	for args, want := range map[string]LettersOptions{
		"list": {Action: "list", Filter: letters.Filter{Partition: -1, State: "open"}},
		"list --view mysql --class=rejected --partition=3 --application=x --since=24h --until=2026-11-25T11:00:00Z --state all --reason=y --count --json": {
			Action: "list", Count: true, JSON: true, Filter: letters.Filter{View: "mysql", Class: "rejected", Partition: 3, Application: "x",
				Since: now.Add(-24 * time.Hour), Until: now.Add(-time.Hour), State: "all", Reason: "y"}},
		"show 17 --raw":                        {Action: "show", IDs: []string{"17"}, Raw: true, Filter: letters.Filter{Partition: -1, State: "open"}},
		"retry 1 mysql/x/0/2 --dry-run -by me": {Action: "retry", IDs: []string{"1", "mysql/x/0/2"}, Dry: true, By: "me", Filter: letters.Filter{Partition: -1, State: "open"}},
		"retry --value=- 1":                    {Action: "retry", IDs: []string{"1"}, Value: "-", Filter: letters.Filter{Partition: -1, State: "open"}},
		"--view=search retry":                  {Action: "retry", Filter: letters.Filter{View: "search", Partition: -1, State: "open"}},
		"drop 1 2 --why=nobody's":              {Action: "drop", IDs: []string{"1", "2"}, Why: "nobody's", Filter: letters.Filter{Partition: -1, State: "open"}},
	} {
		got, err := asked(t, args, now)
		if err != nil || got.Action != want.Action || !slices.Equal(got.IDs, want.IDs) || got.Filter != want.Filter || got.Count != want.Count ||
			got.JSON != want.JSON || got.Raw != want.Raw || got.Dry != want.Dry || got.Value != want.Value || got.Why != want.Why || got.By != want.By {
			t.Errorf("%q: %+v, %v", args, got, err)
		}
	}
	for _, args := range []string{"", "settle", "list 1", "show", "show 1 2", "show 1 --raw --json", "retry", "retry 1 --view=mysql", "retry --dry-run", "retry 1 2 --value=x",
		"retry --view=x --value=y", "drop", "drop 1", "drop --why=x", "drop --view=mysql --why=x", "drop 1 --why=", "list --dry-run", "list --why=x", "list --state=x", "list --count=yes",
		"list --view", "list --view=", "list --partition=-1", "list --partition=x", "list --since=yesterday", "list --since=-1h", "retry 1 --state=all"} {
		if got, err := asked(t, args, now); err == nil {
			t.Errorf("%q is taken for %+v", args, got)
		}
	}
}

// asked parses as the programs do.
func asked(t *testing.T, args string, now time.Time) (o LettersOptions, err error) {
	t.Helper()
	command := program.Command[program.None]{
		Flags: func(set *flag.FlagSet) { o.Flags(set, func() time.Time { return now }) }, Rest: &o.IDs, Check: o.Check,
		Do: func(context.Context, program.None, io.Writer, io.Writer) error { return nil },
	}
	var told strings.Builder
	code := program.Program[program.None]{Name: "desk", Commands: []program.Command[program.None]{command}}.Run(t.Context(), strings.Fields(args), nil, io.Discard, &told)
	if code != program.OK {
		err = errors.New(told.String())
	}
	return o, err
}

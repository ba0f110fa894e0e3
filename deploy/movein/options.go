package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"chatlog/deploy/movein/old"
	"chatlog/deploy/movein/plan"
)

// options are what the command line says beyond chatlog's own flags.
type options struct {
	from    string
	tables  [3]string
	choices plan.Choices
	out     string
}

// parse takes them out of the arguments; the rest are chatlog's own flags.
func parse(args []string) (o options, rest []string, err error) {
	f := flag.NewFlagSet("movein", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&o.from, "from", "", "")
	tables := f.String("tables", "applications,chats,messages", "")
	at := f.String("time", "", "")
	f.StringVar(&o.out, "out", "", "")
	f.Int64Var(&o.choices.MaxGap, "max-gap", 10_000, "")
	into := map[string]*string{"tokens": &o.choices.Tokens, "duplicates": &o.choices.Duplicates, "orphans": &o.choices.Orphans, "gaps": &o.choices.Gaps,
		"counts": &o.choices.Counts, "numbers": &o.choices.Numbers, "usernames": &o.choices.Usernames, "texts": &o.choices.Texts}
	for name, choice := range into {
		f.StringVar(choice, name, plan.Stop, "")
	}
	var own []string
	for _, arg := range args {
		name, _, valued := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		if f.Lookup(name) == nil || !strings.HasPrefix(arg, "-") {
			rest = append(rest, arg)
			continue
		}
		if !valued {
			return o, rest, fmt.Errorf("%s: write it as --%s=…", arg, name)
		}
		own = append(own, arg)
	}
	if slices.ContainsFunc(rest, func(arg string) bool { return strings.TrimLeft(arg, "-") == "help" || arg == "-h" }) {
		return o, rest, nil
	}
	errs := []error{f.Parse(own)}
	for _, name := range slices.Sorted(maps.Keys(into)) {
		if allowed := plan.Allowed[name]; !slices.Contains(allowed, *into[name]) {
			errs = append(errs, fmt.Errorf("--%s=%s: must be one of %s", name, *into[name], strings.Join(allowed, ", ")))
		}
	}
	if *at != "" {
		if o.choices.Time, err = time.Parse(time.RFC3339, *at); err != nil {
			errs = append(errs, fmt.Errorf("--time=%s: must be like 2024-01-01T00:00:00Z", *at))
		}
	}
	if o.choices.Counts == "fill" && o.choices.Gaps != "tombstone" {
		errs = append(errs, errors.New("--counts=fill: only with --gaps=tombstone"))
	}
	if o.choices.MaxGap < 1 {
		errs = append(errs, errors.New("--max-gap: must be positive"))
	}
	if o.from == "" {
		errs = append(errs, errors.New("--from: the file that says where the old database is"))
	}
	o.tables, err = old.Tables(*tables)
	return o, rest, errors.Join(append(errs, err)...)
}

// line shows a finding: fault, what is done about it, table, primary key, appID,
// chatID and messageID as they stand there, and what it is, with tabs between.
func line(f plan.Finding) string {
	return fmt.Sprintf("%s\t%s\t%s\t%d\t%q\t%q\t%q\t%s", f.Fault, f.Choice, f.Row.Kind, f.Row.ID, f.Row.Application, f.Row.Chat, f.Row.Number, f.Detail)
}

// summary shows what was planned.
func summary(t plan.Totals) []string {
	var out []string
	for _, f := range slices.Sorted(maps.Keys(t.Faults)) {
		out = append(out, fmt.Sprintf("found: %d of %q", t.Faults[f], f))
	}
	return append(out,
		fmt.Sprintf("planned: %d applications, %d chats, %d messages, of which %d are deleted at once; %d records",
			t.Applications, t.Chats, t.Messages, t.Tombstones, t.Records),
		fmt.Sprintf("left out: %d rows; %d findings stop", t.Dropped, t.Stops))
}

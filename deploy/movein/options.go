package main

import (
	"errors"
	"flag"
	"fmt"
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

	names, at string // as they were given
}

// flags adds the flags of a command: of its choices, each is stop unless it is given.
func (o *options) flags(f *flag.FlagSet) {
	f.StringVar(&o.from, "from", "", "a `file` with a section mysql like that of config.yaml, of the old database")
	f.StringVar(&o.names, "tables", "applications,chats,messages", "the old tables' `names`")
	f.StringVar(&o.at, "time", "", "the `time` of rows without created_at, like 2024-01-01T00:00:00Z")
	f.StringVar(&o.out, "out", "", "write lines of token, tab and record to this `file`, - is standard output, and not to the topic")
	f.Int64Var(&o.choices.MaxGap, "max-gap", 10_000, "most `numbers` that are filled in one place; more stops")
	for name, c := range o.chosen() {
		f.StringVar(c.into, name, plan.Stop, "`"+strings.Join(plan.Allowed[name], "|")+"`: "+c.help)
	}
}

// choice is what is done about one kind of what does not fit.
type choice struct {
	into *string
	help string
}

func (o *options) chosen() map[string]choice {
	c := &o.choices
	return map[string]choice{
		"tokens":     {&c.Tokens, "not 32 or 8 lower-case hex digits: leave the application out, or derive a token from the old one"},
		"duplicates": {&c.Duplicates, "rows with one key: the first or the last by primary key"},
		"orphans":    {&c.Orphans, "chats without application, messages without chat: make what is missing, or leave them out"},
		"gaps":       {&c.Gaps, "missing numbers: taken, by a deleted message or an empty chat, or the numbers after them move up"},
		"counts":     {&c.Counts, "counts that are neither that of the rows nor the greatest number: believe the rows, or take the numbers up to the count as given"},
		"numbers":    {&c.Numbers, "chatID or messageID is no number: leave the row out"},
		"usernames":  {&c.Usernames, "missing ones become unnamed, long ones are cut at 255 characters, what is no UTF-8 becomes U+FFFD"},
		"texts":      {&c.Texts, "long ones are cut at 64 KiB, what is no UTF-8 becomes U+FFFD, missing ones are deleted messages; or all of them are"},
	}
}

// check tells everything that is wrong with the flags.
func (o *options) check() (err error) {
	var errs []error
	all := o.chosen()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if allowed := plan.Allowed[name]; !slices.Contains(allowed, *all[name].into) {
			errs = append(errs, fmt.Errorf("--%s=%s: must be one of %s", name, *all[name].into, strings.Join(allowed, ", ")))
		}
	}
	if o.at != "" {
		if o.choices.Time, err = time.Parse(time.RFC3339, o.at); err != nil {
			errs = append(errs, fmt.Errorf("--time=%s: must be like 2024-01-01T00:00:00Z", o.at))
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
	o.tables, err = old.Tables(o.names)
	return errors.Join(append(errs, err)...)
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

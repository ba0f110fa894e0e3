package sinkd

import (
	"errors"
	"flag"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"chatlog/sinks/internal/letters"
)

// LettersOptions say what is done at the desk of dead letters.
type LettersOptions struct {
	Action string   // list, show, retry or drop
	IDs    []string // offsets in the topic of dead letters, or names
	Filter letters.Filter
	Count  bool   // only count
	JSON   bool   // lines of JSON
	Raw    bool   // only the value's bytes
	Dry    bool   // change nothing
	Value  string // file with a mended value; - is standard input
	Why    string
	By     string
	asked  []string // the options that were given

	filtered bool
}

// LettersHelp is how the desk is asked.
const LettersHelp = `what could not be taken, and what becomes of it

  list [--view= --class= --partition= --application= --since= --until= --reason=]
       [--state=open|settled|all] [--count] [--json]
  show ID [--json | --raw]
  retry ID... | filters [--value=FILE] [--dry-run] [--by=WHOM] [--json]
  drop ID... --why=TEXT [--dry-run] [--by=WHOM] [--json]

deploy/kafka/deadletters.md tells when to do which.`

// option is one of the desk's own flags.
type option struct {
	actions string // that take it
	filter  bool
	flag    bool // without a value
	set     func(o *LettersOptions, value string, now time.Time) error
	help    string
}

var lettersOptions = map[string]option{
	"view":        {actions: "list retry", filter: true, set: text(func(o *LettersOptions) *string { return &o.Filter.View }), help: "only of this `view`: mysql, search or imports"},
	"class":       {actions: "list retry", filter: true, set: text(func(o *LettersOptions) *string { return &o.Filter.Class }), help: "only of this `class`: rejected, invalid, unmarked or foreign"},
	"application": {actions: "list retry", filter: true, set: text(func(o *LettersOptions) *string { return &o.Filter.Application }), help: "only of this application's `token`"},
	"reason":      {actions: "list retry", filter: true, set: text(func(o *LettersOptions) *string { return &o.Filter.Reason }), help: "only with this `text` in the reason"},
	"partition":   {actions: "list retry", filter: true, set: partition, help: "only of this partition of the log"},
	"since":       {actions: "list retry", filter: true, set: moment(func(o *LettersOptions) *time.Time { return &o.Filter.Since }), help: "only since this `time`, or so long ago (24h)"},
	"until":       {actions: "list retry", filter: true, set: moment(func(o *LettersOptions) *time.Time { return &o.Filter.Until }), help: "only until this `time`, or so long ago"},
	"state":       {actions: "list", set: state, help: "open, settled or `all`; open if not given"},
	"count":       {actions: "list", flag: true, set: on(func(o *LettersOptions) *bool { return &o.Count }), help: "only count, by view and class"},
	"json":        {actions: "list show retry drop", flag: true, set: on(func(o *LettersOptions) *bool { return &o.JSON }), help: "lines of JSON for programs"},
	"raw":         {actions: "show", flag: true, set: on(func(o *LettersOptions) *bool { return &o.Raw }), help: "only the value's bytes"},
	"dry-run":     {actions: "retry drop", flag: true, set: on(func(o *LettersOptions) *bool { return &o.Dry }), help: "say what would be done"},
	"value":       {actions: "retry", set: text(func(o *LettersOptions) *string { return &o.Value }), help: "a mended value from this `file`; - is standard input"},
	"why":         {actions: "drop", set: text(func(o *LettersOptions) *string { return &o.Why }), help: "the `reason`, kept for ever"},
	"by":          {actions: "retry drop", set: text(func(o *LettersOptions) *string { return &o.By }), help: "`who` does it, kept for ever"},
}

func text(field func(*LettersOptions) *string) func(*LettersOptions, string, time.Time) error {
	return func(o *LettersOptions, value string, _ time.Time) error {
		*field(o) = value
		return nil
	}
}

func on(field func(*LettersOptions) *bool) func(*LettersOptions, string, time.Time) error {
	return func(o *LettersOptions, value string, _ time.Time) (err error) {
		*field(o), err = strconv.ParseBool(value)
		return err
	}
}

// moment takes a time, or how long ago it was.
func moment(field func(*LettersOptions) *time.Time) func(*LettersOptions, string, time.Time) error {
	return func(o *LettersOptions, value string, now time.Time) error {
		if ago, err := time.ParseDuration(value); err == nil && ago >= 0 {
			*field(o) = now.Add(-ago)
			return nil
		}
		at, err := time.Parse(time.RFC3339, value)
		if err != nil {
			return errors.New("must be a time (2026-11-25T19:00:00Z) or how long ago (24h)")
		}
		*field(o) = at
		return nil
	}
}

func partition(o *LettersOptions, value string, _ time.Time) error {
	n, err := strconv.ParseInt(value, 10, 32)
	if err != nil || n < 0 {
		return errors.New("must be a partition's number")
	}
	o.Filter.Partition = int32(n)
	return nil
}

func state(o *LettersOptions, value string, _ time.Time) error {
	if value != letters.Open && value != letters.Settled && value != letters.All {
		return errors.New("must be open, settled or all")
	}
	o.Filter.State = value
	return nil
}

// Flags adds what the desk is asked with; moments are told from now.
func (o *LettersOptions) Flags(set *flag.FlagSet, now func() time.Time) {
	o.Filter = letters.Filter{Partition: -1, State: letters.Open}
	for name, known := range lettersOptions {
		take := func(value string) error {
			if value == "" {
				return errors.New("must be given a value")
			}
			o.filtered = o.filtered || known.filter
			o.asked = append(o.asked, name)
			return known.set(o, value, now())
		}
		if known.flag {
			set.BoolFunc(name, known.help, take)
		} else {
			set.Func(name, known.help, take)
		}
	}
}

// Check takes the action out of the arguments, and checks what belongs together.
func (o *LettersOptions) Check() error {
	if len(o.IDs) > 0 {
		o.Action, o.IDs = o.IDs[0], o.IDs[1:]
	}
	if !slices.Contains([]string{"list", "show", "retry", "drop"}, o.Action) {
		return fmt.Errorf("%q is none of list, show, retry and drop", o.Action)
	}
	for _, name := range o.asked {
		if !slices.Contains(strings.Fields(lettersOptions[name].actions), o.Action) {
			return fmt.Errorf("--%s: not for %s", name, o.Action)
		}
	}
	switch {
	case o.Action == "list" && len(o.IDs) > 0:
		return errors.New("list takes no IDs: show does")
	case o.Action == "show" && len(o.IDs) != 1:
		return errors.New("show takes one ID")
	case o.Raw && o.JSON:
		return errors.New("--raw and --json: only one of them")
	case o.Action == "retry" && (len(o.IDs) > 0) == o.filtered:
		return errors.New("retry takes either IDs or filters")
	case o.Value != "" && len(o.IDs) != 1:
		return errors.New("--value: one letter has one value")
	case o.Action == "drop" && (len(o.IDs) == 0 || o.Why == ""):
		return errors.New("drop takes IDs and --why")
	}
	return nil
}

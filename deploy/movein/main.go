// Command movein brings the data of the replaced system, as it lies in that system's
// MySQL, into chatlog, with tokens and numbers kept.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"chatlog/deploy/movein/old"
	"chatlog/deploy/movein/plan"
	"chatlog/shared/config"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/mysqlconn"
	"chatlog/shared/program"
	"chatlog/shared/telemetry"
	"chatlog/shared/topic"
)

const help = `movein brings the data of the replaced system into chatlog, with tokens and numbers kept.

  movein report --from=FILE [choices]
                print everything in the old database that does not fit, and what would
                become of it. Exit code 3: something stops
  movein write --from=FILE [choices] [--out=FILE] [flags]
                write an import record for everything; nothing if anything stops (exit
                code 3). With --out lines of TOKEN, a tab and the record, for kcat or
                kafka-console-producer ("-": standard output), else to chat.imports
  movein verify --from=FILE [choices] [flags]
                compare the old database with chatlog's MySQL view, by number, text, time
                and count, and print what differs. Exit code 3: something does

--from is a file with a section mysql like that of config.yaml, of the old database.
The flags and the settings are chatlog's own, as its services have them.

Choices, of what is done about what does not fit; each is stop unless it is given:
  --tokens=skip|derive          not 32 or 8 lower-case hex digits: leave the application
                                out, or give it a token that is derived from the old one
  --duplicates=first|last       rows with one key: the first or the last by primary key
  --orphans=adopt|skip          chats without application, messages without chat: make
                                what is missing, or leave them out
  --gaps=tombstone|renumber     missing numbers: taken, by a deleted message or an empty
                                chat, or the numbers after them move up
  --counts=rows|fill            counts that are neither that of the rows nor the greatest
                                number: believe the rows, or take the numbers up to the
                                count as given (with --gaps=tombstone only)
  --numbers=skip                chatID or messageID is no number: leave the row out
  --usernames=mend              missing ones become "unnamed", long ones are cut at 255
                                characters, what is no UTF-8 becomes U+FFFD
  --texts=mend|tombstone        long ones are cut at 64 KiB, what is no UTF-8 becomes U+FFFD,
                                missing ones are deleted messages; or all of them are
  --time=2024-01-01T00:00:00Z   of rows without created_at
  --max-gap=10000               most numbers that are filled in one place; more stops
  --tables=applications,chats,messages

Exit code: 0 done, 1 failed, 2 wrong configuration, 3 see above.
`

// Config is the sections of chatlog's that are needed.
type Config struct {
	Log    telemetry.LogConfig `mapstructure:"log"`
	Kafka  kafkaconn.Config    `mapstructure:"kafka"`
	Topics topic.Config        `mapstructure:"topics"`
	MySQL  mysqlconn.Config    `mapstructure:"mysql"`
}

func main() { os.Exit(run(os.Args[1:])) }

// errStops says that something is left for the operator to choose.
var errStops = errors.New("something stops: nothing was written; look at the report, and choose")

// errDiffers says that chatlog has something else than the old database.
var errDiffers = errors.New("they differ")

func run(args []string) int {
	command := ""
	if len(args) > 0 {
		command, args = args[0], args[1:]
	}
	do := map[string]func(context.Context, Config, options, *old.Snapshot, io.Writer) error{"report": report, "write": write, "verify": verify}[command]
	if do == nil && command != "-h" && command != "--help" && command != "-help" {
		fmt.Fprintf(os.Stderr, "movein: unknown command %q\n%s", command, help)
		return 2
	}
	o, rest, err := parse(args)
	if err != nil {
		fmt.Fprintln(os.Stderr, "movein:", err)
		return 2
	}
	if do == nil {
		rest = []string{"--help"}
	}
	cfg := Config{Log: telemetry.DefaultLog(), Kafka: kafkaconn.Default(), Topics: topic.Default(), MySQL: mysqlconn.Default()}
	three := false
	code := program.Main("movein", help, rest, cfg, func(ctx context.Context, cfg Config, out, errOut io.Writer) error {
		settings := old.Default()
		if err := config.Load(o.from, nil, &settings); err != nil {
			return err
		}
		snapshot, err := old.Open(ctx, settings, o.tables)
		if err != nil {
			return err
		}
		defer snapshot.Close()
		err = do(ctx, cfg, o, snapshot, out)
		if errors.Is(err, errStops) || errors.Is(err, errDiffers) {
			fmt.Fprintln(errOut, "movein:", err)
			three, err = true, nil
		}
		return err
	})
	if code == 0 && three {
		return 3
	}
	return code
}

// report reads everything and prints what does not fit.
func report(ctx context.Context, _ Config, o options, from *old.Snapshot, out io.Writer) error {
	totals, err := dry(ctx, o, from, out)
	if err != nil {
		return err
	}
	if totals.Stops > 0 {
		return errStops
	}
	return nil
}

// dry plans everything, prints the findings and the totals, and writes nothing.
func dry(ctx context.Context, o options, from *old.Snapshot, out io.Writer) (plan.Totals, error) {
	p := plan.New(o.choices, func(plan.Record) error { return nil }, func(f plan.Finding) { fmt.Fprintln(out, line(f)) })
	if err := through(ctx, from, p); err != nil {
		return plan.Totals{}, err
	}
	t := p.Totals()
	for _, text := range summary(t) {
		fmt.Fprintln(out, text)
	}
	return t, nil
}

// through gives all rows to a planner.
func through(ctx context.Context, from *old.Snapshot, p *plan.Planner) error {
	if err := from.Each(ctx, p.Take); err != nil {
		return err
	}
	return p.Finish()
}

// write plans everything, and writes it if nothing stops: of the same snapshot.
func write(ctx context.Context, cfg Config, o options, from *old.Snapshot, out io.Writer) error {
	findings := out
	if o.out == "-" {
		findings = os.Stderr
	}
	totals, err := dry(ctx, o, from, findings)
	if err != nil {
		return err
	}
	if totals.Stops > 0 {
		return errStops
	}
	to, err := openSender(ctx, cfg, o, out)
	if err != nil {
		return err
	}
	p := plan.New(o.choices, func(r plan.Record) error { return to.send(ctx, r) }, func(plan.Finding) {})
	if err := errors.Join(through(ctx, from, p), to.close(ctx)); err != nil {
		return err
	}
	fmt.Fprintf(findings, "written: %d records\n", p.Totals().Records)
	return nil
}

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

// Config is the sections of chatlog's that are needed.
type Config struct {
	Log    telemetry.LogConfig `mapstructure:"log"`
	Kafka  kafkaconn.Config    `mapstructure:"kafka"`
	Topics topic.Config        `mapstructure:"topics"`
	MySQL  mysqlconn.Config    `mapstructure:"mysql"`
}

// errStops says that something is left for the operator to choose.
var errStops = errors.New("something stops: nothing was written; look at the report, and choose")

// errDiffers says that chatlog has something else than the old database.
var errDiffers = errors.New("they differ")

// movein is the table of what the program does.
func movein() program.Program[Config] {
	return program.Program[Config]{
		Name: "movein", Does: "brings the data of the replaced system into chatlog, with tokens and numbers kept.",
		Default: func() Config {
			return Config{Log: telemetry.DefaultLog(), Kafka: kafkaconn.Default(), Topics: topic.Default(), MySQL: mysqlconn.Default()}
		},
		Commands: []program.Command[Config]{
			overTables("report", "prints everything in the old database that does not fit\n\n"+
				"And what would become of it, by the choices that are given: each is stop unless it is.", "something stops", report),
			overTables("write", "writes an import record for everything; nothing, if anything stops\n\n"+
				"The records go to chat.imports, or with --out to a file, as lines of the token, a tab and the record.", "something stops, and nothing was written", write),
			overTables("verify", "compares the old database with chatlog's MySQL view\n\n"+
				"By number, text, time and count, with the choices that were written with.", "they differ", verify),
		},
	}
}

func main() { os.Exit(movein().Main(os.Args[1:])) }

// overTables is one of the three; left is when its exit code is 3.
func overTables(name, does, left string, do func(context.Context, Config, options, *old.Snapshot, io.Writer) error) program.Command[Config] {
	var o options
	return program.Command[Config]{
		Name: name, Flags: o.flags, Check: o.check,
		Help: program.Help{
			Does: does,
			Examples: []program.Line{{Word: "movein " + name + " --from=old.yaml --gaps=tombstone --orphans=skip",
				Means: "old.yaml has a section mysql like that of config.yaml, of the old database"}},
			Variable: program.Line{Word: "CHATLOG_MYSQL_ADDRESS", Means: "mysql.address, of chatlog's own"},
			Left:     left,
		},
		Do: func(ctx context.Context, cfg Config, out, errOut io.Writer) error {
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
				return program.ErrLeft
			}
			return err
		},
	}
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

// Bench measures chatlog against yardsticks that are taken in the same run, in
// turns: what a shared machine does meanwhile meets both sides alike, and only
// ratios are claimed.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"chatlog/deploy/system"
	"chatlog/shared/program"
	"chatlog/shared/progress"
)

// options are what a run measures.
type options struct {
	rounds     int           // of each comparison, after one that warms up
	round      time.Duration // length of one side of a round
	only       string        // names must match it
	results    string        // file for raw results
	plots      string        // folder for curves
	profiles   string        // folder for CPU profiles
	importRate int           // most imports in a second, per partition; 0: no bound
	documents  int64         // generated to be drained, listed and searched
	step       int64         // by so many messages the log grows
	steps      int           // so many times
	deep       int64         // messages of the chat that is listed
	pace       float64       // messages per second that the pipeline is tried with first
	tries      int           // rates that it is tried with
	embedded   bool          // the all-in-one with its embedded parts, instead of the real ones
}

// flags adds the flags.
func (o *options) flags(f *flag.FlagSet) {
	f.IntVar(&o.rounds, "rounds", 5, "rounds of each comparison, after one that warms up")
	f.DurationVar(&o.round, "round", 5*time.Second, "length of one side of a round")
	f.StringVar(&o.only, "only", "", "only what has a name that matches this `expression`")
	f.StringVar(&o.results, "json", "", "write raw results to this `file`")
	f.StringVar(&o.plots, "plots", "", "draw the curves of growth into this `folder`")
	f.IntVar(&o.importRate, "imports", 0, "the most imports in a second and partition; 0: as fast as MySQL keeps up")
	f.StringVar(&o.profiles, "profiles", "", "write a CPU profile of each of chatlog's programs under each row into this `folder`")
	f.Int64Var(&o.documents, "documents", 1_000_000, "messages that are generated to be drained and searched")
	f.Int64Var(&o.step, "step", 1_000_000, "messages of one step of growth")
	f.IntVar(&o.steps, "steps", 5, "steps of growth")
	f.Int64Var(&o.deep, "deep", 100_000, "messages of the chat whose first and last pages are read")
	f.Float64Var(&o.pace, "pace", 4000, "messages per second that the whole pipeline is tried with first")
	f.IntVar(&o.tries, "tries", 7, "rates that the whole pipeline is tried with")
	f.BoolVar(&o.embedded, "embedded", false, "measure the all-in-one of make run with its embedded parts, instead of the real ones")
}

// benchmark is the program.
func benchmark() program.Program[program.None] {
	var o options
	return program.Program[program.None]{Name: "bench", Commands: []program.Command[program.None]{{
		Flags: o.flags,
		Help: program.Help{
			Does: "measures chatlog against yardsticks that are taken in the same run, in turns\n\n" +
				"On the parts of make stack-up: writes, the appender alone, both sinks, reads, searches, the whole\n" +
				"way, an import, growth and recovery. It takes hours; docs/performance.md has the figures of one run.",
			Examples: []program.Line{
				{Word: "make bench", Means: "everything"},
				{Word: `make bench BENCH="--rounds=1 --only=POST"`, Means: "one row, quickly"},
				{Word: "bench --json=raw.json --plots=docs", Means: "keep raw results, and draw growth"},
			},
			Variables: []program.Line{{Word: "CHATLOG_TEST_KAFKA", Means: "host:port of the stack's Kafka, if it is elsewhere; CHATLOG_TEST_MYSQL, CHATLOG_TEST_ELASTICSEARCH and CHATLOG_TEST_REDIS likewise"}},
		},
		Do: func(ctx context.Context, _ program.None, out, errOut io.Writer) error {
			return run(ctx, o, out, errOut)
		},
	}}}
}

func main() { os.Exit(benchmark().Main(os.Args[1:])) }

func run(ctx context.Context, o options, out, errOut io.Writer) (err error) {
	wanted, err := regexp.Compile(o.only)
	if err != nil {
		return err
	}
	if o.profiles != "" {
		if err := os.MkdirAll(o.profiles, 0o755); err != nil {
			return err
		}
	}
	dir, err := os.MkdirTemp("", "chatlog-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{parts: system.OfStack().Of(system.UniqueName("bench")), dir: dir, bin: filepath.Join(dir, "bin"), options: o, only: wanted, out: out, far: progress.New(errOut, "rounds"), profileAt: map[string]string{}}
	if err := b.start(ctx); err != nil {
		return err
	}
	defer func() {
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		err = errors.Join(err, b.stop(stopping))
	}()
	if b.machineName, err = b.machine(ctx); err != nil {
		return err
	}
	fmt.Fprintf(out, "%s; everything on one machine; %d rounds of %s, in turns\n\n", b.machineName, o.rounds, o.round)
	fmt.Fprintln(out, head)
	defer func() { err = errors.Join(err, b.save()) }()
	stages := []func(context.Context) error{b.writes, b.appenders, b.paced70, b.drainRows, b.drainSearch, b.searches, b.reads, b.pipeline, b.imports, b.growth, b.recovery}
	if o.embedded {
		stages = []func(context.Context) error{b.writes, b.paced70, b.reads, b.searchedAlone, b.pipeline}
	}
	for _, stage := range stages {
		if err := stage(ctx); err != nil {
			return err
		}
	}
	if len(b.figures) > 0 {
		fmt.Fprintln(out, "\n"+figureHead)
	}
	for _, f := range b.figures {
		fmt.Fprintln(out, f.line())
	}
	return nil
}

// save writes what was measured so far: a run takes hours, and may be ended.
func (b *bench) save() error {
	if b.results == "" {
		return nil
	}
	content, err := json.MarshalIndent(Results{Machine: b.machineName, Rows: b.rows, Figures: b.figures}, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(b.results, append(content, '\n'), 0o644)
}

// Results is everything that was measured, raw.
type Results struct {
	Machine string
	Rows    []Row
	Figures []Figure
}

const head = "| what | ours/s | yardstick | its/s | ratio: median (least–most) | aim | ours p50 / p99 | CPU seconds per 100,000, ours | its |\n|---|---|---|---|---|---|---|---|---|"

// line is a row as the table shows it.
func (r Row) line() string {
	rate := func(s Sample) float64 { return s.Rate }
	p50 := time.Duration(middle(column(r.Ours, func(s Sample) float64 { return float64(s.P50) })))
	p99 := time.Duration(middle(column(r.Ours, func(s Sample) float64 { return float64(s.P99) })))
	times := "–"
	if p99 > 0 {
		times = fmt.Sprintf("%.1f / %.1f ms", p50.Seconds()*1000, p99.Seconds()*1000)
	}
	return fmt.Sprintf("| %s | %.0f | %s | %.0f | %.2f (%.2f–%.2f) | %.2f | %s | %s | %s |", r.Name, middle(column(r.Ours, rate)), r.Yardstick,
		middle(column(r.Theirs, rate)), middle(r.Ratios), slices.Min(r.Ratios), slices.Max(r.Ratios), r.Reach, times, used(r.Ours), used(r.Theirs))
}

func used(samples []Sample) string {
	var names, all []string
	for name := range samples[0].CPU {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		all = append(all, fmt.Sprintf("%s %.2f", name, middle(column(samples, func(s Sample) float64 { return s.CPU[name] }))))
	}
	return strings.Join(all, ", ")
}

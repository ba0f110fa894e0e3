// Chaos runs a campaign of faults against several instances of every service on
// real parts of its own, and judges what clients saw. It ends with exit code 3
// when a promise was broken.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"time"

	"chatlog/deploy/chaos/faults"
	"chatlog/deploy/chaos/history"
	"chatlog/deploy/chaos/load"
	"chatlog/deploy/chaos/world"
	"chatlog/deploy/diskfull"
	"chatlog/shared/program"
	"chatlog/shared/progress"
	"chatlog/shared/retry"
)

type options struct {
	seed   uint64
	length time.Duration
	outage time.Duration
	only   string
	dir    string
	report string
	offset int
	think  time.Duration
	list   bool
	takes  int
	apart  int
}

// flags adds the flags.
func (o *options) flags(f *flag.FlagSet) {
	f.Uint64Var(&o.seed, "seed", 0, "decides every fault's place and time; by chance, if it is 0")
	f.DurationVar(&o.length, "for", 0, "begin no round after this time; there is at least one, with every fault in it")
	f.DurationVar(&o.outage, "redis-down", 0, "how long Redis is away in the first round, instead of a few seconds")
	f.IntVar(&o.apart, "apart", 0, "so many first rounds break one thing at a time, the others several")
	f.StringVar(&o.only, "only", "", "only faults whose names match this `expression`")
	f.StringVar(&o.dir, "dir", "", "the `folder` where parts and logs live; a new one if none is named, which is removed when all was well")
	f.StringVar(&o.report, "report", "", "write the report to this `file`, too")
	f.IntVar(&o.offset, "ports", 5000, "offset of the ports of the parts")
	f.DurationVar(&o.think, "think", 120*time.Millisecond, "between two calls of a client, on average; more on a machine that is slow at rest")
	f.IntVar(&o.takes, "takeovers", 0, "instead of faults, kill and stop ingests that many times, and measure how their partitions are taken over")
	f.BoolVar(&o.list, "list", false, "only list the faults")
}

// chaos is the program.
func chaos() program.Program[program.None] {
	var o options
	return program.Program[program.None]{Name: "chaos", Commands: []program.Command[program.None]{{
		Flags: o.flags,
		Help: program.Help{
			Does: "breaks everything under load, and judges what clients saw\n\n" +
				"It starts several instances of every service on real parts of its own, lets clients call them,\n" +
				"breaks one thing after the other, and compares every call with the log. docs/chaos.md is a report.",
			Examples: []program.Line{
				{Word: "make chaos", Means: "one round: every fault once"},
				{Word: `make chaos CHAOS="--for=1h --report=docs/chaos.md"`, Means: "an hour of rounds, with a report"},
				{Word: `chaos --only="Redis down" --seed=7`, Means: "one fault, at the same place and time again"},
				{Word: "chaos --list", Means: "what is broken"},
			},
			Variables: []program.Line{{Word: "CI", Means: "true: what this machine cannot do is a failure"}},
			Left:      "a promise was broken; the report says which",
		},
		Do: func(ctx context.Context, _ program.None, out, errOut io.Writer) error {
			bad, err := run(ctx, o, out, errOut)
			if err == nil && bad {
				return program.ErrLeft
			}
			return err
		},
	}}}
}

func main() { os.Exit(chaos().Main(os.Args[1:])) }

func run(ctx context.Context, o options, out, errOut io.Writer) (bad bool, err error) {
	only, err := regexp.Compile(o.only)
	if err != nil {
		return false, err
	}
	if o.list {
		for _, f := range faults.All() {
			fmt.Fprintf(out, "%-9s %s\n", f.Lane, f.Name)
		}
		fmt.Fprintf(out, "%-9s %s\n", "embedded", diskFull)
		return false, nil
	}
	if o.seed == 0 {
		o.seed = uint64(time.Now().UnixNano())
	}
	root, err := projectRoot(ctx)
	if err != nil {
		return false, err
	}
	if o.dir == "" {
		if o.dir, err = os.MkdirTemp("", "chatlog-chaos-"); err != nil {
			return false, err
		}
		if err := os.Chmod(o.dir, 0o755); err != nil { // the parts' own user must get in
			return false, err
		}
		defer func() {
			if err == nil && !bad {
				err = os.RemoveAll(o.dir)
			} else {
				fmt.Fprintln(out, "everything is kept in", o.dir)
			}
		}()
	}
	bin, next := filepath.Join(o.dir, "bin"), filepath.Join(o.dir, "next")
	if err := errors.Join(build(ctx, root, bin), build(ctx, root, next, "-ldflags=-s")); err != nil {
		return false, err
	}
	w := world.New(world.Options{Root: root, Dir: o.dir, Bin: bin, Next: next, Offset: o.offset})
	defer func() {
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Minute)
		defer cancel()
		err = errors.Join(err, w.Stop(stopping))
	}()
	began := time.Now()
	if err := w.Start(ctx); err != nil {
		return false, err
	}
	fmt.Fprintf(out, "everything runs after %s, seed %d\n", time.Since(began).Round(time.Second), o.seed)
	r, err := breakAndJudge(ctx, o, w, only, out, errOut)
	if err != nil {
		return false, err
	}
	if only.MatchString(diskFull) && o.takes == 0 {
		if r.disk, err = fillDisk(ctx, bin, o.dir, out); err != nil {
			return false, err
		}
	}
	return r.bad(), tell(r, o.report, out)
}

// diskFull is the one fault that needs a world of its own: the embedded parts.
const diskFull = "disk full"

func fillDisk(ctx context.Context, bin, dir string, out io.Writer) (said string, err error) {
	dir = filepath.Join(dir, "disk")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	err = diskfull.Drill(ctx, bin, dir, func(format string, args ...any) {
		said = fmt.Sprintf(format, args...)
		fmt.Fprintf(out, "%s: %s\n", diskFull, said)
	})
	if errors.Is(err, diskfull.ErrMount) && os.Getenv("CI") != "true" {
		return "NOT TRIED: " + err.Error(), nil
	}
	return said, err
}

// breakAndJudge is the campaign itself.
func breakAndJudge(ctx context.Context, o options, w *world.World, only *regexp.Regexp, out, errOut io.Writer) (*result, error) {
	lines, err := os.Create(filepath.Join(o.dir, "history.jsonl"))
	if err != nil {
		return nil, err
	}
	defer lines.Close()
	began := time.Now()
	recorder := history.NewRecorder(began, lines)
	l := &load.Load{Writers: w.Writers(), Readers: w.Readers(), Recorder: recorder, Seed: o.seed, Think: o.think}
	if err := l.Start(ctx); err != nil {
		return nil, err
	}
	importer := &load.Importer{Brokers: strings.Split(w.Parts.Kafka, ","), Topic: w.Parts.Imports, Seed: o.seed}
	if err := importer.Start(ctx); err != nil {
		return nil, err
	}
	c := &campaign{world: w, load: l, recorder: recorder, faults: faults.All(), seed: o.seed, only: only, length: o.length, apart: o.apart, outage: o.outage, out: out,
		far: progress.New(errOut, "faults")}
	think := l.Pace(ctx)
	fmt.Fprintf(out, "a client waits %s between two calls\n", think)
	if o.takes > 0 {
		if err := c.takeOvers(ctx, o.takes); err != nil {
			return nil, err
		}
	} else {
		c.run(ctx)
		c.far.End()
	}
	retry.Wait(ctx, quiet)
	l.Stop()
	brought, failed := importer.Stop()
	r := &result{importing: failed, command: "make chaos CHAOS=\"" + strings.Join(os.Args[1:], " ") + "\"", seed: o.seed, began: began, rounds: c.rounds, apart: o.apart,
		machine: machine(), windows: c.windows, think: think, load: time.Since(began)}
	if r.calls, err = recorder.Calls(); err != nil {
		return nil, err
	}
	fmt.Fprintf(out, "%d calls in %s; judging\n", len(r.calls), r.load.Round(time.Second))
	if err := r.judge(ctx, w, brought); err != nil {
		return nil, err
	}
	return r, ctx.Err()
}

func tell(r *result, path string, out io.Writer) error {
	r.write(out)
	if path == "" {
		return nil
	}
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	r.write(f)
	return f.Close()
}

// build builds the services into a folder: with a clock that a variable can
// make wrong, which no ordinary build has.
func build(ctx context.Context, root, to string, flags ...string) error {
	args := append([]string{"build", "-tags", "skewedclock"}, flags...)
	c := exec.CommandContext(ctx, "go", append(args, "-o", to+"/", "./ingest", "./sinks", "./query", "./deploy/local")...)
	c.Dir = root
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w: %s", err, out)
	}
	return nil
}

func projectRoot(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	return filepath.Dir(strings.TrimSpace(string(out))), err
}

func machine() string {
	memory := ""
	if content, err := os.ReadFile("/proc/meminfo"); err == nil {
		var kib int
		if _, err := fmt.Sscanf(string(content), "MemTotal: %d", &kib); err == nil {
			memory = fmt.Sprintf(", %d GiB", kib>>20)
		}
	}
	return fmt.Sprintf("%d cores%s, %s", runtime.NumCPU(), memory, runtime.Version())
}

package sinkd

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"chatlog/shared/kafkaconn"
	"chatlog/shared/topic"
	"chatlog/sinks/internal/consume"
	"chatlog/sinks/internal/verify"
)

// VerifyOptions say how views are audited.
type VerifyOptions struct {
	Repair bool
	State  string    // file that keeps how far the audit is, so that it can be broken off; none if empty
	Bar    io.Writer // where progress is drawn; nil: nowhere
}

// ParseVerify takes the options of an audit out of a program's arguments; the
// rest are its other flags. Progress is drawn when standard error is a terminal.
func ParseVerify(args []string) (o VerifyOptions, rest []string) {
	for _, arg := range args {
		name, value, _ := strings.Cut(strings.TrimLeft(arg, "-"), "=")
		switch {
		case name == "repair" && value == "" && arg != name:
			o.Repair = true
		case name == "state" && arg != name:
			o.State = value
		default:
			rest = append(rest, arg)
		}
	}
	o.Bar = terminal()
	return o, rest
}

// terminal is standard error, when somebody looks at it there; else nil.
func terminal() io.Writer {
	if info, err := os.Stderr.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		return os.Stderr
	}
	return nil
}

// shown is how many differences of a kind are printed; the rest is counted.
const shown = 100

// verifyPatience is how long a view may take to come to the log's end.
const verifyPatience = time.Minute

// verifySettle is how long a leader of Kafka may know of an earlier end.
const verifySettle = 2 * time.Second

// verifyState is how far an audit is, so that it can be broken off.
type verifyState struct {
	At   map[int32]int64        `json:"at"`   // by partition
	Sums map[string]verify.Sums `json:"sums"` // of what was found to be right, by view
}

// Verify audits the views that parts has against the log, while the system
// runs, and prints what differs. It gives the number of differences that are
// left.
func Verify(ctx context.Context, cfg Config, parts Parts, o VerifyOptions, out io.Writer) (left int, err error) {
	conn := kafkaconn.Open(cfg.Kafka)
	defer conn.Close()
	state, err := readState(o.State)
	if err != nil {
		return 0, err
	}
	var views []verify.View
	if parts.Rows != nil {
		views = append(views, verify.NewRows(parts.Rows))
	}
	if parts.Index != nil {
		views = append(views, verify.NewIndex(parts.Index))
	}
	told := report{out: out, counts: map[string]int{}}
	audit := &verify.Audit{
		Log:         consume.KafkaLog{Conn: conn, Topic: cfg.Topics.Commands.Name, Bytes: cfg.Sinks.FetchBytes},
		Views:       views,
		PartitionOf: func(key []byte) int32 { return topic.PartitionOf(key, cfg.Topics.Commands.Partitions) },
		Repair:      o.Repair,
		Patience:    verifyPatience,
		Settle:      verifySettle,
		Tell:        told.tell,
		Sums:        state.Sums,
	}
	began := time.Now()
	records, err := passAll(ctx, audit, int32(cfg.Topics.Commands.Partitions), state.At, o.Bar)
	if err == nil {
		err = audit.Extras(ctx)
	}
	if o.Bar != nil {
		fmt.Fprintln(o.Bar)
	}
	told.summary()
	if err != nil {
		state.Sums = audit.Sums
		return told.left, errors.Join(err, writeState(o.State, state))
	}
	fmt.Fprintf(out, "%d records compared in %s, %d differences, %d left\n", records, time.Since(began).Round(time.Millisecond), sum(told.counts), told.left)
	return told.left, removeState(o.State)
}

// passAll passes all partitions from where state says on, which it moves.
func passAll(ctx context.Context, audit *verify.Audit, partitions int32, state map[int32]int64, bar io.Writer) (records int64, err error) {
	if bar == nil {
		bar = io.Discard
	}
	began := time.Now()
	audit.Listed = func(view string, items int) { fmt.Fprintf(bar, "\r%s: %d items listed%30s", view, items, "") }
	for p := range partitions {
		from := state[p]
		audit.Passed = func(_ int32, at, end int64) {
			state[p] = at
			fmt.Fprintf(bar, "\rpartition %d of %d: %d of %d records, %.0f/s in all   ", p+1, partitions, at, end,
				float64(records+at-from)/time.Since(began).Seconds())
		}
		if err = audit.Partition(ctx, p, from); err != nil {
			return records, fmt.Errorf("partition %d: %w", p, err)
		}
		records += state[p] - from
	}
	return records, nil
}

// report prints differences and counts them by view and kind.
type report struct {
	out    io.Writer
	counts map[string]int
	left   int
}

func (r *report) tell(d verify.Difference) {
	kind := d.View + ": " + string(d.Kind)
	if d.Mended {
		kind += ", mended"
	} else {
		r.left++
	}
	if r.counts[kind]++; r.counts[kind] <= shown {
		fmt.Fprintln(r.out, d)
	}
}

func (r *report) summary() {
	for _, kind := range slices.Sorted(maps.Keys(r.counts)) {
		fmt.Fprintf(r.out, "%6d %s\n", r.counts[kind], kind)
	}
}

func sum(counts map[string]int) (all int) {
	for _, n := range counts {
		all += n
	}
	return all
}

func readState(path string) (verifyState, error) {
	state := verifyState{At: map[int32]int64{}, Sums: map[string]verify.Sums{}}
	if path == "" {
		return state, nil
	}
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return state, nil
	}
	if err == nil {
		err = json.Unmarshal(content, &state)
	}
	if err != nil {
		return state, fmt.Errorf("state %s: %w", strconv.Quote(path), err)
	}
	return state, nil
}

func writeState(path string, state verifyState) error {
	if path == "" {
		return nil
	}
	content, err := json.Marshal(state)
	if err != nil {
		return err
	}
	return os.WriteFile(path, content, 0o600)
}

func removeState(path string) error {
	if err := os.Remove(path); path != "" && err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

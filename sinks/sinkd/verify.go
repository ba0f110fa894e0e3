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
	if info, err := os.Stderr.Stat(); err == nil && info.Mode()&os.ModeCharDevice != 0 {
		o.Bar = os.Stderr
	}
	return o, rest
}

// shown is how many differences of a kind are printed; the rest is counted.
const shown = 100

// verifyPatience is how long a view may take to come to the log's end.
const verifyPatience = time.Minute

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
	began, records := time.Now(), int64(0)
	counts := map[string]int{}
	audit := verify.Audit{
		Log:         consume.KafkaLog{Conn: conn, Topic: cfg.Topics.Commands.Name, Bytes: cfg.Sinks.FetchBytes},
		Views:       views,
		PartitionOf: func(key []byte) int32 { return topic.PartitionOf(key, cfg.Topics.Commands.Partitions) },
		Repair:      o.Repair,
		Patience:    verifyPatience,
		Tell: func(d verify.Difference) {
			kind := d.View + ": " + string(d.Kind)
			if d.Mended {
				kind += ", mended"
			} else {
				left++
			}
			if counts[kind]++; counts[kind] <= shown {
				fmt.Fprintln(out, d)
			}
		},
	}
	for p := range int32(cfg.Topics.Commands.Partitions) {
		from := state[p]
		audit.Passed = func(_ int32, at, end int64) {
			state[p] = at
			if o.Bar != nil {
				fmt.Fprintf(o.Bar, "\rpartition %d of %d: %d of %d records, %.0f/s in all   ", p+1, cfg.Topics.Commands.Partitions, at, end,
					float64(records+at-from)/time.Since(began).Seconds())
			}
		}
		if err = audit.Partition(ctx, p, from); err != nil {
			err = fmt.Errorf("partition %d: %w", p, err)
			break
		}
		records += state[p] - from
	}
	if o.Bar != nil {
		fmt.Fprintln(o.Bar)
	}
	for _, kind := range slices.Sorted(maps.Keys(counts)) {
		fmt.Fprintf(out, "%6d %s\n", counts[kind], kind)
	}
	if err != nil {
		return left, errors.Join(err, writeState(o.State, state))
	}
	fmt.Fprintf(out, "%d records compared in %s, %d differences, %d left\n", records, time.Since(began).Round(time.Millisecond), sum(counts), left)
	return left, removeState(o.State)
}

func sum(counts map[string]int) (all int) {
	for _, n := range counts {
		all += n
	}
	return all
}

func readState(path string) (map[int32]int64, error) {
	state := map[int32]int64{}
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
		return nil, fmt.Errorf("state %s: %w", strconv.Quote(path), err)
	}
	return state, nil
}

func writeState(path string, state map[int32]int64) error {
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

package sinkd

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"slices"
	"strconv"
	"time"

	"chatlog/shared/kafkaconn"
	"chatlog/shared/progress"
	"chatlog/shared/topic"
	"chatlog/sinks/internal/consume"
	"chatlog/sinks/internal/verify"
)

// VerifyOptions say how views are audited.
type VerifyOptions struct {
	Repair bool
	State  string // file that keeps how far the audit is, so that it can be broken off; none if empty
}

// Flags adds the flags of an audit.
func (o *VerifyOptions) Flags(f *flag.FlagSet) {
	f.BoolVar(&o.Repair, "repair", false, "mend what differs")
	f.StringVar(&o.State, "state", "", "keep in this `file` how far it is, and go on from there")
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
func Verify(ctx context.Context, cfg Config, parts Parts, o VerifyOptions, out, errOut io.Writer) (left int, err error) {
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
	told := report{out: out, far: progress.New(errOut, "records"), counts: map[string]int{}}
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
	records, err := passAll(ctx, audit, int32(cfg.Topics.Commands.Partitions), state.At, told.far)
	if err == nil {
		err = audit.Extras(ctx)
	}
	told.far.End()
	told.summary()
	if err != nil {
		state.Sums = audit.Sums
		return told.left, errors.Join(err, writeState(o.State, state))
	}
	fmt.Fprintf(out, "%d records compared in %s, %d differences, %d left\n", records, time.Since(began).Round(time.Millisecond), sum(told.counts), told.left)
	return told.left, removeState(o.State)
}

// passAll passes all partitions from where state says on, which it moves.
func passAll(ctx context.Context, audit *verify.Audit, partitions int32, state map[int32]int64, far *progress.Progress) (records int64, err error) {
	audit.Listed = func(view string, items int) { far.Passed("what the log does not know in "+view, int64(items), 0) }
	for p := range partitions {
		from := state[p]
		name := fmt.Sprintf("partition %d of %d", p+1, partitions)
		audit.Passed = func(_ int32, at, end int64) {
			state[p] = at
			far.Passed(name, at, end)
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
	far    *progress.Progress
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
		r.far.Tell(r.out, "%s", d)
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

// sound reports whether a run can go on with the state.
func (s verifyState) sound() bool {
	for partition, at := range s.At {
		if partition < 0 || at < 0 {
			return false
		}
	}
	return s.At != nil && s.Sums != nil // JSON's null takes the place of a map
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
	if err == nil && !state.sound() {
		err = errors.New("it is not one that a run has left")
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

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os/exec"
	"path/filepath"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"chatlog/deploy/system"
)

// appenders compares owners without HTTP, leases and a view behind them with
// kafka-go's Produce of records of the same sizes, in batches as large as the
// owners' were in the round that warms up: what is left is what numbering and
// answering cost.
func (b *bench) appenders(ctx context.Context) error {
	for _, row := range []struct {
		name  string
		count int
	}{{"appender alone, 1 partition", 1}, {rowAppender, 12}} {
		size := 0 // of raw's batches
		ours := func(ctx context.Context, d time.Duration) (Sample, error) {
			s, mean, err := b.appendRate(ctx, d, row.count, "appender", "-side", "ours")
			if size == 0 {
				size = max(1, int(math.Round(mean)))
			}
			return s, err
		}
		theirs := func(ctx context.Context, d time.Duration) (Sample, error) {
			s, _, err := b.appendRate(ctx, d, row.count, "kafka-go", "-side", "raw", "-batch", strconv.Itoa(size))
			return s, err
		}
		if err := b.compare(ctx, Row{Name: row.name, Yardstick: "kafka-go Produce", Reach: 0.8}, ours, theirs); err != nil {
			return err
		}
	}
	return nil
}

// appendRate runs one side on a topic of its own: neither finds what was left
// behind, and both begin with an empty one. The program's time is what it tells
// of itself; Kafka's is that of the whole run, making the topic included.
func (b *bench) appendRate(ctx context.Context, d time.Duration, count int, name string, args ...string) (s Sample, mean float64, err error) {
	topic := system.UniqueName("appender")
	defer func() {
		stopping, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
		defer cancel()
		err = errors.Join(err, b.parts.Admin(func(admin *kadm.Client) error {
			_, err := admin.DeleteTopics(stopping, topic) // one that was not made is no error here
			return err
		}))
	}()
	var told struct{ Records, Seconds, Batch, CPU float64 }
	s, err = metered(processes(map[string]int{"kafka": part("kafka")}), func() (Sample, float64, error) {
		all := append([]string{"-brokers", b.parts.Kafka, "-topic", topic, "-partitions", strconv.Itoa(count), "-for", d.String()}, args...)
		out, err := exec.CommandContext(ctx, filepath.Join(b.bin, "appendrate"), all...).Output()
		var failed *exec.ExitError
		if errors.As(err, &failed) {
			err = fmt.Errorf("appendrate: %w: %s", err, failed.Stderr)
		}
		if err != nil {
			return Sample{}, 0, err
		}
		if err := json.Unmarshal(out, &told); err != nil || told.Records == 0 || told.Seconds == 0 {
			return Sample{}, 0, fmt.Errorf("appendrate says %q: %w", out, err)
		}
		return Sample{Rate: told.Records / told.Seconds}, told.Records, nil
	})
	if err != nil {
		return s, 0, err
	}
	s.CPU[name] = told.CPU / told.Records * 100_000
	return s, told.Batch, nil
}

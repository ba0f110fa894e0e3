package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Sample is one side of one round.
type Sample struct {
	Rate   float64            // operations per second
	P50    time.Duration      `json:",omitempty"`
	P99    time.Duration      `json:",omitempty"`
	CPU    map[string]float64 // seconds per 100,000 operations, by process
	Memory int64              `json:",omitempty"` // the most that our process had, in bytes
	Errors int                `json:",omitempty"`
}

// side does as much as it can for a time.
type side func(ctx context.Context, d time.Duration) (Sample, error)

// Row is one comparison, taken in turns.
type Row struct {
	Name      string
	Yardstick string
	Reach     float64 // the least ratio that is aimed at
	Ours      []Sample
	Theirs    []Sample
	Ratios    []float64
}

// Rows that other figures are computed from, by name.
const (
	rowPosts    = "POST message, 256 connections, 1,000 chats"
	rowAppender = "appender alone, 12 partitions"
	rowMySQL    = "MySQL sink draining the log"
	rowSearch   = "search sink draining the log"
)

// compare takes rounds of both sides in turn: what the machine does meanwhile
// meets both alike.
func compare(ctx context.Context, row Row, rounds int, d time.Duration, ours, theirs side, passed func(done int)) (Row, error) {
	for i := range rounds + 1 { // the first warms up
		passed(i)
		a, err := ours(ctx, d)
		if err != nil {
			return row, fmt.Errorf("%s: %w", row.Name, err)
		}
		b, err := theirs(ctx, d)
		if err != nil {
			return row, fmt.Errorf("%s: %s: %w", row.Name, row.Yardstick, err)
		}
		if a.Errors > 0 || b.Errors > 0 {
			return row, fmt.Errorf("%s: %d and %d requests failed", row.Name, a.Errors, b.Errors)
		}
		if i > 0 {
			row.Ours, row.Theirs, row.Ratios = append(row.Ours, a), append(row.Theirs, b), append(row.Ratios, a.Rate/b.Rate)
		}
	}
	return row, nil
}

// middle is the median.
func middle(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	if len(sorted) == 0 {
		return 0
	}
	return sorted[len(sorted)/2]
}

func column(samples []Sample, of func(Sample) float64) (all []float64) {
	for _, s := range samples {
		all = append(all, of(s))
	}
	return all
}

// ticks is the kernel's unit in /proc/PID/stat: USER_HZ, 100 on Linux.
const ticks = 100

// cpu gives the processor seconds that processes have used so far.
func cpu(pids map[string]int) (map[string]float64, error) {
	used := map[string]float64{}
	for name, pid := range pids {
		content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return nil, err
		}
		_, rest, _ := strings.Cut(string(content), ") ")
		fields := strings.Fields(rest)
		if len(fields) < 13 {
			return nil, fmt.Errorf("/proc/%d/stat: %q", pid, content)
		}
		for _, field := range fields[11:13] { // utime and stime
			n, err := strconv.ParseFloat(field, 64)
			if err != nil {
				return nil, err
			}
			used[name] += n / ticks
		}
	}
	return used, nil
}

// metered runs do and tells what processes used for each 100,000 operations.
func metered(pids map[string]int, do func() (Sample, float64, error)) (Sample, error) {
	before, err := cpu(pids)
	if err != nil {
		return Sample{}, err
	}
	s, operations, err := do()
	if err != nil {
		return s, err
	}
	after, err := cpu(pids)
	if err != nil {
		return s, err
	}
	s.CPU = map[string]float64{}
	for name := range pids {
		s.CPU[name] = (after[name] - before[name]) / operations * 100_000
	}
	return s, nil
}

// peak is the most memory that a process has had, in bytes; 0 when it is not
// there.
func peak(pid int) int64 {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, after, _ := strings.Cut(string(content), "VmHWM:")
	var kilobytes int64
	if _, err := fmt.Sscan(after, &kilobytes); err != nil {
		return 0
	}
	return kilobytes << 10
}

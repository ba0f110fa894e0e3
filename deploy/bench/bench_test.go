package main

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chatlog/shared/parts"
)

// TestRealBench runs a little of the benchmark: it still works, and that is all
// that is asked here. Times say nothing on a machine that tests.
func TestRealBench(t *testing.T) {
	parts.Kafka(t)
	parts.MySQL(t)
	parts.Elasticsearch(t)
	parts.Redis(t)
	parts.Tool(t, "wrk")
	results := filepath.Join(t.TempDir(), "results.json")
	var out bytes.Buffer
	o := options{rounds: 1, round: time.Second, results: results, plots: t.TempDir(), documents: 5000, step: 3000, steps: 2, deep: 500, pace: 100, tries: 1,
		only: "^POST message, 64 connections, 1,000 chats|sinks paused, 64|^appender alone, 12|^MySQL sink draining the log(, workers: 1)?$|^search|^GET chat|70 %|until visible|^import|^growth|^recovery"}
	if err := run(t.Context(), o, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(results)
	if err != nil {
		t.Fatal(err)
	}
	var kept Results
	if err := json.Unmarshal(content, &kept); err != nil {
		t.Fatal(err)
	}
	rows := kept.Rows
	if len(rows) != 8 || len(kept.Figures) != 15 || strings.Count(out.String(), "\n| ") != 8+1+15+1 {
		t.Fatalf("%d rows, %d figures: %s", len(rows), len(kept.Figures), out.String())
	}
	for _, r := range rows {
		if len(r.Ratios) != 1 || r.Ratios[0] <= 0 || r.Ours[0].Rate <= 0 || r.Theirs[0].Rate <= 0 {
			t.Errorf("%+v", r)
		}
	}
}

// TestEmbeddedBench runs a little of what is measured of the all-in-one.
func TestEmbeddedBench(t *testing.T) {
	parts.Tool(t, "wrk")
	var out bytes.Buffer
	o := options{rounds: 1, round: time.Second, deep: 300, pace: 50, tries: 1, embedded: true, only: "^POST message, 64 connections, 1 chat|^GET message|^list of 100, last|search in|until visible"}
	if err := run(t.Context(), o, &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); strings.Count(got, "\n| ") != 3+1+4+1 || strings.Contains(got, "NaN") {
		t.Fatalf("%s", got)
	}
}

func TestMiddle(t *testing.T) {
	for want, values := range map[float64][]float64{0: nil, 1: {1}, 2: {3, 2, 1}, 3: {9, 3, 3, 1, 1}} {
		if got := middle(values); got != want {
			t.Errorf("%v: %v, must be %v", values, got, want)
		}
	}
}

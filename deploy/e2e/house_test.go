// Package e2e drives the built programs from outside, on embedded and on real
// parts, as clients and operators do.
package e2e

import (
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"chatlog/deploy/client"
	"chatlog/deploy/system"
	"chatlog/shared/parts"
)

// bin is where the programs under test were built.
var bin string

func TestMain(m *testing.M) {
	os.Exit(system.RunTests(m, &bin, "chatlog/ingest", "chatlog/sinks", "chatlog/query", "chatlog/deploy/local", "chatlog/deploy/e2e/feed"))
}

// house is a running system under test.
type house struct {
	*system.System
	parts  system.Parts   // of the real one
	ingest *client.Client // one base address each, as clients have
	query  *client.Client
}

func (h *house) connect(t testing.TB) {
	h.ingest, h.query = client.New(h.Writes, 64), client.New(h.Reads, 64)
	t.Cleanup(h.ingest.Close)
	t.Cleanup(h.query.Close)
}

// finish stops what runs, shows logs of a failed test, and refuses a start or
// stop that was not clean.
func (h *house) finish(t testing.TB) {
	if err := h.Stop(); err != nil {
		t.Error("stopping:", err)
	}
	for _, p := range h.Programs {
		content, err := os.ReadFile(p.Log)
		if err != nil {
			continue
		}
		if strings.Contains(string(content), "panic") || strings.Contains(string(content), "DATA RACE") {
			t.Error(p.Name, "panicked")
		}
		if !t.Failed() {
			continue
		}
		var told []string
		for line := range strings.Lines(string(content)) {
			if !strings.Contains(line, " msg=request ") {
				told = append(told, line)
			}
		}
		t.Logf("%s:\n%s", p.Log, strings.Join(told[max(0, len(told)-40):], ""))
	}
}

func embedded(t *testing.T, env ...string) *house {
	t.Helper()
	s, err := system.Embedded(bin, t.TempDir(), env...)
	if err != nil {
		t.Fatal(err)
	}
	h := &house{System: s}
	h.connect(t)
	t.Cleanup(func() { h.finish(t) })
	if err := h.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return h
}

// realParts names a fresh set of topics, tables and an index on the real parts.
func realParts(t *testing.T) system.Parts {
	t.Helper()
	db := parts.MySQL(t)
	p := system.Parts{Kafka: parts.Kafka(t), MySQL: db.Address, User: db.User, Password: db.Password.Reveal(),
		Elasticsearch: parts.Elasticsearch(t), Redis: parts.Redis(t)}.Of(system.UniqueName("e2e"))
	if err := p.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := p.Remove(ctx); err != nil {
			t.Error("cleaning up:", err)
		}
	})
	return p
}

func real(t *testing.T, env ...string) *house {
	t.Helper()
	p := realParts(t)
	s, err := system.Real(bin, filepath.Join(t.TempDir(), "logs"), p, env...)
	if err != nil {
		t.Fatal(err)
	}
	h := &house{System: s, parts: p}
	h.connect(t)
	t.Cleanup(func() { h.finish(t) })
	if err := h.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return h
}

// eventually waits until a condition holds.
func eventually(t testing.TB, patience time.Duration, what string, holds func() error) {
	t.Helper()
	if err := system.Eventually(context.Background(), patience, func(context.Context) error { return holds() }); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// sized is how large a test is: usual, or what a variable says, such as 100000.
func sized(t *testing.T, variable string, usual int64) int64 {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return usual
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 100 {
		t.Fatalf("%s: %q", variable, text)
	}
	return n
}

func application(t testing.TB, c *client.Client) string {
	t.Helper()
	token, err := c.CreateApplication(context.Background(), "Shetewi", nil)
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func chat(t testing.TB, c *client.Client, token string) int64 {
	t.Helper()
	number, err := c.CreateChat(context.Background(), token, nil)
	if err != nil {
		t.Fatal(err)
	}
	return number
}

// metric sums a counter of a service over its labels.
func (h *house) metric(t testing.TB, base, name string) float64 {
	t.Helper()
	sum, err := (&client.Client{Base: base, HTTP: h.query.HTTP}).Metric(context.Background(), name)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

package secure

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"chatlog/deploy/system"
	"chatlog/shared/parts"
)

// bin is where the programs under test were built, running the parts that the
// first test which needs them has started.
var (
	bin     string
	started sync.Once
	running *Parts
	failed  error
)

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	if bin, err = os.MkdirTemp("", "chatlog-secure-"); err != nil {
		return 1, err
	}
	defer os.RemoveAll(bin)
	if err := os.Chmod(bin, 0o755); err != nil { // the parts' own user enters it
		return 1, err
	}
	if err := system.Build(context.Background(), bin, "chatlog/ingest", "chatlog/sinks", "chatlog/query"); err != nil {
		return 1, err
	}
	code = m.Run()
	if running != nil {
		err = running.Stop()
	}
	return code, err
}

// secured gives the parts. What they are made of comes with the stack without
// Docker, so where that is not, these cannot be had either.
func secured(t *testing.T) *Parts {
	t.Helper()
	for _, program := range []string{"java", "redis-server", "setpriv"} {
		parts.Tool(t, program)
	}
	parts.Kafka(t)
	parts.MySQL(t)
	parts.Elasticsearch(t)
	started.Do(func() {
		script, err := filepath.Abs("../stack/secure.sh")
		if err != nil {
			failed = err
			return
		}
		if running, failed = Start(context.Background(), script, filepath.Join(bin, "parts")); failed != nil {
			return
		}
		page, err := os.ReadFile("../../docs/security.md")
		if failed = err; failed == nil {
			failed = running.MakeKeys(context.Background(), string(page))
		}
	})
	if failed != nil {
		t.Fatal(failed, logs(filepath.Join(bin, "parts", "*.log")))
	}
	return running
}

// logs is the end of each file.
func logs(pattern string) string {
	var out strings.Builder
	files, _ := filepath.Glob(pattern) // the pattern is a good one
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		fmt.Fprintf(&out, "\n%s:\n%s", file, content[max(0, len(content)-3000):])
	}
	return out.String()
}

// eventually waits until a condition holds.
func eventually(t *testing.T, patience time.Duration, what string, holds func() error) {
	t.Helper()
	if err := system.Eventually(context.Background(), patience, func(context.Context) error { return holds() }); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

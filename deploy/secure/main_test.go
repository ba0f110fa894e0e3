package secure

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

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
	c := exec.Command("go", "build", "-o", bin+"/", "chatlog/ingest", "chatlog/sinks", "chatlog/query")
	if out, err := c.CombinedOutput(); err != nil {
		return 1, fmt.Errorf("%w: %s", err, out)
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
		running, failed = Start(context.Background(), script, filepath.Join(bin, "parts"))
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
	deadline := time.Now().Add(patience)
	for {
		err := holds()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %s: %v", what, patience, err)
		}
		time.Sleep(20 * time.Millisecond) // between two looks at the condition
	}
}

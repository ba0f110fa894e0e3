package contract

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"chatlog/deploy/client"
)

// tools gives the folder of schemathesis. Where it cannot be had, the test is
// skipped, loudly; with CI=true that is a failure.
func tools(t *testing.T) string {
	t.Helper()
	var told strings.Builder
	c := exec.CommandContext(t.Context(), "./tools.sh")
	c.Stderr = &told
	out, err := c.Output()
	if err == nil {
		return strings.TrimSpace(string(out))
	}
	text := fmt.Sprintf("REAL PART MISSING: schemathesis: %v: %s", err, told.String())
	if os.Getenv("CI") == "true" {
		t.Fatal(text)
	}
	t.Skip(text)
	return ""
}

// seed makes what is made up the same in every run.
func seed() string {
	if value := os.Getenv("CONTRACT_SEED"); value != "" {
		return value
	}
	return "1"
}

// limit is when a run is taken for stuck.
const limit = 8 * time.Minute

// summary is what schemathesis reports, as far as it is looked at.
type summary struct {
	Operations struct{ Selected, Tested, Errored int }
	Phases     map[string]struct{ Status string }
	TestCases  struct {
		Generated, Errored int
		WithFailures       int `json:"with_failures"`
	} `json:"test_cases"`
	Failures []failure
	Errors   []json.RawMessage
	Filtered int // by filter_failure of hooks.py
	Complete bool
}

type failure struct{ Title string }

var linked = regexp.MustCompile(`API Links: +(\d+) covered / (\d+) selected`)

// served keeps the document that a service serves in a file: from an address
// schemathesis would leave out the call that gives it.
func served(t *testing.T, base string) string {
	t.Helper()
	c := client.New(base, 1)
	defer c.Close()
	reply, err := c.Do(t.Context(), "GET", "/openapi.yaml", "", nil)
	if err != nil || reply.Status != 200 {
		t.Fatal("no document:", reply.Status, err)
	}
	file := filepath.Join(t.TempDir(), "openapi.yaml")
	if err := os.WriteFile(file, []byte(reply.Body), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// usual is how many requests schemathesis.toml makes up for each call, beside those
// that follow from the bounds of its parameters, and longer how many times more it
// takes for following links.
const (
	usual  = 20
	longer = 4
)

// configured writes schemathesis.toml with other numbers of examples.
func configured(t *testing.T, dir string, examples int) string {
	t.Helper()
	config, err := os.ReadFile("schemathesis.toml")
	if err != nil {
		t.Fatal(err)
	}
	text := string(config)
	for _, factor := range []int{longer, 1} {
		old := fmt.Sprint("max-examples = ", factor*usual, "\n")
		if strings.Count(text, old) != 1 {
			t.Fatalf("schemathesis.toml has not one %q", old)
		}
		text = strings.Replace(text, old, fmt.Sprint("max-examples = ", factor*examples, "\n"), 1)
	}
	file := filepath.Join(dir, "schemathesis.toml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// run runs schemathesis in a folder of its own. An error is any other end than
// being content.
func run(t *testing.T, at, service, base, document string, examples int, more ...string) (told summary, out string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	here, err := os.Getwd()
	if err != nil {
		return told, "", err
	}
	dir := t.TempDir()
	report := filepath.Join(dir, "report.json")
	args := append([]string{"--config-file", configured(t, dir, examples), "run", document, "--url", base, "--seed", seed(),
		"--no-color", "--report-json-path", report}, more...)
	c := exec.CommandContext(ctx, filepath.Join(at, "schemathesis"), args...)
	c.Dir = dir
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // no leftovers when a test dies
	// CI=true would make Hypothesis take settings of its own instead of the seed.
	env := slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "CI=") })
	c.Env = append(env, "PYTHONPATH="+here, "PYTHONDONTWRITEBYTECODE=1", "SCHEMATHESIS_HOOKS=hooks", "CHATLOG_CONTRACT_SERVICE="+service)
	text, err := c.CombinedOutput()
	content, readErr := os.ReadFile(report)
	if readErr == nil {
		readErr = json.Unmarshal(content, &told)
	}
	return told, string(text), errors.Join(err, readErr)
}

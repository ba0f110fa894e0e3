// Package kafka runs the runbooks of this folder: every command in them, on real
// parts.
package kafka

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"chatlog/deploy/runbook"
	"chatlog/deploy/system"
)

// books is every runbook, and the test that runs it. The test plays the whole
// file with world.play, which runs every block or fails.
var books = map[string]func(*testing.T){
	"README.md":  TestRealReadme,
	"brokers.md": TestRealBrokers,
	"erasure.md": TestRealErasure,
	"lag.md":     TestRealLag,
	"movein.md":  TestRealMovein,
	"moving.md":  TestRealMoving,
	"replay.md":  TestRealReplay,
	"views.md":   TestRealViews,
}

// elsewhere are the runbooks that other tests take their commands from, with what the
// programs of deploy/e2e need; each fails when there is one that it does not run.
var elsewhere = map[string]string{
	"deadletters.md": "../e2e/deadletters_test.go",
	"imports.md":     "../e2e/runbook_imports_test.go",
}

// TestEveryRunbookIsRun wants a test for each page of this folder that has
// commands, and no page that hides some.
func TestEveryRunbookIsRun(t *testing.T) {
	pages, err := filepath.Glob("*.md")
	if err != nil || len(pages) < len(books) {
		t.Fatal(pages, err)
	}
	for _, page := range pages {
		if test, is := elsewhere[page]; is {
			if content, err := os.ReadFile(test); err != nil || !strings.Contains(string(content), "kafka/"+page) {
				t.Errorf("%s is not run by %s: %v", page, test, err)
			}
			continue
		}
		runs := slices.ContainsFunc(steps(t, page), func(s runbook.Step) bool { return s.Block != "" })
		if _, known := books[page]; runs != known {
			t.Errorf("%s: it has commands: %v; there is a test that runs them: %v", page, runs, known)
		}
	}
	for page := range books {
		if !slices.Contains(pages, page) {
			t.Errorf("there is no %s", page)
		}
	}
}

func steps(t *testing.T, page string) []runbook.Step {
	t.Helper()
	content, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	all, err := runbook.Parse(string(content))
	if err != nil {
		t.Fatalf("%s: %v", page, err)
	}
	return all
}

// bin is where the programs were built.
var bin string

func TestMain(m *testing.M) {
	os.Exit(system.RunTests(m, &bin, "chatlog/ingest", "chatlog/sinks", "chatlog/query", "chatlog/deploy/movein"))
}

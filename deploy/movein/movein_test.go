package main

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"chatlog/deploy/movein/madeup"
	"chatlog/deploy/movein/plan"
	"chatlog/deploy/system"
	"chatlog/shared/parts"
)

// size is how many messages the made-up database has, 20,000 or what a variable says.
func size(t *testing.T) int {
	t.Helper()
	text := os.Getenv("MOVEIN_MESSAGES")
	if text == "" {
		return 20_000
	}
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// world is a made-up old database on the real MySQL, and the program.
type world struct {
	t    *testing.T
	bin  string
	db   *sql.DB
	file string // for --from
	made *madeup.Database
}

func newWorld(t *testing.T, messages int, faulty bool) *world {
	t.Helper()
	m := parts.MySQL(t)
	p := system.Parts{MySQL: m.Address, User: m.User, Password: m.Password.Reveal(), Database: system.UniqueName("movein")}
	if err := p.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := p.DropDatabase(ctx); err != nil {
			t.Error("cleaning up:", err)
		}
	})
	db, err := sql.Open("mysql", p.DSN(p.Database)+"&interpolateParams=true")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	w := &world{t: t, db: db, file: filepath.Join(t.TempDir(), "old.yaml"), bin: filepath.Join(t.TempDir(), "movein")}
	text := fmt.Sprintf("mysql:\n  address: %s\n  user: %s\n  password: %s\n  database: %s\n", p.MySQL, p.User, p.Password, p.Database)
	if err := os.WriteFile(w.file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if w.made, err = madeup.Build(t.Context(), db, messages, faulty); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("go", "build", "-o", w.bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return w
}

// run runs the program to its end and gives what it printed.
func (w *world) run(code int, args ...string) string {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.t.Context(), 5*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, w.bin, append(args, "--from="+w.file)...)
	var out, problems bytes.Buffer
	c.Dir, c.Stdout, c.Stderr = w.t.TempDir(), &out, &problems
	began := time.Now()
	err := c.Run()
	var exited *exec.ExitError
	if err != nil && !errors.As(err, &exited) || c.ProcessState.ExitCode() != code {
		w.t.Fatalf("movein %v: exit code %d, must be %d (%v)\n%.4000s\n%s", args, c.ProcessState.ExitCode(), code, err, out.String(), problems.String())
	}
	w.t.Logf("movein %s: %s, peak memory %d MB", args[0], time.Since(began).Round(time.Millisecond), peak(c.ProcessState))
	return out.String()
}

// found reads the findings of a report.
func found(t *testing.T, report string) map[madeup.Found]bool {
	t.Helper()
	all := map[madeup.Found]bool{}
	for text := range strings.Lines(report) {
		fields := strings.Split(text, "\t")
		if len(fields) != 8 {
			continue
		}
		id, err := strconv.ParseInt(fields[3], 10, 64)
		if err != nil {
			t.Fatal(text)
		}
		kind := map[string]plan.Kind{"applications": plan.Application, "chats": plan.Chat, "messages": plan.Message}[fields[2]]
		f := madeup.Found{Fault: plan.Fault(fields[0]), Kind: kind, ID: id}
		if all[f] {
			t.Errorf("found twice: %v", f)
		}
		all[f] = true
	}
	return all
}

// all is a choice for everything that is wrong in a made-up database.
var all = []string{"--tokens=derive", "--duplicates=first", "--orphans=adopt", "--gaps=tombstone", "--counts=rows", "--numbers=skip",
	"--usernames=mend", "--texts=mend", "--time=2024-01-01T00:00:00Z"}

// TestRealReport finds everything that is wrong, and nothing else; nothing is
// written as long as one choice is missing.
func TestRealReport(t *testing.T) {
	w := newWorld(t, size(t), true)
	if got := found(t, w.run(3, "report")); !maps.Equal(got, w.made.Found) {
		for f := range w.made.Found {
			if !got[f] {
				t.Errorf("not found: %v", f)
			}
		}
		for f := range got {
			if !w.made.Found[f] {
				t.Errorf("found, and it is right: %v", f)
			}
		}
	}
	w.run(0, append([]string{"report"}, all...)...)
	for i := range all {
		out := filepath.Join(t.TempDir(), "records")
		args := append([]string{"write", "--out=" + out}, slices.Delete(slices.Clone(all), i, i+1)...)
		w.run(3, args...)
		if _, err := os.Stat(out); err == nil {
			t.Errorf("without %s something was written", all[i])
		}
	}
}

// TestRealWriteTwice writes the same bytes whenever it is run, in the order that
// the importer needs, and of what nothing is wrong with nothing is found.
func TestRealWriteTwice(t *testing.T) {
	w := newWorld(t, 8000, false)
	if got := found(t, w.run(0, "report")); len(got) > 0 {
		t.Error("found in a whole database:", got)
	}
	dir := t.TempDir()
	var written [2][]byte
	for i := range written {
		out := filepath.Join(dir, fmt.Sprint(i))
		w.run(0, "write", "--out="+out)
		content, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		written[i] = content
	}
	if !bytes.Equal(written[0], written[1]) {
		t.Error("a second run wrote something else")
	}
	if want, got := madeup.Applications*(1+madeup.Chats*(1+w.made.Messages)), bytes.Count(written[0], []byte("\n")); got != want {
		t.Errorf("%d records, must be %d", got, want)
	}
	if want := "\"message\":\"" + madeup.Text(3, 2, 1); !strings.Contains(string(written[0]), want) {
		t.Errorf("there is no %s", want)
	}
}

// TestRealTables says what is missing in tables that are others.
func TestRealTables(t *testing.T) {
	w := newWorld(t, 1, false)
	if _, err := w.db.ExecContext(t.Context(), "ALTER TABLE messages RENAME TO texts, RENAME COLUMN messageID TO number"); err != nil {
		t.Fatal(err)
	}
	c := exec.CommandContext(t.Context(), w.bin, "report", "--from="+w.file, "--tables=applications,chats,texts")
	out, err := c.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "the old table texts lacks the columns messageID") {
		t.Errorf("%v: %s", err, out)
	}
}

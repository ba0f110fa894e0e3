package e2e

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
)

const runbook = "../kafka/deadletters.md"

// step is one command of the runbook: what comes before it, the class and view of
// the letter that it is about, its exit code, and what it says.
type step struct {
	command     string // its beginning
	view, class string
	before      func()
	code        int
	says        []string
}

// TestRealDeadLettersRunbook makes letters of every class, and settles them as the
// runbook says, by its very commands.
func TestRealDeadLettersRunbook(t *testing.T) {
	if _, err := exec.LookPath("kcat"); err != nil {
		t.Skip("REAL PART MISSING: kcat")
	}
	h := real(t)
	app := application(t, h.ingest)
	chat(t, h.ingest, app)
	p := h.partition(t, app)
	h.statement(t, "ALTER TABLE message ADD CONSTRAINT refuses CHECK (message <> 'refused')")
	for number, text := range []string{"fine", "refused", "fine again"} {
		if got, _, err := h.ingest.CreateMessage(t.Context(), app, 1, text, nil); err != nil || got != int64(number+1) {
			t.Fatal(got, err)
		}
	}
	h.kcat(t, p, app+"\tgarbage\n", "-K", "\t")
	elsewhere := imported(app, "11111111-1111-4111-8111-111111111111", "from elsewhere")
	h.kcat(t, p, app+"\t"+elsewhere+"\n", "-K", "\t", "-H", "at=0123456789abcdef:7", "-H", "traceparent=00-1")
	h.kcat(t, p, app+"\t{\"v\":1}\n", "-K", "\t", "-H", fmt.Sprintf("at=%s:%d", h.logID(t, app), h.end(t, p)))
	h.views(t)
	h.verify(t, 3, "     1 mysql: missing")

	dir, mended := t.TempDir(), imported(app, "22222222-2222-4222-8222-222222222222", "mended")
	steps := []step{
		{command: "sinks deadletters list --count", says: []string{"1 mysql: rejected", "1 mysql: unmarked", "1 mysql: foreign", "1 mysql: invalid", "1 search: invalid", "5 in all"}},
		{command: "sinks deadletters list", says: []string{"no at header", "written for another log", "refuses"}},
		{command: "sinks deadletters list --view=mysql", says: []string{"rejected"}},
		{command: "sinks deadletters show", view: "mysql", class: "rejected", says: []string{`"message":"refused"`, ", open", "header"}},
		{command: "sinks deadletters retry $ID", view: "mysql", class: "rejected", code: 3, says: []string{"left as it was: not taken", "refuses"}},
		{command: "sinks deadletters retry --view", before: func() { h.statement(t, "ALTER TABLE message DROP CHECK refuses") }, says: []string{"would be applied again to mysql"}},
		{command: "sinks deadletters retry --view", says: []string{"mysql has it now"}},
		{command: "sinks verify", says: []string{" 0 differences, 0 left"}},
		{command: "sinks deadletters retry $ID", view: "mysql", class: "foreign", says: []string{"it was written to offset 0 of partition"}},
		{command: "sinks deadletters show $ID --raw", view: "mysql", class: "unmarked"},
		{command: "sinks deadletters retry $ID --value", view: "mysql", class: "unmarked", says: []string{"the mended value was written to"}, before: func() {
			if content, err := os.ReadFile(filepath.Join(dir, "value.json")); string(content) != "garbage" || err != nil {
				t.Errorf("the raw value is %q, %v", content, err)
			}
			if err := os.WriteFile(filepath.Join(dir, "value.json"), []byte(mended), 0o600); err != nil {
				t.Fatal(err)
			}
		}},
		{command: "sinks deadletters drop $ID", view: "mysql", class: "invalid", says: []string{"dropped: a test"}},
		{command: "sinks deadletters list --view=search", says: []string{"dropped: a test"}},
		{command: "sinks deadletters list --state=settled", says: []string{"retried", "dropped"}},
		{command: "kcat", says: []string{`"state":"dropped"`, `"by":"somebody"`, `"state":"retried"`}},
	}
	h.follow(t, dir, steps)
	h.inImports(t, p, app, elsewhere, mended)
	h.settledAll(t)
}

// follow runs the runbook's commands in order.
func (h *house) follow(t *testing.T, dir string, steps []step) {
	t.Helper()
	content, err := os.ReadFile(runbook)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(content)) {
		command, is := strings.CutPrefix(strings.TrimRight(line, "\n"), "    ")
		if !is {
			continue
		}
		if len(steps) == 0 || !strings.HasPrefix(command, steps[0].command) {
			t.Fatalf("no step runs %q", command)
		}
		s := steps[0]
		steps = steps[1:]
		if s.before != nil {
			s.before()
		}
		id := ""
		if s.class != "" {
			id = h.letterID(t, s.view, s.class)
		}
		h.shell(t, dir, strings.ReplaceAll(command, "chat.deadletters", h.parts.DeadLetters), id, s.code, s.says...)
	}
	if len(steps) > 0 {
		t.Errorf("the runbook does not say %q", steps[0].command)
	}
}

// shell runs a command as an operator does.
func (h *house) shell(t *testing.T, dir, command, id string, code int, says ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "bash", "-o", "pipefail", "-c", command)
	c.Dir = dir
	c.Env = append(h.Program("sinks").Env, "PATH="+bin+":"+os.Getenv("PATH"), "B="+h.parts.Kafka, "ID="+id, "USER=somebody")
	out, err := c.CombinedOutput()
	var exited *exec.ExitError
	if err != nil && !errors.As(err, &exited) || c.ProcessState.ExitCode() != code {
		t.Errorf("%s: exit code %d (%v), must be %d\n%s", command, c.ProcessState.ExitCode(), err, code, out)
	}
	for _, want := range says {
		if !strings.Contains(string(out), want) {
			t.Errorf("%s does not say %q:\n%s", command, want, out)
		}
	}
	return string(out)
}

// letterID gives the ID of the one letter of a view and class.
func (h *house) letterID(t *testing.T, view, class string) string {
	t.Helper()
	out := h.shell(t, t.TempDir(), "sinks deadletters list --state=all --json --view="+view+" --class="+class, "", 0)
	var l struct{ ID string }
	if err := json.Unmarshal([]byte(out), &l); err != nil {
		t.Fatalf("%s %s: %v: %s", view, class, err, out)
	}
	return l.ID
}

// inImports wants these values in the topic of imports, under the application's key,
// and not where they had been written for.
func (h *house) inImports(t *testing.T, partition int32, app string, values ...string) {
	t.Helper()
	for _, r := range h.read(t, h.parts.Imports) {
		if len(values) == 0 || r.Partition != partition || string(r.Key) != app || string(r.Value) != values[0] {
			t.Fatalf("partition %d has %q: %q", r.Partition, r.Key, r.Value)
		}
		for _, header := range r.Headers {
			if header.Key == "at" {
				t.Errorf("written for %q", header.Value)
			}
		}
		values = values[1:]
	}
	if len(values) > 0 {
		t.Errorf("not in %s: %q", h.parts.Imports, values)
	}
}

// settledAll wants no open letter by a view, nothing settled twice, and that a replay
// from the beginning tells nothing again.
func (h *house) settledAll(t *testing.T) {
	t.Helper()
	h.shell(t, t.TempDir(), "sinks deadletters list --count --view=mysql; sinks deadletters list --count --view=search", "", 0, "0 in all")
	id := h.letterID(t, "mysql", "rejected")
	h.shell(t, t.TempDir(), "sinks deadletters drop $ID --why=x", id, 3, "it is settled already: retried")
	h.shell(t, t.TempDir(), "sinks deadletters retry $ID", id, 3, "it is settled already: retried")
	h.shell(t, t.TempDir(), "sinks deadletters show 1000000", "", 1, "no such letter")
	h.shell(t, t.TempDir(), "sinks deadletters settle 1", "", 2, "none of list, show, retry and drop")
	of := func() (n int) {
		for _, l := range h.letters(t) {
			if l.View == "mysql" || l.View == "search" {
				n++
			}
		}
		return n
	}
	if n := of(); n != 5 {
		t.Errorf("%d letters, want 5", n)
	}
	h.reset(t)
	h.views(t)
	if n := of(); n != 5 {
		t.Errorf("%d letters after a replay, want 5", n)
	}
	h.verify(t, 0, " 0 differences, 0 left")
}

// statement changes the database as its operator does.
func (h *house) statement(t *testing.T, text string) {
	t.Helper()
	db, err := sql.Open("mysql", h.parts.DSN(h.parts.Database))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), text); err != nil {
		t.Fatal(text, err)
	}
}

// end is where a partition of the log ends.
func (h *house) end(t *testing.T, partition int32) (end int64) {
	t.Helper()
	err := h.parts.Admin(func(admin *kadm.Client) error {
		ends, err := admin.ListEndOffsets(t.Context(), h.parts.Commands)
		if err != nil {
			return err
		}
		o, _ := ends.Lookup(h.parts.Commands, partition)
		end = o.Offset
		return o.Err
	})
	if err != nil {
		t.Fatal(err)
	}
	return end
}

// imported is a message as imports take it.
func imported(app, id, text string) string {
	return fmt.Sprintf(`{"id":%q,"op":"message.create","application":%q,"chat":1,"message":%q}`, id, app, text)
}

// TestEmbeddedDeadLetters settles a letter of the all-in-one's folder.
func TestEmbeddedDeadLetters(t *testing.T) {
	h := embedded(t)
	app := application(t, h.ingest)
	chat(t, h.ingest, app)
	stopped := func(statement string) {
		t.Helper()
		if err := h.Stop(); err != nil {
			t.Fatal(err)
		}
		db, err := sql.Open("sqlite", filepath.Join(h.Programs[0].Dir, "data", "view.db"))
		if err != nil {
			t.Fatal(err)
		}
		_, err = db.ExecContext(t.Context(), statement)
		if err := errors.Join(err, db.Close()); err != nil {
			t.Fatal(err)
		}
	}
	exact(t, h.query, "GET", "/application/"+app+"/chat/1", "", 200, `{"Application":"`+app+`","Chat":1,"MessagesCount":0}`)
	stopped("CREATE TRIGGER refuses BEFORE INSERT ON message WHEN NEW.message = 'refused' BEGIN SELECT RAISE(ABORT, 'refuses'); END")
	if err := h.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.connect(t)
	if _, _, err := h.ingest.CreateMessage(t.Context(), app, 1, "refused", nil); err != nil {
		t.Fatal(err)
	}
	_, position, err := h.ingest.CreateMessage(t.Context(), app, 1, "fine", nil)
	if err != nil {
		t.Fatal(err)
	}
	exact(t, h.query, "GET", "/application/"+app+"/chat/1/message/2", "", 200,
		`{"Application":"`+app+`","Chat":1,"MessageID":"2","Message":"fine"}`, "Consistency-Token", position)
	stopped("SELECT 1")
	h.localLetters(t, 0, "1 mysql: rejected", "list", "--count")
	h.localLetters(t, 3, "left as it was: not taken", "retry", "--view=mysql")
	h.verifyFolder(t, 3, "1 mysql: missing")
	stopped("DROP TRIGGER refuses")
	h.localLetters(t, 0, "mysql has it now", "retry", "--view=mysql")
	h.localLetters(t, 0, "0 in all", "list", "--count")
	h.verifyFolder(t, 0, " 0 differences, 0 left")
}

func (h *house) localLetters(t *testing.T, code int, says string, args ...string) {
	t.Helper()
	p := h.Programs[0]
	c := exec.CommandContext(t.Context(), p.Path, append([]string{"deadletters"}, args...)...)
	c.Dir, c.Env = p.Dir, p.Env
	out, err := c.CombinedOutput()
	if c.ProcessState.ExitCode() != code || !strings.Contains(string(out), says) {
		t.Errorf("local deadletters %q: exit code %d (%v), must be %d, and say %q:\n%s", args, c.ProcessState.ExitCode(), err, code, says, out)
	}
}

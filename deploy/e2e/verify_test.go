package e2e

import (
	"database/sql"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // the driver of the embedded view
)

// TestEmbeddedVerify audits the folder of the all-in-one after it has stopped,
// finds what was altered behind its back, and mends it.
func TestEmbeddedVerify(t *testing.T) {
	h := embedded(t)
	l := h.load(t)
	more(t, l, 300)
	l.Stop()
	if err := h.Stop(); err != nil {
		t.Fatal(err)
	}
	h.verifyFolder(t, 0, " 0 differences, 0 left")
	db, err := sql.Open("sqlite", filepath.Join(h.Programs[0].Dir, "data", "view.db"))
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{"DELETE FROM message WHERE chat = 1 AND number = 1", "UPDATE chat SET messages = 0 WHERE number = 2"} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	h.verifyFolder(t, 3, "1 mysql: missing", " mysql: count")
	h.verifyFolder(t, 0, "1 mysql: missing, mended", " mysql: count, mended")
	h.verifyFolder(t, 0, " 0 differences, 0 left")
	if err := h.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkByAPI(t, h, l)
}

func (h *house) verifyFolder(t *testing.T, code int, says ...string) {
	t.Helper()
	p := h.Programs[0]
	args := []string{"verify"}
	if strings.Contains(says[0], "mended") {
		args = append(args, "--repair")
	}
	c := exec.CommandContext(t.Context(), p.Path, args...)
	c.Dir, c.Env = p.Dir, p.Env
	out, err := c.CombinedOutput()
	if c.ProcessState.ExitCode() != code {
		t.Errorf("exit code %d (%v), must be %d\n%s", c.ProcessState.ExitCode(), err, code, out)
	}
	for _, want := range says {
		if !strings.Contains(string(out), want+"\n") {
			t.Errorf("does not say %q:\n%s", want, out)
		}
	}
}

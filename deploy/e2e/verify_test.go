package e2e

import (
	"database/sql"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	_ "modernc.org/sqlite" // the driver of the embedded view

	"chatlog/shared/command"
	"chatlog/shared/searchview/bleve"
	"chatlog/shared/view"
)

// stranger is the token of an application that the log does not know.
const stranger = "feedfeedfeedfeedfeedfeedfeedfeed"

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
	for _, statement := range []string{"DELETE FROM message WHERE chat = 1 AND number = 1", "UPDATE chat SET messages = 0 WHERE number = 2",
		"INSERT INTO application (token, username, chats, created, version) VALUES ('" + stranger + "', 'x', 1, 1, 1)",
		"INSERT INTO chat (application, number, messages, created, version) VALUES ('" + stranger + "', 1, 0, 1, 1)",
		"UPDATE application SET chats = chats + 1 WHERE token <> '" + stranger + "'"} {
		if _, err := db.ExecContext(t.Context(), statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	h.plantDocument(t)
	h.verifyFolder(t, 3, "1 mysql: missing", " mysql: count", " 2 mysql: extra", " mysql: over", " 1 search: extra")
	h.verifyFolder(t, 0, "1 mysql: missing, mended", " mysql: count, mended", " 2 mysql: extra, mended", " mysql: over, mended", " 1 search: extra, mended")
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

// plantDocument puts a message that nobody has written into the embedded index.
func (h *house) plantDocument(t *testing.T) {
	t.Helper()
	index, err := bleve.Open(filepath.Join(h.Programs[0].Dir, "data", "search"))
	if err != nil {
		t.Fatal(err)
	}
	progress, _, err := index.Progress(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	progress.Next = 0 // moves nothing
	_, err = index.Apply(t.Context(), view.Batch{To: progress, Entries: []view.Entry{{Offset: 1 << 30, Command: command.Command{
		Op: command.MessageCreate, Application: stranger, Chat: 1, Number: 1, Message: "planted"}}}})
	if err := errors.Join(err, index.Close()); err != nil {
		t.Fatal(err)
	}
}

// plant puts rows and documents into the views that the log does not know, or
// knows at lower versions and counts. Nobody may write to these chats until it
// is mended: a view's counts are believed.
func (h *house) plant(t *testing.T, app string) {
	t.Helper()
	db, err := sql.Open("mysql", h.parts.DSN(h.parts.Database))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	const ahead = 1<<44 + 1<<30
	for _, statement := range []string{
		"INSERT INTO application (token, username, chats, created, version) VALUES ('" + stranger + "', 'x', 1, 1, 1)",
		"INSERT INTO chat (application, number, messages, created, version) VALUES ('" + stranger + "', 1, 1, 1, 1)",
		"INSERT INTO message (application, chat, number, message, created, edited, deleted, version) VALUES ('" + stranger + "', 1, 1, 'x', 1, 0, 0, 1)",
		"INSERT INTO chat (application, number, messages, created, version) SELECT application, number + 1000, 0, created, version FROM chat WHERE application = '" + app + "' AND number = 11",
		"INSERT INTO message (application, chat, number, message, created, edited, deleted, version) SELECT application, chat, number + 1000, message, created, edited, deleted, version " +
			"FROM message WHERE application = '" + app + "' AND chat = 11 AND number = 2",
		"INSERT INTO keyed_command (id, application, op, chat, number, fingerprint, record_offset) SELECT 'planted', application, op, chat, number, fingerprint, record_offset " +
			"FROM keyed_command WHERE application = '" + app + "' AND chat = 11 ORDER BY number LIMIT 1",
		"UPDATE application SET chats = chats + 1000 WHERE token = '" + app + "'",
		"UPDATE chat SET messages = messages + 1000 WHERE application = '" + app + "' AND number = 12",
		fmt.Sprintf("UPDATE message SET message = 'ahead', version = %d WHERE application = '%s' AND chat = 13 AND number IN (1, 2)", ahead, app),
		fmt.Sprintf("UPDATE message SET deleted = 1, message = '', version = %d WHERE application = '%s' AND chat = 13 AND number = 3", 7<<44, app),
		fmt.Sprintf("UPDATE chat SET created = 1, version = %d WHERE application = '%s' AND number = 14", ahead, app),
	} {
		result, err := db.ExecContext(t.Context(), statement)
		if err != nil {
			t.Fatal(statement, err)
		}
		if n, err := result.RowsAffected(); n == 0 || err != nil {
			t.Fatal(statement, n, err)
		}
	}
	h.put(t, stranger, 1, 1, 1)
	h.put(t, app, 11, 1000, ahead)
	h.put(t, app, 13, 1, ahead)
}

// put writes a document as if there were such a message.
func (h *house) put(t *testing.T, app string, chat, number, version int64) {
	t.Helper()
	url := fmt.Sprintf("%s/%s/_doc/%s:%d:%d?routing=%s&version_type=external_gte&version=%d", h.parts.Elasticsearch, h.parts.Alias, app, chat, number, app, version)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url,
		strings.NewReader(fmt.Sprintf(`{"application":%q,"chat":%d,"number":%d,"created":1,"deleted":false,"message":"planted","words":"planted"}`, app, chat, number)))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode >= 300 {
		t.Fatal(url, answer.Status)
	}
}

package e2e

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"chatlog/deploy/audit"
	"chatlog/deploy/client"
	"chatlog/shared/parts"
)

// mysqlTool runs a program of MySQL against the house's database.
func (h *house) mysqlTool(t *testing.T, input []byte, name string, args ...string) []byte {
	t.Helper()
	host, port, err := net.SplitHostPort(h.parts.MySQL)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, parts.Tool(t, name), append([]string{"--protocol=tcp", "-h", host, "-P", port, "-u", h.parts.User,
		"-p" + h.parts.Password}, args...)...)
	var out, problems bytes.Buffer
	c.Stdin, c.Stdout, c.Stderr = bytes.NewReader(input), &out, &problems
	if err := c.Run(); err != nil {
		t.Fatalf("%s: %v: %s", name, err, problems.String())
	}
	return out.Bytes()
}

// restore brings an older dump back while ingest goes on: the sinks are
// stopped, and the table of progress goes first, so that nobody believes a row
// of a half restored database. A dump brings the tables in the order of their
// names; progress comes after all rows.
func (h *house) restore(t *testing.T, dump []byte) {
	t.Helper()
	h.mysqlTool(t, nil, "mysql", "-e", "DROP TABLE progress", h.parts.Database)
	h.mysqlTool(t, dump, "mysql", h.parts.Database)
}

// rooms posts one message to each chat of an application by many clients at
// once, as users do: with a key, and again after a 503. Every number must be
// the next one.
func (h *house) rooms(t *testing.T, app string, chats, number int64) []audit.Acked {
	t.Helper()
	numbers := make(chan int64)
	var mutex sync.Mutex
	var acked []audit.Acked
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			for c := range numbers {
				text := fmt.Sprintf("number %d of chat %d", number, c)
				var got int64
				err := client.Settle(t.Context(), time.Minute, []*client.Client{h.ingest}, 0, func(k *client.Client, headers client.Headers) (err error) {
					got, _, err = k.CreateMessage(t.Context(), app, c, text, headers)
					return err
				}, func(error) {})
				if err != nil || got != number {
					t.Errorf("chat %d: number %d (%v), must be %d", c, got, err, number)
					continue
				}
				mutex.Lock()
				acked = append(acked, audit.Acked{Application: app, Chat: c, Number: got, Text: text})
				mutex.Unlock()
			}
		})
	}
	for c := range chats {
		numbers <- c + 1
	}
	close(numbers)
	group.Wait()
	return acked
}

// TestRealSelfRepair sets the relational view back to an older dump, deletes
// the index, alters rows and resets both groups, while clients write on to
// chats that the owner has dropped from its memory.
func TestRealSelfRepair(t *testing.T) {
	parts.Tool(t, "mysqldump")
	h := real(t, "CHATLOG_INGEST_STATE_MAX_CHATS=100", "CHATLOG_INGEST_STATE_MAX_MESSAGES=100", "CHATLOG_INGEST_STATE_MAX_UNSUNK=20000")
	const chats = 300
	app := application(t, h.ingest)
	for range chats {
		chat(t, h.ingest, app)
	}
	acked := h.rooms(t, app, chats, 1)
	acked = append(acked, h.rooms(t, app, chats, 2)...)
	h.views(t)
	dump := h.mysqlTool(t, nil, "mysqldump", "--single-transaction", "--no-tablespaces", h.parts.Database)
	acked = append(acked, h.rooms(t, app, chats, 3)...)
	h.views(t)
	l := h.load(t) // goes on through everything that follows
	more(t, l, 200)
	evicted, loads := h.metric(t, h.Writes, "chatlog_state_evicted_total"), h.metric(t, h.Writes, "chatlog_cold_loads_total")
	if evicted == 0 {
		t.Fatal("the owner has dropped nothing: the drill would prove nothing")
	}

	sinks := h.Program("sinks")
	if err := sinks.Stop(10 * time.Second); err != nil {
		t.Fatal(err)
	}
	h.restore(t, dump)
	began := time.Now()
	acked = append(acked, h.rooms(t, app, chats, 4)...) // the view knows of two
	t.Logf("MySQL set back: %d chats went on with number 4 in %s, %v rebuilds, %v cold loads, %v entries evicted", chats,
		time.Since(began).Round(time.Millisecond), h.metric(t, h.Writes, "chatlog_state_rebuilds_total"),
		h.metric(t, h.Writes, "chatlog_cold_loads_total")-loads, evicted)
	if h.metric(t, h.Writes, "chatlog_state_rebuilds_total") == 0 {
		t.Error("the owner did not notice that the view was set back")
	}
	if err := sinks.Start(); err != nil {
		t.Fatal(err)
	}
	acked = append(acked, h.rooms(t, app, chats, 5)...)
	if err := h.parts.RemoveIndex(t.Context()); err != nil {
		t.Fatal(err)
	}
	acked = append(acked, h.rooms(t, app, chats, 6)...)
	more(t, l, 200)
	h.views(t)
	h.verify(t, 0, " 0 differences, 0 left") // the load goes on: what is merely new is no difference
	h.damage(t, app)
	h.plant(t, app)
	h.verify(t, 3, "mysql: altered", "mysql: missing", "search: missing",
		" 4 mysql: ahead", " 6 mysql: extra", " 2 mysql: over", " 1 search: ahead", " 2 search: extra")
	h.verify(t, 0, "mysql: altered, mended", "mysql: missing, mended", "search: missing, mended",
		" 4 mysql: ahead, mended", " 6 mysql: extra, mended", " 2 mysql: over, mended", " 1 search: ahead, mended", " 2 search: extra, mended")
	for range 3 {
		h.verify(t, 0, " 0 differences, 0 left")
	}
	h.damage(t, app)
	h.reset(t)
	acked = append(acked, h.rooms(t, app, chats, 7)...)
	l.Stop()
	for _, w := range append(l.Wrong(), l.Unknown()...) {
		t.Error(w)
	}
	h.replayed(t)
	truth := h.audit(t)
	truth.History(append(acked, l.Acked()...))
	report(t, truth)
	t.Logf("%d writes acked beside it, %d answers 503", l.Acks.Load(), l.Unavailable.Load())
}

// verify audits the views by the program that operators have, while everything
// goes on; it mends them when all is to be well and something is to be mended.
func (h *house) verify(t *testing.T, code int, says ...string) {
	t.Helper()
	sinks := h.Program("sinks")
	args := []string{"verify", "--state=" + filepath.Join(t.TempDir(), "state")}
	if strings.Contains(says[0], "mended") {
		args = append(args, "--repair")
	}
	c := exec.CommandContext(t.Context(), sinks.Path, args...)
	c.Dir, c.Env = sinks.Dir, sinks.Env
	out, err := c.CombinedOutput()
	var exited *exec.ExitError
	if err != nil && !errors.As(err, &exited) || c.ProcessState.ExitCode() != code {
		t.Errorf("exit code %d (%v), must be %d\n%s", c.ProcessState.ExitCode(), err, code, out)
	}
	for _, want := range says {
		if !strings.Contains(string(out), want+"\n") {
			t.Errorf("does not say %q:\n%s", want, out)
		}
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	t.Logf("sinks %s: %s", strings.Join(args[:1], " "), lines[len(lines)-1])
}

// views waits until both views have come to the log's end as of now.
func (h *house) views(t *testing.T) {
	t.Helper()
	truth, err := audit.Read(t.Context(), h.parts.Kafka, h.parts.Commands)
	if err != nil {
		t.Fatal(err)
	}
	h.caughtUp(t, truth)
}

// damage loses and alters rows and documents behind the sinks' back.
func (h *house) damage(t *testing.T, app string) {
	t.Helper()
	db, err := sql.Open("mysql", h.parts.DSN(h.parts.Database))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, statement := range []string{
		"DELETE FROM message WHERE application = ? AND chat = 7 AND number = 2",
		"UPDATE message SET message = 'altered' WHERE application = ? AND chat = 8",
		"DELETE FROM keyed_command WHERE application = ? AND chat = 9",
	} {
		result, err := db.ExecContext(t.Context(), statement, app)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := result.RowsAffected(); n == 0 || err != nil {
			t.Fatal(statement, n, err)
		}
	}
	for _, number := range []int{1, 3} {
		if err := h.parts.RemoveDocument(t.Context(), app, fmt.Sprintf("%s:10:%d", app, number)); err != nil {
			t.Fatal(err)
		}
	}
}

// replayed waits until a replay from the beginning has come to the log's end:
// until then the views' own progress, which never goes back, says nothing of it.
func (h *house) replayed(t *testing.T) {
	t.Helper()
	eventually(t, time.Minute, "the groups' offsets at the log's end", func() error {
		return h.parts.Lag(t.Context())
	})
}

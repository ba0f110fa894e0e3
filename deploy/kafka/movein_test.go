package kafka

import (
	"context"
	"database/sql"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"chatlog/deploy/movein/madeup"
	"chatlog/deploy/runbook"
	"chatlog/deploy/system"
)

// moveIn is a move from a made-up database of the replaced system.
type moveIn struct {
	*world
	old  system.Parts
	made *madeup.Database
}

// TestRealMovein runs the runbook: a database with everything in it that may be wrong
// moves in, by choices for each of them, and an audit of chatlog finds nothing.
func TestRealMovein(t *testing.T) {
	m := &moveIn{world: start(t, shared(t))}
	m.old = m.parts
	m.old.Database += "_old"
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := m.old.DropDatabase(ctx); err != nil {
			t.Error("cleaning up:", err)
		}
	})
	for name, value := range map[string]string{"OLD_ADDRESS": m.old.MySQL, "OLD_USER": m.old.User, "OLD_PASSWORD": m.old.Password, "OLD_DB": m.old.Database} {
		t.Setenv(name, value)
	}
	m.play("movein.md", map[string]runbook.Hook{"old": m.build, "numbers": m.goOn, "spoil": m.spoil})
}

// build makes the old database up, with 4,000 messages or what MOVEIN_MESSAGES says.
func (m *moveIn) build(ctx context.Context, _ string) error {
	if err := m.old.Prepare(ctx); err != nil {
		return err
	}
	db, err := sql.Open("mysql", m.old.DSN(m.old.Database)+"&interpolateParams=true")
	if err != nil {
		return err
	}
	defer db.Close()
	messages := 4000
	if text := os.Getenv("MOVEIN_MESSAGES"); text != "" {
		if messages, err = strconv.Atoi(text); err != nil {
			return err
		}
	}
	m.made, err = madeup.Build(ctx, db, messages, true)
	return err
}

// goOn reads what was moved in as clients do, and writes on.
func (m *moveIn) goOn(ctx context.Context, _ string) error {
	app := m.made.Tokens[0]
	text, err := m.query.Message(ctx, app, 1, 2, nil)
	if want := madeup.Text(0, 1, 2); err != nil || text != want {
		return fmt.Errorf("message 2: %q (%w), must be %q", text, err, want)
	}
	number, _, err := m.ingest.CreateMessage(ctx, app, 1, "the next one", nil)
	if err != nil || number != int64(m.made.Messages)+1 {
		return fmt.Errorf("the next message is %d (%w)", number, err)
	}
	chat, err := m.ingest.CreateChat(ctx, app, nil)
	if err != nil || chat != madeup.Chats+1 {
		return fmt.Errorf("the next chat is %d (%w)", chat, err)
	}
	// Of application 5 three messages were missing: their numbers are taken.
	reply, err := m.query.Do(ctx, "GET", "/application/"+m.made.Tokens[5]+"/chat/2/message/8", "", nil)
	if err != nil || reply.Status != 404 || !strings.Contains(reply.Body, "Message not found") {
		return fmt.Errorf("a message that was missing: %d %s (%w)", reply.Status, reply.Body, err)
	}
	return nil
}

// spoil changes rows of the view behind chatlog's back.
func (m *moveIn) spoil(ctx context.Context, _ string) error {
	if err := m.Program("sinks").Stop(15 * time.Second); err != nil {
		return err
	}
	return m.db(func(db *sql.DB) error {
		for _, statement := range []string{"UPDATE message SET message = 'another' WHERE chat = 1 AND number = 2 AND application = ?",
			"DELETE FROM message WHERE chat = 1 AND number = 3 AND application = ?", "UPDATE chat SET messages = 7 WHERE number = 2 AND application = ?"} {
			if _, err := db.ExecContext(ctx, statement, m.made.Tokens[0]); err != nil {
				return err
			}
		}
		return nil
	})
}

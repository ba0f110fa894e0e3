package kafka

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kadm"

	"chatlog/deploy/client"
	"chatlog/deploy/runbook"
	"chatlog/deploy/system"
	"chatlog/shared/parts"
)

// move is a move of a world's log to another topic.
type move struct {
	*world
	to      system.Parts
	said    []said
	token   string // of the old log
	read    string // a path that is there before and after
	written string // a chat that is written to after
}

// said is one write with a key, and its reply.
type said struct {
	method, path, body string
	key                string
	reply              client.Reply
}

// TestRealMoving runs the runbook: a log is moved under load to another cluster of
// three brokers, by a program that is killed several times, and chatlog goes on with
// it there.
func TestRealMoving(t *testing.T) {
	for _, tool := range []string{"java", "mvn"} {
		parts.Tool(t, tool)
	}
	old := shared(t)
	m := &move{to: old}
	m.to.Kafka = strings.Join(cluster(t).addresses, ",")
	m.to.Commands, m.to.Database, m.to.Alias = old.Commands+"-new", old.Database+"_new", old.Alias+"-new"
	m.to.Prefix += "-new"
	m.to.Imports, m.to.DeadLetters = m.to.Commands+"-imports", m.to.Commands+"-letters"
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		without := m.to
		without.Commands += "-without"
		for _, p := range []system.Parts{old, m.to, without} {
			if err := p.Remove(ctx); err != nil {
				t.Error("cleaning up:", err)
			}
		}
	})
	m.world = start(t, old)
	t.Cleanup(m.end)
	for name, value := range map[string]string{"NEW_B": m.to.Kafka, "NEW_TOPIC": m.to.Commands, "NEW_DB": m.to.Database, "NEW_ALIAS": m.to.Alias} {
		t.Setenv(name, value)
	}
	m.play("moving.md", map[string]runbook.Hook{"remember": m.remember, "killed": m.killed, "views": m.fill, "changed": m.change, "refused": m.refused, "same": m.same})
}

// end ends a program that a failed page has left behind.
func (m *move) end() {
	if content, err := os.ReadFile(filepath.Join(m.dir, "move.pid")); err == nil && m.t.Failed() {
		if pid, err := strconv.Atoi(strings.TrimSpace(string(content))); err == nil {
			syscall.Kill(pid, syscall.SIGKILL) // it may have ended
		}
	}
}

// remember makes writes with keys, of every kind, and an application that is to be erased.
func (m *move) remember(ctx context.Context, _ string) error {
	app := ""
	for _, w := range []said{
		{method: "POST", path: "/application", body: `{"username":"Shetewi"}`, key: uuid.NewString()},
		{method: "POST", path: "/application/APP/chat", key: "chat"},
		{method: "POST", path: "/application/APP/chat/1/message", body: `{"message":"first"}`, key: "first"},
		{method: "POST", path: "/application/APP/chat/1/message", body: `{"message":"second"}`, key: "second"},
		{method: "PUT", path: "/application/APP/chat/1/message/1", body: `{"message":"edited"}`, key: "edited"},
		{method: "DELETE", path: "/application/APP/chat/1/message/2", key: "deleted"},
	} {
		w.path = strings.Replace(w.path, "APP", app, 1)
		if err := m.ask(ctx, &w); err != nil {
			return err
		}
		if app == "" {
			_, rest, _ := strings.Cut(w.reply.Body, `"Application":"`)
			app, _, _ = strings.Cut(rest, `"`)
		}
		m.said = append(m.said, w)
	}
	m.token, m.read = m.said[2].reply.Token(), "/application/"+app+"/chat/1/message/1"
	m.written = "/application/" + app + "/chat/1/message"
	erased, err := m.ingest.CreateApplication(ctx, "erased", nil)
	if err != nil {
		return err
	}
	if _, err := m.ingest.CreateChat(ctx, erased, nil); err != nil {
		return err
	}
	for range 4 {
		if _, _, err := m.ingest.CreateMessage(ctx, erased, 1, "to be erased", nil); err != nil {
			return err
		}
	}
	m.t.Setenv("ERASED", erased)
	return nil
}

func (m *move) ask(ctx context.Context, w *said) error {
	reply, err := m.ingest.Do(ctx, w.method, w.path, w.body, []string{"Idempotency-Key", w.key})
	if err == nil && reply.Status != http.StatusOK {
		err = fmt.Errorf("%s %s: %d %s", w.method, w.path, reply.Status, reply.Body)
	}
	w.reply = reply
	return err
}

// killed kills the program as often as it is told, each time with some more of the
// log in the target.
func (m *move) killed(ctx context.Context, times string) error {
	count, err := strconv.Atoi(times)
	if err != nil {
		return err
	}
	for i := range count {
		c := exec.CommandContext(ctx, filepath.Join(bin, "ingest"), "move", "--to-config="+filepath.Join(m.dir, "new.yaml"))
		c.Env = append(append(os.Environ(), m.Programs[0].Env...), "CHATLOG_INGEST_BATCH_RECORDS=3") // it takes long enough
		if err := c.Start(); err != nil {
			return err
		}
		want := int64(12 + 150*(i+1))
		err := system.Eventually(ctx, time.Minute, func(ctx context.Context) error {
			if has := m.size(ctx); has < want {
				return fmt.Errorf("%d records of %d", has, want)
			}
			return nil
		})
		if err := errors.Join(err, c.Process.Kill()); err != nil {
			return err
		}
		c.Wait() // it was killed
		m.t.Logf("killed with %d records in the target", m.size(ctx))
	}
	return nil
}

// size is how many offsets the target has.
func (m *move) size(ctx context.Context) (sum int64) {
	err := m.to.Admin(func(admin *kadm.Client) error {
		ends, err := admin.ListEndOffsets(ctx, m.to.Commands)
		ends.Each(func(o kadm.ListedOffset) { sum += max(0, o.Offset) })
		return err
	})
	if err != nil {
		return 0 // it is not there yet
	}
	return sum
}

// fill starts the sinks on the new log; query goes on with the old views.
func (m *move) fill(ctx context.Context, _ string) error {
	sinks := m.Program("sinks")
	if err := sinks.Stop(15 * time.Second); err != nil {
		return err
	}
	for _, p := range m.Programs {
		p.Env = append(p.Env, "CHATLOG_KAFKA_BROKERS="+m.to.Kafka, "CHATLOG_TOPICS_COMMANDS_NAME="+m.to.Commands, "CHATLOG_TOPICS_IMPORTS_NAME="+m.to.Imports,
			"CHATLOG_TOPICS_DEADLETTERS_NAME="+m.to.DeadLetters, "CHATLOG_MYSQL_DATABASE="+m.to.Database, "CHATLOG_ELASTICSEARCH_ALIAS="+m.to.Alias, "CHATLOG_REDIS_PREFIX="+m.to.Prefix)
		for _, topic := range []string{"COMMANDS", "IMPORTS", "DEADLETTERS"} {
			p.Env = append(p.Env, "CHATLOG_TOPICS_"+topic+"_REPLICATION=3", "CHATLOG_TOPICS_"+topic+"_MIN_INSYNC=2")
		}
	}
	if err := sinks.Start(); err != nil {
		return err
	}
	return sinks.Ready(ctx)
}

// change starts ingest and query on the new log.
func (m *move) change(ctx context.Context, _ string) error {
	m.parts = m.to
	for _, name := range []string{"ingest", "query"} {
		if err := m.Program(name).Start(); err != nil {
			return err
		}
	}
	return m.Ready(ctx)
}

// refused starts sinks on the new log over the views of the old one. They must stop,
// say why, and leave the views alone.
func (m *move) refused(ctx context.Context, _ string) error {
	old := strings.TrimSuffix(m.to.Database, "_new")
	p, err := m.Program("sinks").Another("sinks of the old views", "CHATLOG_SINKS_LISTEN", "CHATLOG_MYSQL_DATABASE="+old,
		"CHATLOG_ELASTICSEARCH_ALIAS="+strings.TrimSuffix(m.to.Alias, "-new"), "CHATLOG_SINKS_MYSQL_GROUP="+old+"-mysql-again", "CHATLOG_SINKS_SEARCH_GROUP="+old+"-search-again")
	if err != nil {
		return err
	}
	if err := p.Start(); err != nil {
		return err
	}
	err = system.Eventually(ctx, time.Minute, func(context.Context) error {
		content, err := os.ReadFile(p.Log)
		for _, view := range []string{"mysql", "search"} {
			if !regexp.MustCompile(`(?m)^.*level=ERROR msg="partition stopped".*view=` + view + `.*empty the view.*$`).Match(content) {
				err = errors.Join(err, fmt.Errorf("the sink of %s goes on with a view of another log", view))
			}
		}
		return err
	})
	return errors.Join(err, p.Stop(15*time.Second))
}

// same repeats every write, which must get the same reply; what is new gets the
// next number; and a token of the old log gets a clear answer.
func (m *move) same(ctx context.Context, _ string) error {
	for _, w := range m.said {
		before := w.reply
		if err := m.ask(ctx, &w); err != nil {
			return err
		}
		if w.reply.Body != before.Body || w.reply.Token() == before.Token() || !strings.HasPrefix(w.reply.Token()[16:], "-") {
			return fmt.Errorf("%s %s with its key again: %s (%s), was %s (%s)", w.method, w.path, w.reply.Body, w.reply.Token(), before.Body, before.Token())
		}
	}
	old, err := m.query.Do(ctx, "GET", m.read, "", []string{"Consistency-Token", m.token})
	if err != nil || old.Status != http.StatusBadRequest || !strings.Contains(old.Body, "Consistency-Token is of another log") {
		return fmt.Errorf("a token of the old log: %d %s (%w)", old.Status, old.Body, errors.Join(err))
	}
	other, err := m.ingest.Do(ctx, "POST", m.written, `{"message":"another"}`, []string{"Idempotency-Key", "first"})
	if err != nil || other.Status != http.StatusUnprocessableEntity {
		return fmt.Errorf("another request with a key of before: %d %s (%w)", other.Status, other.Body, errors.Join(err))
	}
	third, err := m.ingest.Do(ctx, "POST", m.written, `{"message":"third"}`, nil)
	if err != nil || !strings.Contains(third.Body, `"MessageID":3`) {
		return fmt.Errorf("a new message: %d %s (%w)", third.Status, third.Body, errors.Join(err))
	}
	for path, want := range map[string]string{m.read: `"Message":"edited"`, strings.TrimSuffix(m.read, "1") + "2": `"error":"Message not found"`,
		strings.TrimSuffix(m.read, "1") + "3": `"Message":"third"`} {
		got, err := m.query.Do(ctx, "GET", path, "", []string{"Consistency-Token", third.Token()})
		if err != nil || !strings.Contains(got.Body, want) {
			return fmt.Errorf("GET %s: %d %s (%w), must hold %s", path, got.Status, got.Body, errors.Join(err), want)
		}
	}
	return nil
}

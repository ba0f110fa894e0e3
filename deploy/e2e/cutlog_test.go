package e2e

import (
	"database/sql"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"chatlog/deploy/client"
)

// TestRealCutLog gives the programs a log that is not the one that the views
// were built from. Each must stop, say why, and write nothing.
func TestRealCutLog(t *testing.T) {
	for name, cut := range map[string]struct {
		do   func(*testing.T, *house, string)
		says [2]string // ingest, sinks
	}{
		"head trimmed": {trimHead, [2]string{"the log does not start at its beginning", "the log does not start at its beginning"}},
		"made anew":    {makeAnew, [2]string{"the topic was cut or made anew", "the topic was cut or made anew"}},
		"grown again":  {growAgain, [2]string{"the log is not the one that the view was built from", "the topic was cut and has grown again"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := real(t)
			app := application(t, h.ingest)
			chat(t, h.ingest, app)
			h.rooms(t, app, 1, 1)
			h.rooms(t, app, 1, 2)
			h.views(t)
			if err := h.Stop(); err != nil {
				t.Fatal(err)
			}
			cut.do(t, h, app)
			for i, program := range []string{"ingest", "sinks"} {
				p := h.Program(program)
				if err := p.Start(); err != nil {
					t.Fatal(err)
				}
				eventually(t, 40*time.Second, program+" says what is wrong", func() error {
					line, err := says(p.Log, cut.says[i])
					if err == nil {
						t.Logf("%s: %s", program, line)
					}
					return err
				})
				at := &client.Client{Base: "http://" + p.Listen, HTTP: h.query.HTTP}
				reply, err := at.Do(t.Context(), "GET", "/readyz", "", nil)
				if err != nil || reply.Status != 503 {
					t.Errorf("%s is ready on a log that is not its own: %v %v", program, reply, err)
				}
			}
			reply, err := h.ingest.Do(t.Context(), "POST", "/application/"+app+"/chat/1/message", `{"message":"lost?"}`, nil)
			if err != nil || reply.Status != 503 || reply.Header.Get("Retry-After") == "" {
				t.Errorf("a write to a log that is not the right one: %v %v", reply, err)
			}
			if got := h.rows(t, "SELECT COUNT(*) FROM message"); got != 2 {
				t.Errorf("%d rows, must be the 2 of before", got)
			}
		})
	}
}

func (h *house) rows(t *testing.T, query string) (n int64) {
	t.Helper()
	db, err := sql.Open("mysql", h.parts.DSN(h.parts.Database))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// says looks for a line of level ERROR in a program's log.
func says(log, want string) (string, error) {
	content, err := os.ReadFile(log)
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(content)) {
		if strings.Contains(line, "level=ERROR") && strings.Contains(line, want) {
			return strings.TrimSpace(line), nil
		}
	}
	return "", fmt.Errorf("%s does not say %q", log, want)
}

// trimHead deletes the oldest records, as a limited retention does.
func trimHead(t *testing.T, h *house, app string) {
	t.Helper()
	p := h.partition(t, app)
	err := h.parts.Admin(func(admin *kadm.Client) error {
		answers, err := admin.DeleteRecords(t.Context(), kadm.Offsets{h.parts.Commands: {p: {Topic: h.parts.Commands, Partition: p, At: 2}}})
		return errors.Join(err, answers.Error())
	})
	if err != nil {
		t.Fatal(err)
	}
}

// makeAnew replaces the topic by an empty one.
func makeAnew(t *testing.T, h *house, _ string) {
	t.Helper()
	err := h.parts.Admin(func(admin *kadm.Client) error {
		deleted, err := admin.DeleteTopics(t.Context(), h.parts.Commands)
		return errors.Join(err, deleted.Error())
	})
	if err != nil {
		t.Fatal(err)
	}
}

// growAgain replaces the topic by one with other records, as many as before.
func growAgain(t *testing.T, h *house, app string) {
	t.Helper()
	old := h.read(t, h.parts.Commands)
	makeAnew(t, h, app)
	unlimited, stamped := "-1", "LogAppendTime"
	eventually(t, 20*time.Second, "the topic made anew", func() error {
		return h.parts.Admin(func(admin *kadm.Client) error {
			made, err := admin.CreateTopics(t.Context(), 12, 1, map[string]*string{"retention.ms": &unlimited, "retention.bytes": &unlimited,
				"message.timestamp.type": &stamped}, h.parts.Commands)
			return errors.Join(err, made.Error())
		})
	})
	c, err := kgo.NewClient(kgo.SeedBrokers(h.parts.Kafka), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, r := range old {
		other := &kgo.Record{Topic: r.Topic, Partition: r.Partition, Key: r.Key, Value: []byte("another")}
		eventually(t, 20*time.Second, "a record in the topic made anew", func() error {
			err := c.ProduceSync(t.Context(), other).FirstErr()
			if err != nil { // the broker still knew the old one by that name; nothing was appended
				c.PurgeTopicsFromClient(r.Topic)
			}
			return err
		})
	}
}

package e2e

import (
	"context"
	"database/sql"
	"fmt"
	"testing"
	"time"

	"chatlog/deploy/audit"
	"chatlog/deploy/client"
	"chatlog/deploy/system"
	"chatlog/deploy/workload"
)

func (h *house) load(t *testing.T) *workload.Load {
	t.Helper()
	l := &workload.Load{Clients: []*client.Client{h.ingest, h.query}, Count: 16, Chats: 8, Patience: time.Minute}
	if err := l.Start(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	return l
}

// more waits until the clients got more answers.
func more(t *testing.T, l *workload.Load, acks int64) {
	t.Helper()
	from := l.Acks.Load()
	eventually(t, 30*time.Second, fmt.Sprintf("%d more acked writes", acks), func() error {
		if got := l.Acks.Load() - from; got < acks {
			return fmt.Errorf("%d", got)
		}
		return nil
	})
}

// killAll kills one program under load, again and again.
func killAll(t *testing.T, h *house, l *workload.Load, names ...string) {
	t.Helper()
	for _, name := range names {
		more(t, l, 200)
		p := h.Program(name)
		if err := p.Kill(); err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if err := p.Start(); err != nil {
			t.Fatal(err)
		}
		if err := h.Ready(t.Context()); err != nil {
			t.Fatal(err)
		}
		t.Logf("kill -9 %s after %d acked writes, ready again after %s", name, l.Acks.Load(), time.Since(began).Round(time.Millisecond))
		more(t, l, 200)
	}
	l.Stop()
	t.Logf("%d acked writes, %d answers 503, %d broken requests, %d unknown", l.Acks.Load(), l.Unavailable.Load(), l.Broken.Load(), len(l.Unknown()))
	for _, w := range l.Wrong() {
		t.Error("a wrong answer: ", w)
	}
	for _, u := range l.Unknown() {
		t.Error("never settled: ", u)
	}
}

func TestEmbeddedKilled(t *testing.T) {
	h := embedded(t)
	l := h.load(t)
	killAll(t, h, l, "local", "local", "local")
	checkByAPI(t, h, l)
}

// checkByAPI checks what the API shows against what was acked: all of it once,
// numbers from 1 on without gaps.
func checkByAPI(t *testing.T, h *house, l *workload.Load) {
	acked := map[audit.MessageKey]string{}
	for _, a := range l.Acked() {
		key := audit.MessageKey{Application: a.Application, Chat: a.Chat, Number: a.Number}
		if _, twice := acked[key]; twice {
			t.Errorf("%v was acked twice", key)
		}
		acked[key] = a.Text
	}
	last, err := h.query.Do(t.Context(), "POST", "/application/"+l.Token()+"/chat", "", nil)
	if err != nil || last.Status != 200 {
		t.Fatal(last, err)
	}
	after := client.Headers{"Consistency-Token", last.Token()} // counts and edits may lag without it
	chats, err := h.query.Chats(t.Context(), l.Token(), after)
	if err != nil {
		t.Fatal(err)
	}
	seen, total := map[string]int64{}, int64(0)
	for i, c := range chats {
		if c.Number != int64(i+1) {
			t.Fatalf("chat %d is the %dth", c.Number, i+1)
		}
		list, err := h.query.Messages(t.Context(), l.Token(), c.Number, after)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range list {
			if m.Number < 1 || m.Number > c.Messages {
				t.Errorf("chat %d counts %d messages and has number %d", c.Number, c.Messages, m.Number)
			}
			if seen[m.Text]++; seen[m.Text] > 1 {
				t.Errorf("%q is there %d times", m.Text, seen[m.Text])
			}
			delete(acked, audit.MessageKey{Application: l.Token(), Chat: c.Number, Number: m.Number})
		}
		total += c.Messages
		delete(acked, audit.MessageKey{Application: l.Token(), Chat: c.Number})
	}
	delete(acked, audit.MessageKey{Application: l.Token()})
	creates := int64(0)
	for _, a := range l.Acked() {
		if a.Number != 0 {
			creates++
		}
	}
	if total != creates {
		t.Errorf("%d numbers were given, %d creates were acked and all are settled", total, creates)
	}
	for key := range acked { // what is not listed must have been deleted
		reply, err := h.query.Do(t.Context(), "DELETE", fmt.Sprintf("/application/%s/chat/%d/message/%d", key.Application, key.Chat, key.Number), "", nil)
		if err != nil || reply.Status != 200 {
			t.Errorf("%v was acked and is neither there nor deleted: %v %v", key, reply, err)
		}
	}
}

func TestRealKilled(t *testing.T) {
	h := real(t)
	l := h.load(t)
	killAll(t, h, l, "ingest", "sinks", "query", "ingest")
	truth := h.audit(t)
	truth.History(l.Acked())
	report(t, truth)
}

// caughtUp waits until both views have come to the log's end.
func (h *house) caughtUp(t *testing.T, truth *audit.Truth) {
	t.Helper()
	db, err := sql.Open("mysql", h.parts.DSN(h.parts.Database))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	eventually(t, time.Minute, "the views at the log's end", func() error {
		return truth.CaughtUp(t.Context(), db, h.parts.IndexProgress)
	})
}

// audit folds the log and compares both views and the API with it.
func (h *house) audit(t *testing.T) *audit.Truth {
	t.Helper()
	truth, err := audit.Read(t.Context(), h.parts.Kafka, h.parts.Commands)
	if err != nil {
		t.Fatal(err)
	}
	h.caughtUp(t, truth)
	db, err := sql.Open("mysql", h.parts.DSN(h.parts.Database))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if err := truth.Rows(t.Context(), db); err != nil {
		t.Fatal(err)
	}
	if err := truth.Index(t.Context(), h.parts.Elasticsearch, h.parts.Alias); err != nil {
		t.Fatal(err)
	}
	if err := truth.API(t.Context(), h.query); err != nil {
		t.Fatal(err)
	}
	t.Logf("audited: %d records count, ignored %v, %d applications, %d chats, %d messages, %d keyed commands", truth.Log.Records,
		truth.Log.Ignored, len(truth.Applications), len(truth.Chats), len(truth.Messages), len(truth.Commands))
	return truth
}

func report(t *testing.T, truth *audit.Truth) {
	t.Helper()
	if len(truth.Findings) > 0 {
		t.Error(truth.Report(20))
	}
}

func TestEmbeddedStopsGracefully(t *testing.T) { stopsGracefully(t, embedded(t)) }

func TestRealStopsGracefully(t *testing.T) { stopsGracefully(t, real(t)) }

// stopsGracefully stops everything under load: every request that was taken is
// answered, and all is there after the next start.
func stopsGracefully(t *testing.T, h *house) {
	l := h.load(t)
	more(t, l, 300)
	began := time.Now()
	if err := h.Stop(); err != nil {
		t.Fatal(err)
	}
	t.Logf("stopped under load in %s", time.Since(began).Round(time.Millisecond))
	began = time.Now()
	if err := h.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Logf("started again in %s", time.Since(began).Round(time.Millisecond))
	more(t, l, 100)
	l.Stop()
	for _, w := range append(l.Wrong(), l.Unknown()...) {
		t.Error(w)
	}
	checkByAPI(t, h, l)
}

func TestEmbeddedFolderIsUsedByOne(t *testing.T) {
	h := embedded(t)
	first := h.Programs[0]
	second := &system.Program{Name: "second", Path: first.Path, Env: first.Env, Listen: first.Listen, Log: first.Log + ".second", Dir: first.Dir}
	if err := second.Start(); err != nil {
		t.Fatal(err)
	}
	select {
	case <-second.Exited():
	case <-time.After(20 * time.Second):
		second.Kill() // the failure is told below
		t.Fatal("two processes use one data folder")
	}
}

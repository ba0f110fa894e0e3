package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"chatlog/shared/topic"
)

// slowly is the pace of imports, a second and partition: it makes them last some
// fifty seconds, so that what is broken is broken while records are on their way.
const slowly = "CHATLOG_INGEST_IMPORTS_RATE=15"

// TestEmbeddedImportKilled kills the whole of the embedded system while histories
// come in.
func TestEmbeddedImportKilled(t *testing.T) {
	h := embedded(t, slowly)
	h.importsKilled(t, func(more func()) {
		for range 3 {
			more()
			if err := errors.Join(h.Program("local").Kill(), h.Program("local").Start(), h.Ready(t.Context())); err != nil {
				t.Fatal(err)
			}
		}
	})
}

// TestRealImportKilled kills each of three instances while histories come in and
// clients write, and stops each gracefully: whoever takes the partition over goes on
// with its imports.
func TestRealImportKilled(t *testing.T) {
	m := newMany(t, slowly)
	m.held(t)
	l := m.load(t)
	m.importsKilled(t, func(more func()) {
		for _, p := range m.ingests {
			more()
			if err := p.Kill(); err != nil {
				t.Fatal(err)
			}
			m.again(t, p)
			more()
			if err := p.Stop(15 * time.Second); err != nil {
				t.Fatal(err)
			}
			m.again(t, p)
		}
	})
	l.Stop()
	for _, wrong := range l.Wrong() {
		t.Error("a wrong answer: ", wrong)
	}
	truth := m.audit(t)
	truth.History(l.Acked())
	report(t, truth)
}

// importsKilled brings histories in, with records that can never be imported among
// them, and lets something be broken until they are in the log. Each of their records
// must count once, in order; each of the others must be told of once.
func (h *house) importsKilled(t *testing.T, breakAll func(more func())) {
	t.Helper()
	var tokens, bad, reasons []string
	sent := map[string][]string{}
	var lines strings.Builder
	for i := range 8 {
		token := tokenIn(int32(i % 4 * 3)) // two in a partition, partitions of all instances
		all := history(token, 300)
		refused, why := wrong(token)
		lines.WriteString(all + strings.Join(refused, "\n") + "\n")
		tokens, bad, reasons = append(tokens, token), append(bad, refused...), append(reasons, why...)
		sent[token] = ids(t, all)
	}
	h.bring(t, lines.String())
	count := func() (n int) {
		for _, r := range h.read(t, h.topic("chat.commands")) {
			if slices.Contains(tokens, string(r.Key)) {
				n++
			}
		}
		return n
	}
	breaks, during := 0, 0
	breakAll(func() {
		before := count()
		eventually(t, time.Minute, "more is imported", func() error {
			if now := count(); now < before+50 && h.unsettled(t) != nil {
				return fmt.Errorf("%d records, then %d", before, now)
			}
			return nil
		})
		if breaks++; h.unsettled(t) != nil {
			during++
		}
	})
	if t.Logf("%d of %d breaks while records were on their way", during, breaks); during < 2 {
		t.Error("everything had been imported before: this tried too little")
	}
	h.imported(t, 2*time.Minute)
	h.importLetters(t, bad, reasons)
	for _, token := range tokens {
		if got := ids(t, string(h.export(t, "--application="+token, "--keyed"))); !slices.Equal(got, sent[token]) {
			t.Errorf("%d records were sent, %d count, or in another order", len(sent[token]), len(got))
		}
	}
}

// tokenIn makes a token whose application lies in a partition.
func tokenIn(partition int32) string {
	for {
		if token := strings.ReplaceAll(uuid.NewString(), "-", ""); topic.PartitionOf([]byte(token), 12) == partition {
			return token
		}
	}
}

// ids are the ids of a history's records, in its order.
func ids(t *testing.T, lines string) (all []string) {
	t.Helper()
	for line := range bytes.Lines([]byte(lines)) {
		_, value, _ := bytes.Cut(line, []byte("\t"))
		var record struct{ ID string }
		if err := json.Unmarshal(value, &record); err != nil {
			t.Fatal(err)
		}
		all = append(all, record.ID)
	}
	return all
}

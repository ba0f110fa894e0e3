package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kfake"

	"chatlog/deploy/audit"
	"chatlog/deploy/system"
	"chatlog/shared/command"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/position"
	"chatlog/shared/topic"
	"chatlog/shared/view"
)

// TestSequence folds what is generated for a partition: every record must count,
// and come to the chats and messages that were asked for.
func TestSequence(t *testing.T) {
	const count, p = 12, int32(5)
	words := newVocabulary(2000)
	for _, messages := range []int64{0, 1, 2, 199, 5_001} {
		s := newSequence(position.NewLogID(), p, count, 17, messages, words)
		log := command.Log{ID: s.log, Generation: 1, Partition: p, PartitionOf: func(key []byte) int32 { return topic.PartitionOf(key, count) }}
		var entries []view.Entry
		offset, batches := int64(17), 0
		for records := s.batch(time.Now()); len(records) > 0; records = s.batch(time.Now()) {
			size := 0
			for _, r := range records {
				read := command.Read(log, &command.Record{Partition: p, Offset: offset, Key: r.Key, Value: r.Value, Headers: r.Headers})
				if read.Verdict != command.Counts {
					t.Fatalf("offset %d: %s %s", offset, read.Verdict, read.Reason)
				}
				entries = append(entries, view.Entry{Offset: offset, Command: read.Command})
				offset++
				size += len(r.Key) + len(r.Value) + len(r.Headers[0].Value) + 32
			}
			if batches++; size > 1<<20 {
				t.Errorf("a batch of %d bytes", size)
			}
		}
		if offset != s.next || messages == 5_001 && batches < 2 {
			t.Errorf("%d batches to offset %d, told is %d", batches, offset, s.next)
		}
		numbered(t, entries)
		folded(t, view.Fold(1, entries), s.tenant, messages, words)
	}
}

// numbered wants every chat made before it is talked in, and no number left out.
func numbered(t *testing.T, entries []view.Entry) {
	t.Helper()
	next, chats := map[int64]int64{}, int64(0)
	for _, e := range entries {
		switch c := e.Command; {
		case c.Op == command.ChatCreate && c.Chat == chats+1:
			chats, next[c.Chat] = c.Chat, 1
		case c.Op == command.MessageCreate && next[c.Chat] == c.Number:
			next[c.Chat]++
		case c.Op != command.ApplicationCreate || e.Offset != entries[0].Offset:
			t.Fatalf("offset %d: %+v", e.Offset, c)
		}
	}
}

func folded(t *testing.T, got view.Changes, told tenant, messages int64, words *vocabulary) {
	t.Helper()
	rest := messages - messages/2
	want := tenant{Token: told.Token, Chats: 1 + (rest+generatedChat-1)/generatedChat, Deep: messages / 2, Messages: messages}
	if told != want || len(got.Applications) != 1 || got.Applications[0].Token != told.Token || got.Applications[0].Chats != want.Chats ||
		int64(len(got.Chats)) != want.Chats || int64(len(got.Messages)) != messages || got.Chats[0].Messages != want.Deep {
		t.Fatalf("%+v with %d chats and %d messages; must be %+v", told, len(got.Chats), len(got.Messages), want)
	}
	for i, c := range got.Chats[1:] {
		if room := min(generatedChat, rest-int64(i)*generatedChat); c.Messages != room {
			t.Errorf("chat %d has %d messages, must have %d", c.Number, c.Messages, room)
		}
	}
	known := map[string]bool{}
	for _, some := range words.byLength {
		for _, w := range some {
			known[w] = true
		}
	}
	if len(known) != 2000 {
		t.Fatalf("%d words", len(known))
	}
	for _, m := range got.Messages {
		if len(m.Text) != generatedText {
			t.Fatalf("a text of %d bytes: %s", len(m.Text), m.Text)
		}
		for w := range strings.SplitSeq(m.Text, " ") {
			if !known[w] {
				t.Fatalf("%q is no word", w)
			}
		}
	}
}

// openedLog gives an embedded broker with a log that is open.
func openedLog(t *testing.T, count int) (brokers []string, conn *kafkaconn.Conn) {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(int32(count), "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	cfg := kafkaconn.Default()
	cfg.Brokers = cluster.ListenAddrs()
	conn = kafkaconn.Open(cfg)
	t.Cleanup(conn.Close)
	id := position.NewLogID()
	for p := range int32(count) {
		c := command.Command{ID: uuid.NewString(), Op: command.LogOpen, Log: id, Generation: 1, Time: command.Now(time.Now())}
		if _, err := conn.Produce(t.Context(), "log", p, []kafkaconn.Record{{Value: command.Encode(&c),
			Headers: []command.Header{{Key: command.HeaderAt, Value: position.At{Log: id}.Append(nil)}}}}); err != nil {
			t.Fatal(err)
		}
	}
	return cfg.Brokers, conn
}

// TestGenerate lets the audit, which shares no code with it, read what was
// generated, a second time behind the first.
func TestGenerate(t *testing.T) {
	brokers, conn := openedLog(t, 12)
	const messages = 3_007
	var all []tenant
	for range 2 {
		some, err := generate(t.Context(), brokers, "log", messages)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, some...)
	}
	truth, err := audit.Read(t.Context(), brokers[0], "log")
	if err != nil {
		t.Fatal(err)
	}
	if len(truth.Findings) > 0 || len(truth.Log.Ignored) > 0 || len(truth.Applications) != 24 || len(truth.Messages) != 2*messages {
		t.Fatalf("%d applications, %d messages, ignored %v, found %v", len(truth.Applications), len(truth.Messages), truth.Log.Ignored, truth.Findings)
	}
	for _, a := range all {
		if truth.Applications[a.Token].Chats != a.Chats || truth.Chats[audit.ChatKey{Application: a.Token, Chat: 1}].Messages != a.Deep {
			t.Errorf("%+v is not so in the log", a)
		}
	}
	s := newSequence(position.NewLogID(), 3, 12, 1, 10, newVocabulary(2000)) // from an offset that is taken
	if err := s.write(t.Context(), conn, "log", 3); err == nil {
		t.Error("a batch that lies elsewhere was taken")
	}
}

// TestGeneratedGoesOn posts behind what was generated to an ingest that is
// behind at first, and to one that gives a wrong number.
func TestGeneratedGoesOn(t *testing.T) {
	brokers, _ := openedLog(t, 2)
	asked := map[string]int{}
	wrong := int64(0)
	ingest := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if asked[r.URL.Path]++; asked[r.URL.Path] == 1 {
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		if r.Header.Get("Idempotency-Key") == "" || !strings.HasSuffix(r.URL.Path, "/chat/1/message") {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		fmt.Fprintf(w, `{"MessageID":%d}`, 101+wrong)
	}))
	defer ingest.Close()
	b := &bench{System: &system.System{Writes: ingest.URL}, parts: system.Parts{Kafka: brokers[0], Commands: "log"}}
	all, err := b.generated(context.Background(), 400)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range all {
		if a.Deep != 101 || a.Messages != 201 || a.Chats != 2 {
			t.Errorf("%+v", a)
		}
	}
	wrong = 1
	if _, err := b.generated(context.Background(), 400); err == nil {
		t.Error("a wrong number was taken")
	}
}

package sinkd

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"

	"chatlog/shared/deadletter"
	"chatlog/shared/fault"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/topic"
)

// cluster gives an embedded broker that has topics, and a configuration for it.
func cluster(t *testing.T, topics func(topic.Config) []topic.Topic) (Config, *kafkaconn.Conn) {
	t.Helper()
	c, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	cfg := Default()
	cfg.Kafka.Brokers = c.ListenAddrs()
	conn := kafkaconn.Open(cfg.Kafka)
	t.Cleanup(conn.Close)
	if err := topic.Ensure(t.Context(), conn, topics(cfg.Topics)...); err != nil {
		t.Fatal(err)
	}
	return cfg, conn
}

// truncated makes a letter of a record of imports that was too large for it, as it is
// written: with its key and its sum.
func truncated(cfg Config, offset int64, value string) deadletter.Letter {
	d := deadletter.DigestOf([]byte("k"), []byte(value))
	return deadletter.Letter{View: "imports", Class: "unknown", Reason: "r", Topic: cfg.Topics.Imports.Name, Partition: 1, Offset: offset,
		Time: "2026-11-25T12:00:00Z", Key: []byte("k"), Headers: []deadletter.Header{}, Truncated: true, Sum: d[:]}
}

// TestAnotherRecordLiesThere: a topic of imports that was made anew has other records at
// the places that letters name. None of them may pass for the letter's.
func TestAnotherRecordLiesThere(t *testing.T) {
	cfg, conn := cluster(t, func(c topic.Config) []topic.Topic { return []topic.Topic{c.Inlet(), c.DeadLetters} })
	produce := func(name string, partition int32, key, value string) {
		t.Helper()
		if _, err := conn.Produce(t.Context(), name, partition, []kafkaconn.Record{{Key: []byte(key), Value: []byte(value)}}); err != nil {
			t.Fatal(err)
		}
	}
	inlet := cfg.Topics.Imports.Name
	for _, value := range []string{"first", "another", "third"} {
		produce(inlet, 1, "k", value)
	}
	early := truncated(cfg, 2, "third") // of a program that kept no sum
	early.Sum, early.Key = nil, nil
	all := []deadletter.Letter{truncated(cfg, 0, "first"), truncated(cfg, 1, "second"), early, truncated(cfg, 3, "gone")}
	for _, l := range all {
		raw, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		produce(cfg.Topics.DeadLetters.Name, 0, l.Name(), string(raw))
	}
	letters := lettersTopic{conn, cfg.Topics.DeadLetters.Name}
	for i, want := range []string{"first", "", "third", ""} {
		whole, err := letters.Whole(t.Context(), all[i])
		if missing := want == ""; missing != fault.Is(err, fault.NotFound) || !missing && (err != nil || string(whole.Value) != want || whole.Truncated) {
			t.Errorf("letter %d: %+v, %v", i, whole, err)
		}
	}
	say := func(o LettersOptions) (string, int, error) {
		t.Helper()
		var out strings.Builder
		left, err := Letters(context.Background(), cfg, Parts{}, o, &out, &out)
		return out.String(), left, err
	}
	if out, _, err := say(LettersOptions{Action: "show", IDs: []string{"1"}}); err != nil || !strings.Contains(out, "not to be had") || strings.Contains(out, "another") {
		t.Errorf("shown: %s, %v", out, err)
	}
	if out, _, err := say(LettersOptions{Action: "show", IDs: []string{"1"}, Raw: true}); !fault.Is(err, fault.NotFound) || out != "" {
		t.Errorf("shown: %q, %v", out, err)
	}
	out, left, err := say(LettersOptions{Action: "retry", IDs: []string{"0", "1", "2", "3"}})
	if err != nil || left != 2 || !strings.Contains(out, "left as it was: another record lies there now, at offset 1 of partition 1 of "+inlet) {
		t.Errorf("retried: %s, %d left, %v", out, left, err)
	}
	if n := records(t, conn, cfg.Topics.Inlet()); n != 5 {
		t.Errorf("%d records lie in imports, must be the three that were there and two that were retried", n)
	}
}

// records counts what lies in a topic.
func records(t *testing.T, conn *kafkaconn.Conn, of topic.Topic) (n int64) {
	t.Helper()
	for p := range int32(of.Partitions) {
		end, err := conn.End(t.Context(), of.Name, p)
		if err != nil {
			t.Fatal(err)
		}
		n += end
	}
	return n
}

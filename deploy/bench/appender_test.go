package main

import (
	"io"
	"regexp"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"

	"chatlog/deploy/system"
)

// TestAppenders runs both rows on an embedded broker: that they come about, and
// leave no topic behind. Their figures say nothing here.
func TestAppenders(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	b := &bench{parts: system.Parts{Kafka: cluster.ListenAddrs()[0]}, bin: t.TempDir(), options: options{rounds: 1, round: 200 * time.Millisecond}, only: regexp.MustCompile(""), out: io.Discard}
	if err := system.Build(t.Context(), b.bin, "chatlog/ingest/appendrate"); err != nil {
		t.Fatal(err)
	}
	if err := b.appenders(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, r := range b.rows {
		t.Log(r.line())
		if len(r.Ratios) != 1 || r.Ratios[0] <= 0 || r.Ours[0].CPU["appender"] <= 0 || r.Theirs[0].CPU["kafka-go"] <= 0 {
			t.Errorf("%+v", r)
		}
	}
	if len(b.rows) != 2 {
		t.Errorf("%d rows", len(b.rows))
	}
	if err := b.parts.Admin(func(admin *kadm.Client) error {
		topics, err := admin.ListTopics(t.Context())
		if len(topics) > 0 {
			t.Errorf("left behind: %v", topics.Names())
		}
		return err
	}); err != nil {
		t.Fatal(err)
	}
}

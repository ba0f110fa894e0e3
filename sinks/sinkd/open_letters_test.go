package sinkd

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kfake"

	"chatlog/shared/command"
	"chatlog/shared/deadletter"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/topic"
)

// openByView gives what the gauge tells.
func openByView(t *testing.T, r *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "chatlog_dead_letters_open" {
				told[m.GetLabel()[0].GetValue()] = m.GetGauge().GetValue()
			}
		}
	}
	return told
}

// TestOpenLetters: a letter counts until it is settled, by whatever program.
func TestOpenLetters(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	cfg := kafkaconn.Default()
	cfg.Brokers = cluster.ListenAddrs()
	conn := kafkaconn.Open(cfg)
	t.Cleanup(conn.Close)
	topics := topic.Default()
	registry := prometheus.NewRegistry()
	open := newOpenLetters(deadletter.NewSettler(conn, topics.DeadLetters.Name), []string{"mysql", "search"}, registry, slog.New(slog.DiscardHandler))
	open.every = 10 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		open.run(ctx)
	}()
	defer func() {
		cancel()
		<-ended
	}()
	if told := openByView(t, registry); len(told) != 0 {
		t.Error("counted before there is a topic: ", told)
	}
	is := func(view string, want float64) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
			told := openByView(t, registry)
			if n, there := told[view]; there && n == want {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: want %v open, got %v", view, want, told)
			}
		}
	}
	if err := topic.Ensure(t.Context(), conn, topics.DeadLetters); err != nil {
		t.Fatal(err)
	}
	w := deadletter.NewWriter(deadletter.Config{View: "imports", Source: "chat.imports", Topic: topics.DeadLetters.Name}, conn, 0, deadletter.NewCounter(registry))
	letters := []deadletter.Refused{{Class: "invalid", Record: command.Record{Offset: 1}}, {Class: "invalid", Record: command.Record{Offset: 2}}}
	if err := w.Write(t.Context(), "", letters); err != nil {
		t.Fatal(err)
	}
	is("imports", 2)
	is("mysql", 0)
	for at, left := range []float64{1, 0} {
		name := deadletter.Letter{View: "imports", Topic: "chat.imports", Offset: int64(at) + 1}.Name()
		if err := deadletter.NewSettler(conn, topics.DeadLetters.Name).Settle(t.Context(), int64(at), deadletter.Settlement{Letter: name, State: deadletter.Dropped, Why: "x"}); err != nil {
			t.Fatal(err)
		}
		is("imports", left)
	}
}

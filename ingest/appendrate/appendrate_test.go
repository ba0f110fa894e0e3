package main

import (
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"chatlog/shared/command"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/topic"
)

// TestSides measures a moment of each side on an embedded broker: what is told
// must be what lies in the log, and ours must count there.
func TestSides(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	for _, o := range []options{
		{topic: "one", partitions: 1, side: "ours", callers: 16},
		{topic: "three", partitions: 3, side: "ours", callers: 16},
		{topic: "raw", partitions: 3, side: "raw", callers: 1, batch: 7},
	} {
		o.brokers, o.length, o.text = cluster.ListenAddrs()[0], 300*time.Millisecond, 200
		t.Run(o.topic, func(t *testing.T) {
			r, err := run(t.Context(), o)
			if err != nil {
				t.Fatal(err)
			}
			if r.Records == 0 || r.Seconds < 0.3 || r.CPU <= 0 || r.Batch < 1 || r.Batch > float64(max(o.callers, o.batch)) {
				t.Errorf("%+v", r)
			}
			all, counting := lying(t, o)
			switch {
			case o.side == "ours" && counting != r.Records:
				t.Errorf("%d messages count, told were %d", counting, r.Records)
			case o.side == "raw" && (all != r.Records+int64(o.partitions*o.batch) || r.Batch != 7):
				t.Errorf("%d records lie in the log after %+v", all, r)
			}
		})
	}
}

// lying counts the records of the topic, and the messages among them that count.
func lying(t *testing.T, o options) (all, counting int64) {
	t.Helper()
	cfg := kafkaconn.Default()
	cfg.Brokers = []string{o.brokers}
	conn := kafkaconn.Open(cfg)
	defer conn.Close()
	for p := range int32(o.partitions) {
		log := command.Log{Partition: p, PartitionOf: func(key []byte) int32 { return topic.PartitionOf(key, o.partitions) }}
		for from, end := int64(0), int64(1); from < end; {
			page, err := conn.Fetch(t.Context(), o.topic, p, from, 1<<20, time.Second)
			if err != nil {
				t.Fatal(err)
			}
			for i := range page.Records {
				r := command.Read(log, &page.Records[i])
				if r.Command.Op == command.LogOpen {
					log.ID, log.Generation = r.Command.Log, r.Command.Generation
				}
				if r.Verdict == command.Counts && r.Command.Op == command.MessageCreate {
					counting++
				}
			}
			from, end = page.Next, page.HighWatermark
		}
		all += end(t, conn, o.topic, p)
	}
	return all, counting
}

func end(t *testing.T, conn *kafkaconn.Conn, name string, p int32) int64 {
	t.Helper()
	n, err := conn.End(t.Context(), name, p)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// TestRefuses wants flags that make no sense refused before anything is sent.
func TestRefuses(t *testing.T) {
	good := options{brokers: "127.0.0.1:1", topic: "x", partitions: 1, length: time.Second, side: "ours", callers: 1, text: 1}
	for name, spoil := range map[string]func(*options){
		"no topic":      func(o *options) { o.topic = "" },
		"no partitions": func(o *options) { o.partitions = 0 },
		"no time":       func(o *options) { o.length = 0 },
		"no callers":    func(o *options) { o.callers = 0 },
		"no text":       func(o *options) { o.text = 0 },
	} {
		o := good
		spoil(&o)
		if _, err := run(t.Context(), o); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
}

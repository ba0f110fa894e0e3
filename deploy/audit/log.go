// Package audit checks a running or resting chatlog from outside: it folds the
// raw log by its own reading of the rules and compares every view with it,
// field by field. It shares no code with the services, so that one mistake
// cannot hide in both.
package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// record is one command of the log as the contract describes it.
type record struct {
	V           int
	ID          string
	Op          string
	Log         string
	Generation  int64
	Application string
	Username    string
	Chat        int64
	Number      int64
	Message     string
	Time        time.Time
	Created     time.Time
	Keyed       bool
	Fingerprint string
}

// Log is everything that lies in the topic.
type Log struct {
	ID         string
	Generation int64
	Ends       map[int32]int64
	Ignored    map[string]int // records that do not count, by reason
	Records    int            // that count
	Strangers  map[Place]bool // records that are not the log's own
}

// Entry is one command that counts.
type Entry struct {
	Partition         int32
	Offset            int64
	ID, Op            string
	Application       string
	Username, Message string
	Chat, Number      int64
	Keyed             bool
}

// reader folds one topic.
type reader struct {
	each   func(Entry)
	log    *Log
	truth  *Truth
	topic  string
	count  int // partitions
	names  map[int32]string
	next   map[int32]int64
	hasher kgo.TopicPartitioner
}

// Read folds a topic from its beginning to its end as of now. broker is one
// address, or several with commas.
func Read(ctx context.Context, broker, topic string) (*Truth, error) {
	return ReadEach(ctx, broker, topic, func(Entry) {})
}

// ReadEach is Read, and shows every command that counts, in the order of each
// partition.
func ReadEach(ctx context.Context, broker, topic string, each func(Entry)) (*Truth, error) {
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(broker, ",")...), kgo.KeepControlRecords(), kgo.FetchIsolationLevel(kgo.ReadUncommitted()),
		kgo.FetchMaxWait(200*time.Millisecond))
	if err != nil {
		return nil, err
	}
	defer client.Close()
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, topic)
	if err != nil {
		return nil, err
	}
	if err := ends.Error(); err != nil {
		return nil, err
	}
	t := newTruth()
	r := &reader{each: each, log: &t.Log, truth: t, topic: topic, names: map[int32]string{}, next: map[int32]int64{},
		hasher: kgo.StickyKeyPartitioner(nil).ForTopic(topic)}
	start := map[int32]kgo.Offset{}
	ends.Each(func(o kadm.ListedOffset) {
		r.count++
		t.Log.Ends[o.Partition] = o.Offset
		if o.Offset > 0 {
			start[o.Partition] = kgo.NewOffset().At(0)
		}
	})
	client.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: start})
	for !r.atEnd() {
		fetches := client.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			return nil, fmt.Errorf("reading %s: %w", topic, err)
		}
		for _, e := range fetches.Errors() {
			return nil, fmt.Errorf("reading %s/%d: %w", topic, e.Partition, e.Err)
		}
		fetches.EachRecord(r.take)
	}
	t.ids = nil
	return t, nil
}

// atEnd reports whether every partition was read to its end.
func (r *reader) atEnd() bool {
	for p, end := range r.log.Ends {
		if r.next[p] < end {
			return false
		}
	}
	return true
}

// take judges one record by the append rule and folds it when it counts.
func (r *reader) take(k *kgo.Record) {
	if k.Offset >= r.log.Ends[k.Partition] {
		return // written after the audit began
	}
	if k.Offset != r.next[k.Partition] && r.next[k.Partition] != 0 && k.Offset < r.next[k.Partition] {
		r.truth.find("log", "partition %d: offset %d after %d", k.Partition, k.Offset, r.next[k.Partition]-1)
	}
	r.next[k.Partition] = k.Offset + 1
	if reason := r.ignored(k); reason != "" {
		r.log.Ignored[reason]++
		if reason == "unmarked" || reason == "foreign" {
			r.log.Strangers[Place{k.Partition, k.Offset}] = true
		}
		return
	}
	var c record
	if err := json.Unmarshal(k.Value, &c); err != nil || c.V != 1 {
		r.truth.find("log", "partition %d offset %d counts and cannot be read: %v", k.Partition, k.Offset, err)
		return
	}
	r.log.Records++
	if c.Op == "log.open" {
		r.open(k, c)
		return
	}
	if r.names[k.Partition] == "" || c.Application != string(k.Key) {
		r.truth.find("log", "partition %d offset %d: its key is not its application, or the log is not open", k.Partition, k.Offset)
		return
	}
	r.truth.fold(c, k.Partition, k.Offset, r.log.Generation<<44|k.Offset)
	r.each(Entry{k.Partition, k.Offset, c.ID, c.Op, c.Application, c.Username, c.Message, c.Chat, c.Number, c.Keyed})
}

// ignored says why a record does not count; empty: it counts.
func (r *reader) ignored(k *kgo.Record) string {
	if k.Attrs.IsControl() {
		return "control"
	}
	at, marks := "", 0
	for _, h := range k.Headers {
		if h.Key == "at" {
			at, marks = string(h.Value), marks+1
		}
	}
	log, offset, found := strings.Cut(at, ":")
	n, err := strconv.ParseInt(offset, 10, 64)
	var c record
	opens := json.Unmarshal(k.Value, &c) == nil && c.Op == "log.open"
	switch {
	case marks != 1 || !found || err != nil || len(log) != 16:
		return "unmarked"
	case r.names[k.Partition] != "" && log != r.names[k.Partition] && opens:
		return "misplaced" // two first starts raced, which is ordinary
	case r.names[k.Partition] != "" && log != r.names[k.Partition]:
		return "foreign"
	case n != k.Offset:
		return "misplaced"
	}
	if r.names[k.Partition] == "" && !opens {
		return "foreign"
	}
	if !opens && int32(r.hasher.Partition(&kgo.Record{Key: k.Key}, r.count)) != k.Partition {
		return "misplaced"
	}
	return ""
}

// open takes a partition's first counting record.
func (r *reader) open(k *kgo.Record, c record) {
	if r.names[k.Partition] != "" {
		r.truth.find("log", "partition %d was opened twice, at offset %d again", k.Partition, k.Offset)
		return
	}
	if r.log.ID != "" && r.log.ID != c.Log {
		r.truth.find("log", "partition %d is of log %s, others of %s", k.Partition, c.Log, r.log.ID)
	}
	r.names[k.Partition], r.log.ID, r.log.Generation = c.Log, c.Log, c.Generation
}

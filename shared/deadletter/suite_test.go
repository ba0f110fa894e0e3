package deadletter

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"

	"chatlog/shared/command"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/position"
	"chatlog/shared/topic"
)

const (
	ours  = position.LogID("00000000000000a1")
	other = position.LogID("00000000000000b2")
)

// suite is two topics of its own on some cluster.
type suite struct {
	*testing.T
	conn            *kafkaconn.Conn
	source, letters topic.Topic
	metrics         *prometheus.Registry
	counter         *prometheus.CounterVec
}

// conformance runs the suite on a cluster; every test gets new topics.
func conformance(t *testing.T, broker string) {
	for _, test := range []struct {
		name string
		run  func(*suite)
	}{
		{"a letter says what, where and why", whatWhereWhy},
		{"bytes are untouched", untouched},
		{"once per position and view", once},
		{"once, whoever else writes for the partition", onceAmongMany},
		{"writers of other partitions are not waited for", sideBySide},
		{"once after a restart, behind many letters", onceBehindMany},
		{"the largest record there can be", largest},
		{"once even if nobody knows whether it was written", unknownOutcome},
		{"strangers' letters are passed over", strangers},
		{"no topic is an error that passes", noTopic},
		{"reading ends with the first error", readingEnds},
		{"a letter is settled once", settledOnce},
		{"what was retried and is rejected again is told again", toldAgain},
		{"a record can be read where it lies", whereItLies},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(newSuite(t, broker)) })
	}
}

func newSuite(t *testing.T, broker string) *suite {
	cfg := kafkaconn.Default()
	cfg.Brokers = []string{broker}
	topics, name := topic.Default(), strings.ToLower(rand.Text()[:10])
	s := &suite{T: t, conn: kafkaconn.Open(cfg), source: topics.Commands, letters: topics.DeadLetters, metrics: prometheus.NewRegistry()}
	s.counter = NewCounter(s.metrics)
	s.source.Name, s.source.Partitions, s.letters.Name = "test."+name+".commands", 2, "test."+name+".deadletters"
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if _, err := s.conn.Client().DeleteTopics(ctx, &kafka.DeleteTopicsRequest{Topics: []string{s.source.Name, s.letters.Name}}); err != nil {
			t.Log("topics are left behind: ", err)
		}
		s.conn.Close()
	})
	s.patiently("the topics are there", func() error { return topic.Ensure(t.Context(), s.conn, s.source, s.letters) })
	return s
}

// patiently tries again while a new topic is not known to every broker yet.
func (s *suite) patiently(what string, do func() error) {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), 30*time.Second)
	defer cancel()
	for {
		err := do()
		if err == nil {
			return
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			s.Fatalf("%s: %v", what, err)
		}
	}
}

// writer makes a view's writer as a program that has just started has it.
func (s *suite) writer(view string, partition int32) *Writer {
	return NewWriter(Config{View: view, Source: s.source.Name, Topic: s.letters.Name, Classes: []string{Rejected}}, s.conn, partition, s.counter)
}

func (s *suite) write(w *Writer, log position.LogID, letters ...Refused) {
	s.Helper()
	s.patiently("write", func() error { return w.Write(s.Context(), log, letters) })
}

// onceAmongMany: two writers take turns, as two instances do whose leases overlap.
func onceAmongMany(s *suite) {
	one, other := s.writer("mysql", 0), s.writer("mysql", 0)
	s.write(one, ours, at(1))
	s.write(other, ours, at(1), at(2))
	s.write(one, ours, at(2), at(3))
	s.write(other, ours, at(3))
	if read, _ := s.read(0); len(read) != 3 {
		s.Errorf("%d letters of 3 records: %+v", len(read), read)
	}
}

// sideBySide: once a writer knows what is there, others that write at the same moment
// are no reason to fail.
func sideBySide(s *suite) {
	const writers, letters = 4, 15
	var all sync.WaitGroup
	errs := make([]error, writers)
	for p := range writers {
		w := s.writer("imports", int32(p))
		s.write(w, ours, at(0))
		all.Go(func() {
			for n := range letters {
				errs[p] = errors.Join(errs[p], w.Write(s.Context(), ours, []Refused{at(int64(n + 1))}))
			}
		})
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		s.Error(err)
	}
	if read, _ := s.read(0); len(read) != writers*(letters+1) {
		s.Errorf("%d letters", len(read))
	}
}

// put appends to the source and gives the records as a sink reads them.
func (s *suite) put(partition int32, records ...kafkaconn.Record) []command.Record {
	s.Helper()
	s.patiently("produce", func() error {
		_, err := s.conn.Produce(s.Context(), s.source.Name, partition, records)
		return err
	})
	return s.fetch(s.source.Name, partition)
}

// fetch reads a whole partition.
func (s *suite) fetch(name string, partition int32) (out []command.Record) {
	s.Helper()
	bounds, err := s.conn.Ends(s.Context(), name, partition)
	if err != nil {
		s.Fatal(err)
	}
	for at := bounds[partition].Start; at < bounds[partition].End; {
		page, err := s.conn.Fetch(s.Context(), name, partition, at, 1<<20, time.Second)
		if err != nil {
			s.Fatal(err)
		}
		out, at = append(out, page.Records...), page.Next
	}
	return out
}

// read reads the letters from an offset on.
func (s *suite) read(from int64) (all []Entry, next int64) {
	s.Helper()
	next, err := Read(s.Context(), s.conn, s.letters.Name, from, func(e Entry) error {
		all = append(all, e)
		return nil
	})
	if err != nil {
		s.Fatal(err)
	}
	return all, next
}

// told gives the letters in the topic, by their keys in order.
func (s *suite) told() (keys []string, letters []Letter) {
	s.Helper()
	for _, r := range s.fetch(s.letters.Name, 0) {
		var l Letter
		d := json.NewDecoder(bytes.NewReader(r.Value))
		d.DisallowUnknownFields()
		if err := d.Decode(&l); err != nil {
			s.Errorf("letter %s is not to be read: %v", r.Key, err)
		}
		keys, letters = append(keys, string(r.Key)), append(letters, l)
	}
	return keys, letters
}

// counted gives what the metric tells of a view and class.
func (s *suite) counted(view, class string) (n float64) {
	s.Helper()
	families, err := s.metrics.Gather()
	if err != nil {
		s.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if l := m.GetLabel(); l[0].GetValue() == class && l[1].GetValue() == view { // in the order of their names
				n += m.GetCounter().GetValue()
			}
		}
	}
	return n
}

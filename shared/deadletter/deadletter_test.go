package deadletter

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"chatlog/shared/command"
	"chatlog/shared/fault"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/parts"
	"chatlog/shared/position"
)

func TestConformanceEmbedded(t *testing.T) {
	// As deploy/local has it.
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.DataDir(t.TempDir()), kfake.SyncWrites())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	conformance(t, cluster.ListenAddrs()[0])
}

func TestConformanceReal(t *testing.T) { conformance(t, parts.Kafka(t)) }

// at makes the letter of a record at some offset.
func at(offset int64) Refused {
	return Refused{Record: command.Record{Offset: offset, Value: []byte("v")}, Reason: "no at header", Class: "unmarked"}
}

// named is the key of the letter that at makes.
func named(offset int64) string { return fmt.Sprintf("mysql/%s/0/%d", ours, offset) }

func whatWhereWhy(s *suite) {
	records := s.put(1, kafkaconn.Record{Key: []byte("k"), Value: []byte("v0")}, kafkaconn.Record{Key: []byte("key"), Value: []byte("v1"),
		Headers: []command.Header{{Key: "at", Value: []byte("x")}, {Key: "at", Value: []byte("y")}}})
	reason := "message.create: \"quoted\"\nand <odd>\x00 \u2028"
	before := time.Now().Add(-time.Second)
	s.write(s.writer("mysql", 1), ours, Refused{Record: records[1], Reason: reason, Class: "rejected"})
	keys, letters := s.told()
	if want := fmt.Sprintf("mysql/%s/1/1", ours); !slices.Equal(keys, []string{want}) {
		s.Fatalf("keys %q, want %q", keys, want)
	}
	got := letters[0]
	when, err := time.Parse(time.RFC3339Nano, got.Time)
	if err != nil || when.Before(before) || when.After(time.Now()) || when.Location() != time.UTC {
		s.Errorf("time %q, %v", got.Time, err)
	}
	got.Time = ""
	want := Letter{View: "mysql", Class: "rejected", Reason: reason, Log: string(ours), Topic: s.source.Name, Partition: 1, Offset: 1,
		Key: []byte("key"), Value: []byte("v1"), Headers: []Header{{Key: "at", Value: []byte("x")}, {Key: "at", Value: []byte("y")}}}
	if !reflect.DeepEqual(got, want) {
		s.Errorf("letter\n%+v, want\n%+v", got, want)
	}
	if n := s.counted("mysql", "rejected"); n != 1 {
		s.Errorf("counted %v", n)
	}
}

// A record has to be put back as it was: nothing is not the same as no bytes.
func untouched(s *suite) {
	binary := make([]byte, 256)
	for i := range binary {
		binary[i] = byte(i)
	}
	records := s.put(0,
		kafkaconn.Record{Key: binary, Value: binary, Headers: []command.Header{{Key: "h", Value: binary}}},
		kafkaconn.Record{Key: nil, Value: nil},
		kafkaconn.Record{Key: []byte{}, Value: []byte{}, Headers: []command.Header{{Key: "", Value: nil}, {Key: "é😀", Value: []byte{0xff}}}},
		kafkaconn.Record{Key: []byte("k"), Value: []byte("\xff\xfe not UTF-8 \x00")},
		kafkaconn.Record{Key: []byte("k"), Value: []byte(`{"v":1,"<&>":"` + "\u2028" + `"}`)})
	w := s.writer("mysql", 0)
	for _, r := range records {
		s.write(w, ours, Refused{Record: r, Reason: "x", Class: "unmarked"})
	}
	_, letters := s.told()
	if len(letters) != len(records) {
		s.Fatalf("%d letters of %d records", len(letters), len(records))
	}
	for i, l := range letters {
		r := records[i]
		if !same(l.Key, r.Key) || !same(l.Value, r.Value) {
			s.Errorf("record %d: key %#v and value %#v became %#v and %#v", i, r.Key, r.Value, l.Key, l.Value)
		}
		var headers []command.Header
		for _, h := range l.Headers {
			headers = append(headers, command.Header{Key: h.Key, Value: h.Value})
		}
		if !slices.EqualFunc(headers, r.Headers, func(a, b command.Header) bool { return a.Key == b.Key && bytes.Equal(a.Value, b.Value) }) {
			s.Errorf("record %d: headers %q became %q", i, r.Headers, headers)
		}
	}
	if records[1].Value != nil || records[2].Value == nil {
		s.Errorf("the cluster itself does not tell nothing (%#v) from no bytes (%#v)", records[1].Value, records[2].Value)
	}
}

func same(a, b []byte) bool { return bytes.Equal(a, b) && (a == nil) == (b == nil) }

func once(s *suite) {
	type call struct {
		view      string
		partition int32
		log       position.LogID
		offsets   []int64
		want      int // letters in all afterwards
	}
	writers := map[string]*Writer{}
	for i, c := range []call{
		{"mysql", 0, ours, []int64{3, 4}, 2},
		{"mysql", 0, ours, []int64{3, 4}, 2},       // tried again
		{"mysql", 0, ours, []int64{4, 5, 3, 5}, 3}, // a replay
		{"search", 0, ours, []int64{3, 4}, 5},      // another view
		{"mysql", 1, ours, []int64{3}, 6},          // another partition
		{"mysql", 0, other, []int64{3}, 7},         // another log
		{"mysql", 0, "", []int64{3}, 8},            // none yet
	} {
		for _, restarted := range []bool{false, true} {
			name := fmt.Sprint(c.view, c.partition)
			if writers[name] == nil || restarted {
				writers[name] = s.writer(c.view, c.partition)
			}
			var letters []Refused
			for _, offset := range c.offsets {
				letters = append(letters, at(offset))
			}
			s.write(writers[name], c.log, letters...)
			if keys, _ := s.told(); len(keys) != c.want {
				s.Errorf("after call %d, restarted %v: %q", i, restarted, keys)
			}
		}
	}
	keys, _ := s.told()
	if slices.Sort(keys); len(slices.Compact(keys)) != 8 {
		s.Errorf("told twice: %q", keys)
	}
	if s.counted("mysql", "unmarked") != 6 || s.counted("search", "unmarked") != 2 {
		s.Errorf("counted %v and %v", s.counted("mysql", "unmarked"), s.counted("search", "unmarked"))
	}
}

// What is known has to be read whole, in however many pages it comes.
func onceBehindMany(s *suite) {
	var letters []Refused
	for n := range int64(12) {
		l := at(n)
		l.Record.Value = bytes.Repeat([]byte{byte(n)}, 700<<10) // three quarters of it more, and scanBytes is soon over
		letters = append(letters, l)
	}
	s.write(s.writer("mysql", 0), ours, letters...)
	s.write(s.writer("mysql", 0), ours, letters...)
	if keys, _ := s.told(); len(keys) != 12 {
		s.Errorf("%d letters: %q", len(keys), keys)
	}
}

// The letter of the largest record that the source takes must fit.
func largest(s *suite) {
	value := bytes.Repeat([]byte{0xfe}, s.source.MaxMessage-200)
	records := s.put(0, kafkaconn.Record{Key: []byte("k"), Value: value})
	s.write(s.writer("mysql", 0), ours, Refused{Record: records[0], Reason: strings.Repeat("r", 10_000), Class: "unmarked"})
	if _, letters := s.told(); len(letters) != 1 || !bytes.Equal(letters[0].Value, value) {
		s.Errorf("%d letters", len(letters))
	}
}

// A write that failed may have written all the same, so what is there is read
// again before the next try.
func unknownOutcome(s *suite) {
	w := s.writer("mysql", 0)
	s.write(w, ours, at(1))
	w.cfg.Topic += ".nowhere"
	ctx, cancel := context.WithTimeout(s.Context(), 20*time.Second)
	defer cancel()
	if err := w.Write(ctx, ours, []Refused{at(1), at(2), at(3)}); !fault.Is(err, fault.Transient) {
		s.Fatalf("a failed write gives %v", err)
	}
	w.cfg.Topic = s.letters.Name
	// It had been written, by whoever: this is what the try left behind.
	s.write(s.writer("mysql", 0), ours, at(2))
	s.write(w, ours, at(1), at(2), at(3))
	keys, _ := s.told()
	if want := []string{named(1), named(2), named(3)}; !slices.Equal(keys, want) {
		s.Errorf("told %q, want %q", keys, want)
	}
}

// Others may have written to the topic, and in other ways.
func strangers(s *suite) {
	var records []kafkaconn.Record
	for _, key := range []string{"", "x", "mysql", "mysql/" + string(ours) + "/0", "mysql/" + string(ours) + "/0/1/2", "search/" + string(ours) + "/0/7",
		"mysql/" + string(ours) + "/1/7", "\xff\x00"} {
		records = append(records, kafkaconn.Record{Key: []byte(key), Value: []byte("{}")})
	}
	records = append(records, kafkaconn.Record{})
	s.patiently("produce", func() error {
		_, err := s.conn.Produce(s.Context(), s.letters.Name, 0, records)
		return err
	})
	w := s.writer("mysql", 0)
	s.write(w, ours, at(7))
	all := s.fetch(s.letters.Name, 0)
	if last := all[len(all)-1]; string(last.Key) != named(7) || !json.Valid(last.Value) {
		s.Errorf("after the strangers' comes %q", last.Key)
	}
	read, next := s.read(0)
	if len(read) != len(records)+1 || next != int64(len(read)) {
		s.Fatalf("%d entries up to %d", len(read), next)
	}
	for i, e := range read {
		if last := i == len(records); e.Offset != int64(i) || (e.Odd == nil) != last || last && e.Letter.Name() != named(7) {
			s.Errorf("entry %d: %+v", i, e)
		}
	}
	if read, next := s.read(next); len(read) != 0 || next != int64(len(records)+1) {
		s.Errorf("behind the end lie %+v, up to %d", read, next)
	}
}

// Half a topic would be told as the whole of it if its readers went on after an error.
func readingEnds(s *suite) {
	s.write(s.writer("mysql", 0), ours, at(1), at(2), at(3))
	enough, seen := errors.New("enough"), 0
	next, err := Read(s.Context(), s.conn, s.letters.Name, 0, func(Entry) error {
		if seen++; seen == 2 {
			return enough
		}
		return nil
	})
	if !errors.Is(err, enough) || seen != 2 || next > 1 {
		s.Errorf("%d seen, to go on at %d, %v", seen, next, err)
	}
	if _, err := Read(s.Context(), s.conn, s.letters.Name+".nowhere", 0, func(Entry) error { return nil }); !fault.Is(err, fault.Transient) {
		s.Errorf("no topic gives %v", err)
	}
}

func noTopic(s *suite) {
	w := s.writer("mysql", 0)
	if families, err := s.metrics.Gather(); err != nil || len(families) != 1 || len(families[0].GetMetric()) != 1 {
		s.Errorf("a class that there can be is not counted from the start, or its first letter would be no increase: %v, %v", families, err)
	}
	w.cfg.Topic = s.letters.Name + ".nowhere"
	ctx, cancel := context.WithTimeout(s.Context(), 20*time.Second)
	defer cancel()
	if err := w.Write(ctx, ours, []Refused{at(1)}); !fault.Is(err, fault.Transient) {
		s.Errorf("got %v", err)
	}
	if n := s.counted("mysql", "unmarked"); n != 0 {
		s.Errorf("counted %v", n)
	}
}

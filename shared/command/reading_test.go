package command

import (
	"bytes"
	"reflect"
	"strings"
	"testing"

	"chatlog/shared/position"
)

// TestReasons: people settle dead letters by these words, so each says which of
// the ways not to count it was.
func TestReasons(t *testing.T) {
	const ours, here = "00000000000000a1", "00000000000000a1:7"
	open, fresh := Log{ID: ours, Generation: 1, PartitionOf: partitionOf}, Log{PartitionOf: partitionOf}
	message, opening := golden["message.create"], golden["log.open"]
	other := opening
	other.Log = "00000000000000a2"
	for _, test := range []struct {
		log    Log
		record Record
		want   Verdict
		says   string
	}{
		{open, record(here, message), Counts, ""},
		{open, record(here, message, func(r *Record) { r.Control = true }), Control, "transaction marker"},
		{open, record(here, message, func(r *Record) { r.Headers = nil }), Unmarked, "no at header"},
		{open, record(here, message, func(r *Record) { r.Headers[0].Key = "At" }), Unmarked, "no at header"},
		{open, record("", message), Unmarked, "not <log>:<offset>"},
		{open, record(ours+":-7", message), Unmarked, "not <log>:<offset>"},
		{open, record("00000000000000a2:7", message), Foreign, "for another log"},
		{fresh, record(here, message), Foreign, "before this log was opened"},
		{fresh, record(here, message, value("garbage")), Foreign, "before this log was opened"},
		{open, record(ours+":6", message), Misplaced, "another offset"},
		{fresh, record(ours+":6", opening), Misplaced, "another offset"},
		{open, record(here, message, key("1f86")), Misplaced, "another partition"},
		{open, record(here, message, key("")), Misplaced, "another partition"},
		{open, record("00000000000000a2:7", other), Misplaced, "second log.open"},
		{open, record(here, message, value(`{"v":2}`)), Newer, "newer version"},
		{open, record(here, message, key("1f86"), value(`{"v":2}`)), Newer, "newer version"}, // what its key means, only it knows
		{open, record(here, opening), Invalid, "open already"},
		{open, record(here, message, key("9999")), Invalid, "application and key differ"},
		{open, record(here, message, value(`{"v":1,"what":1}`)), Invalid, `unknown field "what"`},
		{open, record(here, message, value("\xff")), Invalid, "not valid UTF-8"},
	} {
		got := Read(test.log, &test.record)
		if got.Verdict != test.want || !strings.Contains(got.Reason, test.says) {
			t.Errorf("%s (%s), must be %s (%s)", got.Verdict, got.Reason, test.want, test.says)
		}
	}
}

// TestVerdictNames: metrics are labelled with them.
func TestVerdictNames(t *testing.T) {
	seen := map[string]bool{}
	for v := Counts; v <= Invalid; v++ {
		if name := v.String(); name == "" || name == "unknown" || seen[name] {
			t.Errorf("verdict %d has the name %q", v, name)
		}
		seen[v.String()] = true
	}
	if name := (Invalid + 1).String(); name != "unknown" {
		t.Error(name)
	}
}

// TestReadPartition reads one partition as every reader does: two first starts
// raced, a zombie wrote, a transaction and a stranger came between.
func TestReadPartition(t *testing.T) {
	const a, b = "00000000000000aa", "00000000000000bb"
	open := func(log position.LogID) Command { return Command{Op: LogOpen, Log: log, Generation: 1} }
	chat := golden["chat.create"]
	log := Log{PartitionOf: partitionOf}
	var said []string
	for offset, step := range []struct {
		at string
		c  Command
	}{
		{"", chat}, // a stranger was here before anybody
		{a + ":1", open(a)},
		{b + ":1", open(b)}, // lost the race for offset 1
		{b + ":3", chat},    // and went on as if it had won
		{a + ":4", chat},
		{a + ":4", chat}, // the same request came twice
		{a + ":6", chat},
		{a + ":8", chat}, // counted on a record that was never appended
		{a + ":8", chat},
		{a + ":9", open(a)},
		{a + ":10", chat},
	} {
		r := record(step.at, step.c, func(r *Record) { r.Offset = int64(offset) })
		reading := Read(log, &r)
		if reading.Verdict == Counts && reading.Command.Op == LogOpen {
			log.ID, log.Generation = reading.Command.Log, reading.Command.Generation
		}
		said = append(said, reading.Verdict.String())
	}
	want := []string{"unmarked", "counts", "misplaced", "foreign", "counts", "misplaced", "counts", "misplaced", "counts", "invalid", "counts"}
	if !reflect.DeepEqual(said, want) || log.ID != a {
		t.Errorf("log %s\nread %v\nmust %v", log.ID, said, want)
	}
}

// FuzzRead: whatever lies in a partition, reading it does not panic, and it
// counts only if every part of the append rule is kept.
func FuzzRead(f *testing.F) {
	for _, name := range []string{"message.create", "log.open", "chat.create.keyed"} {
		c := complete(name)
		f.Add([]byte("00000000000000a1:7"), []byte(c.Application), Encode(&c), int64(7), int32(0), false, true)
		f.Add([]byte("00000000000000a1:7"), []byte(c.Application), Encode(&c), int64(7), int32(1), false, false)
	}
	f.Add([]byte("00000000000000a1:7"), []byte(nil), []byte(nil), int64(-1), int32(-1), true, true)
	f.Fuzz(func(t *testing.T, at, key, value []byte, offset int64, partition int32, control, open bool) {
		log := Log{Partition: partition, PartitionOf: partitionOf}
		if open {
			log.ID, log.Generation = "00000000000000a1", 1
		}
		r := Record{Partition: partition, Offset: offset, Key: key, Value: value, Headers: []Header{{HeaderAt, at}}, Control: control}
		before := bytes.Clone(value)
		got := Read(log, &r)
		if again := Read(log, &r); !reflect.DeepEqual(got, again) || !bytes.Equal(before, r.Value) {
			t.Fatalf("read again it is %+v, was %+v", again, got)
		}
		if got.Verdict < Counts || got.Verdict > Invalid || (got.Verdict == Counts) == (got.Reason != "") {
			t.Fatalf("%s gives the reason %q", got.Verdict, got.Reason)
		}
		if got.Verdict != Counts {
			if got.Command != (Command{}) {
				t.Fatalf("%s and yet it has a command", got.Verdict)
			}
			return
		}
		place, err := position.ParseAt(at)
		opens := got.Command.Op == LogOpen && got.Command.Log == place.Log
		writes := place.Log == log.ID && got.Command.Application == string(key) && partitionOf(key) == partition
		if err != nil || control || place.Offset != offset || open && !writes || !open && !opens || got.Command.Validate() != nil {
			t.Fatalf("it counts: %+v", got.Command)
		}
	})
}

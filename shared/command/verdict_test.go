package command

import (
	"strings"
	"testing"
	"time"
)

// record is one of the log's, at offset 7 of partition 0, to which keys that
// begin with 9 belong.
func record(at string, c Command, change ...func(*Record)) Record {
	c.ID, c.Time = someID, someTime
	r := Record{Partition: 0, Offset: 7, Key: []byte(c.Application), Value: Encode(&c), Headers: []Header{{HeaderAt, []byte(at)}}}
	for _, f := range change {
		f(&r)
	}
	return r
}

func value(text string) func(*Record) { return func(r *Record) { r.Value = []byte(text) } }
func key(text string) func(*Record)   { return func(r *Record) { r.Key = []byte(text) } }

func partitionOf(key []byte) int32 {
	if strings.HasPrefix(string(key), "9") {
		return 0
	}
	return 1
}

func TestRead(t *testing.T) {
	const ours, here = "00000000000000a1", "00000000000000a1:7"
	open := Log{ID: ours, Generation: 1, PartitionOf: partitionOf}
	fresh := Log{PartitionOf: partitionOf}
	message, opening := golden["message.create"], golden["log.open"]
	newer := `{"v":2,"id":"x","something":"else"}`
	for _, test := range []struct {
		name   string
		log    Log
		record Record
		want   Verdict
	}{
		{"where it was written for", open, record(here, message), Counts},
		{"with more headers", open, record(here, message, func(r *Record) {
			r.Headers = append(r.Headers, Header{"traceparent", []byte("00-…")})
		}), Counts},
		{"later than it was written for", open, record(ours+":6", message), Misplaced},
		{"earlier than it was written for", open, record(ours+":8", message), Misplaced},
		{"garbage elsewhere", open, record(ours+":6", message, value("garbage")), Misplaced},
		{"a newer one elsewhere", open, record(ours+":6", message, value(newer)), Misplaced},
		{"of another log", open, record("00000000000000a2:7", message), Foreign},
		{"the log.open that lost the race", open, record("00000000000000a2:7", Command{Op: LogOpen, Log: "00000000000000a2", Generation: 1}), Misplaced},
		{"without at", open, record(here, message, func(r *Record) { r.Headers = nil }), Unmarked},
		{"with two at", open, record(here, message, func(r *Record) { r.Headers = append(r.Headers, r.Headers[0]) }), Unmarked},
		{"with an odd at", open, record("here", message), Unmarked},
		{"with another spelling of at", open, record(ours+":07", message), Unmarked},
		{"a marker", open, record(here, message, func(r *Record) { r.Control = true }), Control},
		{"in another partition than its key's", open, record(here, message, key("1f86")), Misplaced},
		{"garbage of another partition's key", open, record(here, message, key("1f86"), value("garbage")), Misplaced},
		{"another key of the same partition", open, record(here, message, key("9999")), Invalid},
		{"garbage at its place", open, record(here, message, value("garbage")), Invalid},
		{"a tombstone of Kafka", open, record(here, message, func(r *Record) { r.Value = nil }), Invalid},
		{"a newer one at its place", open, record(here, message, value(newer)), Newer},
		{"a second log.open of the same log", open, record(here, opening), Invalid},
		{"the first log.open", fresh, record(here, opening), Counts},
		{"a log.open written for another offset", fresh, record(ours+":0", opening), Misplaced},
		{"a log.open of another log than its at", fresh, record("00000000000000a2:7", opening), Foreign},
		{"a command before log.open", fresh, record(here, message), Foreign},
		{"a newer one before log.open", fresh, record(here, message, value(newer)), Newer},
		{"nothing of ours before log.open", fresh, record(here, message, value("garbage"), func(r *Record) { r.Headers = nil }), Unmarked},
	} {
		got := Read(test.log, &test.record)
		if got.Verdict != test.want {
			t.Errorf("%s: %s (%s), must be %s", test.name, got.Verdict, got.Reason, test.want)
		}
		if (got.Verdict == Counts) == (got.Reason != "") {
			t.Errorf("%s: %s gives the reason %q", test.name, got.Verdict, got.Reason)
		}
	}
}

// Clocks may be wrong: an edit dated before the create was acked like any other
// and counts like any other. No reader may make a date a reason to drop one.
func TestNoOrderOfDatesIsDemanded(t *testing.T) {
	const ours = "00000000000000a1"
	open := Log{ID: ours, Generation: 1, PartitionOf: partitionOf}
	for _, op := range []Op{MessageUpdate, MessageDelete} {
		for _, ahead := range []time.Duration{time.Microsecond, time.Hour, 24 * 365 * 100 * time.Hour, -time.Hour} {
			c := golden[string(op)]
			c.Created = someTime.Add(ahead)
			r := record(ours+":7", c)
			got := Read(open, &r)
			if got.Verdict != Counts || !got.Command.Created.Equal(c.Created) || !got.Command.Time.Equal(someTime) {
				t.Errorf("%s, created %s later: %s (%s)", op, ahead, got.Verdict, got.Reason)
			}
		}
	}
}

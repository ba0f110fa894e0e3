// Package consume is the one loop of all sinks: it reads whole partitions of
// the log, judges every record, and brings batches into a view.
package consume

import (
	"time"

	"chatlog/shared/command"
	"chatlog/shared/deadletter"
	"chatlog/shared/position"
	"chatlog/shared/view"
)

// letter is a record that could not be taken, and the log that was open when it
// was judged; none before log.open.
type letter struct {
	deadletter.Refused
	log position.LogID
}

// Limits bound one batch.
type Limits struct {
	Records int // most entries
	Bytes   int // most bytes of the entries' values
	// Gather is how long a view that has come to the log's end lets records gather
	// before it reads on, if more than one came in the last time.
	Gather time.Duration
}

// run is what one turn of the loop brings into a view: a batch, and the dead
// letters that have to be written before the view's progress moves past them.
type run struct {
	batch    view.Batch
	letters  []letter
	records  map[int64]command.Record // the entries' records, for letters
	verdicts [8]int
	stop     error // the next record cannot be read: go no further
}

// reader judges a partition's records in order. It is pure.
type reader struct {
	log      command.Log
	position view.Progress // of what was read so far; Next is the next offset
	tells    bool          // this view reports records that are not ours
}

// take judges records from the reader's position on until the limits are
// reached. end is the offset after the page that the records are from. rest is
// what is left for the next turn.
func (r *reader) take(records []command.Record, end int64, limits Limits) (out run, rest []command.Record) {
	out = run{batch: view.Batch{From: r.position.Next}, records: map[int64]command.Record{}}
	bytes := 0
	for i := range records {
		record := &records[i]
		if record.Offset < r.position.Next {
			continue
		}
		reading := command.Read(r.log, record)
		if reading.Verdict == command.Newer {
			out.stop = newerError{record.Partition, record.Offset}
			break
		}
		if reading.Verdict == command.Counts {
			if len(out.batch.Entries) > 0 && (len(out.batch.Entries) >= limits.Records || bytes+len(record.Value) > limits.Bytes) {
				rest = records[i:]
				break
			}
			bytes += len(record.Value)
		}
		out.verdicts[reading.Verdict]++
		r.settle(&out, record, reading)
	}
	if out.stop == nil && rest == nil {
		r.position.Next = max(r.position.Next, end)
	}
	out.batch.To = r.position
	return out, rest
}

// settle takes one judged record into the run and moves the position past it.
func (r *reader) settle(out *run, record *command.Record, reading command.Reading) {
	r.position.Next = record.Offset + 1
	switch reading.Verdict {
	case command.Counts:
		if record.Offset > r.position.LastOffset {
			r.position.LastOffset, r.position.LastID = record.Offset, reading.Command.ID
		}
		if reading.Command.Op == command.LogOpen {
			r.log.ID, r.log.Generation = reading.Command.Log, reading.Command.Generation
			r.position.Log, r.position.Generation = r.log.ID, r.log.Generation
			return
		}
		out.batch.Entries = append(out.batch.Entries, view.Entry{Offset: record.Offset, Command: reading.Command, Trace: record.Trace()})
		out.records[record.Offset] = *record
	case command.Invalid:
		if c, err := command.Decode(record.Value); err == nil && c.Op == command.LogOpen && c.Log == r.log.ID {
			return // the log.open itself, met again on a replay
		}
		out.letters = append(out.letters, letter{refused(record, reading), r.log.ID})
	case command.Unmarked, command.Foreign:
		if r.tells {
			out.letters = append(out.letters, letter{refused(record, reading), r.log.ID})
		}
	}
}

func refused(record *command.Record, reading command.Reading) deadletter.Refused {
	return deadletter.Refused{Record: *record, Reason: reading.Reason, Class: reading.Verdict.String()}
}

// without gives a batch without the entries at some offsets. It still moves the
// view past them.
func without(b view.Batch, offsets map[int64]bool) view.Batch {
	kept := make([]view.Entry, 0, len(b.Entries))
	skipped := append([]view.Entry(nil), b.Skipped...)
	for _, e := range b.Entries {
		if offsets[e.Offset] {
			skipped = append(skipped, e)
		} else {
			kept = append(kept, e)
		}
	}
	b.Entries, b.Skipped = kept, skipped
	return b
}

// halves splits a batch of two or more entries in two batches that follow each
// other without a hole.
func halves(b view.Batch) (first, second view.Batch) {
	middle := len(b.Entries) / 2
	first, second = b, b
	first.Entries, second.Entries = b.Entries[:middle], b.Entries[middle:]
	cut := second.Entries[0].Offset
	last := first.Entries[middle-1]
	first.To.Next, first.To.LastOffset, first.To.LastID = cut, last.Offset, last.Command.ID
	second.From = cut
	return first, second
}

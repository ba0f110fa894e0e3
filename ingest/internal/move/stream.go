package move

import (
	"context"
	"fmt"

	"chatlog/shared/command"
	"chatlog/shared/fault"
	"chatlog/shared/kafkaconn"
)

// Tally counts records by what they are.
type Tally [8]int64 // by command.Verdict

func (t *Tally) add(other Tally) {
	for i := range t {
		t[i] += other[i]
	}
}

// counted is one record that counts, and the command that it holds.
type counted struct {
	record  command.Record
	command command.Command
}

// stream gives the records of one partition that count, in order. It holds one
// page at a time.
type stream struct {
	log   Log
	judge command.Log
	next  int64            // the next offset to look at
	page  []command.Record // fetched and not looked at yet
	after int64            // the offset after the page that was fetched last
	seen  Tally
}

func newStream(log Log, partition int32, partitionOf func([]byte) int32) *stream {
	return &stream{log: log, judge: command.Log{Partition: partition, PartitionOf: partitionOf}}
}

// take gives the next record that counts and lies before end; false: there is
// none. It can be asked again with a greater end.
func (s *stream) take(ctx context.Context, end int64) (counted, bool, error) {
	for s.next < end {
		if len(s.page) == 0 {
			if err := s.fetch(ctx); err != nil {
				return counted{}, false, err
			}
			continue
		}
		r := s.page[0]
		if r.Offset >= end {
			return counted{}, false, nil
		}
		s.page, s.next = s.page[1:], r.Offset+1
		reading := command.Read(s.judge, &r)
		s.seen[reading.Verdict]++
		switch reading.Verdict {
		case command.Newer:
			return counted{}, false, fault.New(fault.Terminal, fmt.Sprintf("partition %d: the record at offset %d was written by a newer version of chatlog: "+
				"move with that version", s.judge.Partition, r.Offset))
		case command.Counts:
			if reading.Command.Op == command.LogOpen {
				s.judge.ID, s.judge.Generation = reading.Command.Log, reading.Command.Generation
			}
			return counted{r, reading.Command}, true, nil
		}
	}
	return counted{}, false, nil
}

// fetch gets the next page, or moves over offsets that hold nothing.
func (s *stream) fetch(ctx context.Context) error {
	if s.after > s.next {
		s.next = s.after
		return nil
	}
	page, err := s.log.Fetch(ctx, s.judge.Partition, s.next)
	switch {
	case err != nil:
		return err
	case page.LogStart > 0:
		return fault.New(fault.Terminal, fmt.Sprintf("partition %d: the log does not start at its beginning but at offset %d: what was cut off cannot be moved",
			s.judge.Partition, page.LogStart))
	case page.Next <= s.next: // a busy broker may have nothing to say for a moment
		return fault.New(fault.Transient, fmt.Sprintf("partition %d: nothing was read at offset %d", s.judge.Partition, s.next))
	}
	s.page, s.after = page.Records, page.Next
	return nil
}

// skipTo goes on behind what the caller has written itself.
func (s *stream) skipTo(offset int64) { s.next, s.after, s.page = offset, offset, nil }

// Log is a topic as it is read.
type Log interface {
	// Fetch reads one page from an offset on.
	Fetch(ctx context.Context, partition int32, offset int64) (kafkaconn.Page, error)
	// Ends gives all partitions' bounds as of now.
	Ends(ctx context.Context) (map[int32]kafkaconn.Bounds, error)
}

// Target is the topic that is moved to.
type Target interface {
	Log
	// Append produces one record batch, acks=all, and gives the offset of its
	// first record. After an error the outcome is unknown, except that a
	// fault.TooLarge has appended nothing.
	Append(ctx context.Context, partition int32, records []kafkaconn.Record) (base int64, err error)
}

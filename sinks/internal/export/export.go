// Package export writes an application's history out of the log, as imports: what
// another system imports to have the same numbers, times and texts.
package export

import (
	"bufio"
	"context"
	"fmt"
	"time"

	"chatlog/shared/command"
	"chatlog/shared/fault"
	"chatlog/shared/kafkaconn"
)

// Log is the log as it is read.
type Log interface {
	Fetch(ctx context.Context, partition int32, offset int64, maxWait time.Duration) (kafkaconn.Page, error)
	Bounds(ctx context.Context, partition int32) (kafkaconn.Bounds, error)
}

// Export is one application's history.
type Export struct {
	Log         Log
	Partition   int32 // the application's
	PartitionOf func(key []byte) int32
	Application string // token
	Keyed       bool   // each line begins with the token and a tab, for tools that write keys
	Passed      func(at, end int64)
	Skipped     func(offset int64, reason string) // hears of what has the application's key and cannot be read
}

// Write writes every command of the application that counts, in the log's order, up
// to the log's end as of now, one line each, and gives their number. It holds a page
// of the log in memory. An error means that what was written is not the whole. A record
// that cannot be read is in no view and has no number: what is written is whole
// without it, and Skipped hears of it.
func (e *Export) Write(ctx context.Context, out *bufio.Writer) (lines int64, err error) {
	bounds, err := e.Log.Bounds(ctx, e.Partition)
	if err != nil {
		return 0, err
	}
	if bounds.Start > 0 {
		return 0, fault.New(fault.Terminal, fmt.Sprintf("partition %d: the log does not start at its beginning but at offset %d", e.Partition, bounds.Start))
	}
	log := command.Log{Partition: e.Partition, PartitionOf: e.PartitionOf}
	var line []byte
	for at := int64(0); at < bounds.End; {
		page, err := e.Log.Fetch(ctx, e.Partition, at, time.Second)
		if err != nil {
			return lines, err
		}
		for i := range page.Records {
			r := &page.Records[i]
			if r.Offset >= bounds.End {
				break
			}
			c, ours, err := e.judge(&log, r)
			if err != nil {
				return lines, err
			}
			if !ours {
				continue
			}
			if lines++; lines == 1 && c.Op != command.ApplicationCreate {
				return 0, fault.New(fault.Terminal, fmt.Sprintf("the application's history begins with %s", c.Op))
			}
			if line = line[:0]; e.Keyed {
				line = append(append(line, e.Application...), '\t')
			}
			line = append(command.AppendImport(line, &c), '\n')
			if _, err := out.Write(line); err != nil {
				return lines, err
			}
		}
		at = page.Next
		e.Passed(min(at, bounds.End), bounds.End)
	}
	if lines == 0 {
		return 0, fault.New(fault.NotFound, "Application not found")
	}
	return lines, out.Flush()
}

// judge reports whether a record is a command of the application, without what an
// import gets from its owner.
func (e *Export) judge(log *command.Log, r *command.Record) (command.Command, bool, error) {
	reading := command.Read(*log, r)
	c := reading.Command
	switch reading.Verdict {
	case command.Newer:
		return c, false, fault.New(fault.Terminal, fmt.Sprintf("partition %d: the record at offset %d needs a newer version of chatlog", e.Partition, r.Offset))
	case command.Invalid:
		if string(r.Key) == e.Application {
			e.Skipped(r.Offset, reading.Reason)
		}
	case command.Counts:
		if c.Op == command.LogOpen {
			log.ID, log.Generation = c.Log, c.Generation
			return c, false, nil
		}
		c.Keyed, c.Fingerprint, c.Created = false, "", time.Time{}
		return c, c.Application == e.Application, nil
	}
	return c, false, nil
}

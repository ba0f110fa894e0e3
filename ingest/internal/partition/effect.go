package partition

import (
	"chatlog/shared/command"
	"chatlog/shared/position"
)

// Effect is something that a Machine wants done. At most one of each kind is
// under way at a time; its result comes back as the event of the same name.
type Effect interface{ effect() }

// AppendBatch asks for one produce request with one record batch. Result: Appended.
type AppendBatch struct {
	Base    int64 // the offset for which it was written
	Records []Record
}

// ReadLog asks for the records from an offset on. Result: Read.
type ReadLog struct{ From int64 }

// LoadRows asks for rows of the view, or for its progress alone. Result: Loaded.
type LoadRows struct{ Keys Keys }

// ListEnd asks for the log's end as of now. Result: Listed.
type ListEnd struct{}

// NameLog asks for the id of partition 0's log. Result: Named.
type NameLog struct{}

func (AppendBatch) effect() {}
func (ReadLog) effect()     {}
func (LoadRows) effect()    {}
func (ListEnd) effect()     {}
func (NameLog) effect()     {}

// AppendResult is what came of an AppendBatch. An error leaves open whether
// the batch was appended, unless Refused says that it certainly was not.
type AppendResult struct {
	Base     int64
	Err      error
	Refused  bool // certainly not appended, and not by any fault of the batch
	TooLarge bool // certainly not appended: the broker takes no batch of this size
}

// ReadResult is a page of the log, or why there is none.
type ReadResult struct {
	Records       []command.Record
	Next          int64 // the offset after the last one seen, ignored ones included
	HighWatermark int64
	LogStart      int64
	OutOfRange    bool // From is beyond the log's end or before its start
	Err           error
}

// NameResult is the id and generation of partition 0's log.
type NameResult struct {
	Log        position.LogID
	Generation uint32
	Err        error
}

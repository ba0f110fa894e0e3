package consume

import (
	"fmt"
	"time"

	"chatlog/shared/command"
	"chatlog/shared/position"
	"chatlog/shared/view"
)

const (
	app   = "0123456789abcdef0123456789abcdef"
	ours  = position.LogID("00000000000000a1")
	other = position.LogID("00000000000000b2")
)

var began = time.Date(2026, 11, 23, 19, 0, 0, 0, time.UTC)

func id(n int64) string { return fmt.Sprintf("00000000-0000-7000-8000-%012x", n) }

// written makes a record that was written for an offset of a log and lies there.
func written(log position.LogID, offset int64, value []byte) command.Record {
	at := position.At{Log: log, Offset: offset}
	return command.Record{Offset: offset, Key: []byte(app), Value: value,
		Headers: []command.Header{{Key: command.HeaderAt, Value: at.Append(nil)}}}
}

// opened makes the record that opens our log.
func opened(offset int64) command.Record {
	return written(ours, offset, command.Encode(&command.Command{ID: id(offset), Op: command.LogOpen, Time: began, Log: ours, Generation: 1}))
}

func saying(offset int64, text string) command.Command {
	return command.Command{ID: id(offset), Op: command.MessageCreate, Application: app, Chat: 1, Number: offset + 1, Message: text, Time: began}
}

// said makes a record that counts.
func said(offset int64, text string) command.Record {
	c := saying(offset, text)
	return written(ours, offset, command.Encode(&c))
}

// The records that do not count, one of each kind.
func misplaced(offset int64) command.Record {
	r := said(offset+1, "late")
	r.Offset = offset
	return r
}

func control(offset int64) command.Record {
	return command.Record{Offset: offset, Value: []byte{0, 0}, Control: true}
}

func unmarked(offset int64) command.Record {
	return command.Record{Offset: offset, Key: []byte("k"), Value: []byte("what a stranger wrote")}
}

func foreign(offset int64) command.Record {
	c := saying(offset, "of another log")
	return written(other, offset, command.Encode(&c))
}

func newer(offset int64) command.Record { return written(ours, offset, []byte(`{"v":2,"id":"x"}`)) }

func invalid(offset int64) command.Record { return written(ours, offset, []byte(`{"v":1}`)) }

// conversation makes a log: its opening at 0, and then messages up to, and not
// including, an offset.
func conversation(end int64) []command.Record {
	records := []command.Record{opened(0)}
	for at := int64(1); at < end; at++ {
		records = append(records, said(at, fmt.Sprint("text ", at)))
	}
	return records
}

// nowhere is the progress of an empty view; upTo that of one that has taken a
// conversation up to, and not including, an offset.
func nowhere() view.Progress { return view.Progress{LastOffset: -1} }

func upTo(next int64) view.Progress {
	if next == 0 {
		return nowhere()
	}
	return view.Progress{Log: ours, Generation: 1, Next: next, LastID: id(next - 1), LastOffset: next - 1}
}

func here([]byte) int32 { return 0 }

func offsetsOf(entries []view.Entry) []int64 {
	var out []int64
	for _, e := range entries {
		out = append(out, e.Offset)
	}
	return out
}

func positionsOf(letters []letter) []string {
	var out []string
	for _, l := range letters {
		out = append(out, fmt.Sprint(l.Record.Offset, " ", l.Class))
	}
	return out
}

package export

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"chatlog/shared/command"
	"chatlog/shared/fault"
	"chatlog/shared/position"
)

var noon = time.Date(2026, 11, 25, 12, 0, 0, 1000, time.UTC)

func opened(log position.LogID) command.Command {
	return command.Command{ID: id('0'), Op: command.LogOpen, Log: log, Generation: 1, Time: noon}
}

func id(digit byte) string {
	return strings.Repeat(string(digit), 8) + "-0000-4000-8000-000000000000"
}

// The commands of an application: a chat, a message that is edited, and deleted.
func application(app string) command.Record {
	return record(command.Command{ID: id('1'), Op: command.ApplicationCreate, Application: app, Username: "a\tb", Time: noon})
}

func chat(app string) command.Record {
	return record(command.Command{ID: id('2'), Op: command.ChatCreate, Application: app, Chat: 1, Time: noon})
}

func message(app string) command.Record {
	return record(command.Command{ID: id('3'), Op: command.MessageCreate, Application: app, Chat: 1, Number: 1, Message: "Hello", Time: noon,
		Keyed: true, Fingerprint: strings.Repeat("f", 64)})
}

func edit(app string) command.Record {
	return record(command.Command{ID: id('4'), Op: command.MessageUpdate, Application: app, Chat: 1, Number: 1, Message: "Bye", Time: noon, Created: noon})
}

func remove(app string) command.Record {
	return record(command.Command{ID: id('5'), Op: command.MessageDelete, Application: app, Chat: 1, Number: 1, Time: noon, Created: noon})
}

// Their lines: what an import gets from its owner is not in them.
const (
	applicationLine = `{"v":1,"id":"11111111-0000-4000-8000-000000000000","op":"application.create","application":"aaaaaaaa","username":"a\tb","time":"2026-11-25T12:00:00.000001Z"}` + "\n"
	chatLine        = `{"v":1,"id":"22222222-0000-4000-8000-000000000000","op":"chat.create","application":"aaaaaaaa","chat":1,"time":"2026-11-25T12:00:00.000001Z"}` + "\n"
	messageLine     = `{"v":1,"id":"33333333-0000-4000-8000-000000000000","op":"message.create","application":"aaaaaaaa","chat":1,"number":1,"message":"Hello","time":"2026-11-25T12:00:00.000001Z"}` + "\n"
	editLine        = `{"v":1,"id":"44444444-0000-4000-8000-000000000000","op":"message.update","application":"aaaaaaaa","chat":1,"number":1,"message":"Bye","time":"2026-11-25T12:00:00.000001Z"}` + "\n"
	removeLine      = `{"v":1,"id":"55555555-0000-4000-8000-000000000000","op":"message.delete","application":"aaaaaaaa","chat":1,"number":1,"time":"2026-11-25T12:00:00.000001Z"}` + "\n"
)

// result is what became of an export.
type result struct {
	text    string
	lines   int64
	skipped []int64
	passed  []int64
	err     error
}

func run(ctx context.Context, l *fakeLog, keyed bool) (r result) {
	var text bytes.Buffer
	e := Export{Log: l, Partition: partition, PartitionOf: partitionOf, Application: app, Keyed: keyed,
		Passed:  func(at, end int64) { r.passed = append(r.passed, at, end) },
		Skipped: func(offset int64, _ string) { r.skipped = append(r.skipped, offset) }}
	r.lines, r.err = e.Write(ctx, bufio.NewWriter(&text))
	r.text = text.String()
	return r
}

// TestWhole: what counts of the application is written, in the log's order, and nothing
// else that lies there.
func TestWhole(t *testing.T) {
	const newer = `{"v":2,"more":"than this program knows"}`
	for _, c := range []struct {
		name    string
		log     *fakeLog
		want    string
		skipped []int64
	}{
		{name: "all that there can be", log: newLog(application(app), chat(app), message(app), edit(app), remove(app)),
			want: applicationLine + chatLine + messageLine + editLine + removeLine},
		{name: "another application's lies between", log: newLog(application(neighbour), application(app), chat(neighbour), chat(app), message(neighbour)),
			want: applicationLine + chatLine},
		{name: "misplaced, as a lost race leaves it", log: newLog(application(app), writtenFor(chat(app), ours+":1"), chat(app), writtenFor(edit(app), ours+":9")),
			want: applicationLine + chatLine},
		{name: "of another log", log: newLog(application(app), writtenFor(chat(app), other+":2"), chat(app), record(opened(other))), want: applicationLine + chatLine},
		{name: "of nobody", log: newLog(application(app), writtenFor(chat(app)), writtenFor(chat(app), "x"), writtenFor(chat(app), here, here), chat(app)), want: applicationLine + chatLine},
		{name: "a marker", log: newLog(application(app), but(chat(app), func(r *command.Record) { r.Control = true }), chat(app)), want: applicationLine + chatLine},
		{name: "under a key of another partition", log: newLog(application(app), but(chat(app), func(r *command.Record) { r.Key = []byte(far) }), chat(app)), want: applicationLine + chatLine},
		{name: "cannot be read", log: newLog(application(app), raw(chat(app), "garbage"), chat(app), raw(chat(app), `{"v":1}`), but(edit(app), func(r *command.Record) { r.Value = edit(neighbour).Value })),
			want: applicationLine + chatLine, skipped: []int64{2, 4, 5}},
		{name: "cannot be read, and is another's", log: newLog(application(app), raw(chat(neighbour), "garbage"), but(chat(app), func(r *command.Record) { r.Key = []byte(neighbour) }), chat(app)),
			want: applicationLine + chatLine},
		{name: "newer, and does not count", log: newLog(application(app), writtenFor(raw(chat(app), newer), ours+":7"), writtenFor(raw(chat(app), newer)), chat(app)), want: applicationLine + chatLine},
		{name: "appended since", log: ending(4, newLog(application(app), chat(app), message(app), edit(app), raw(remove(app), newer), raw(remove(app), "garbage"))),
			want: applicationLine + chatLine + messageLine},
	} {
		for _, page := range []int{1, 2, 3, 100} {
			c.log.page, c.log.hesitant = page, page == 2
			got := run(t.Context(), c.log, false)
			if got.err != nil || got.text != c.want || got.lines != int64(strings.Count(c.want, "\n")) || !slices.Equal(got.skipped, c.skipped) {
				t.Errorf("%s, %d to a page: %d lines, skipped %v, %v\n%swant %v\n%s", c.name, page, got.lines, got.skipped, got.err, got.text, c.skipped, c.want)
			}
			if n := len(got.passed); n < 2 || got.passed[n-2] != c.log.end || got.passed[n-1] != c.log.end {
				t.Errorf("%s, %d to a page: passed %v of %d", c.name, page, got.passed, c.log.end)
			}
		}
	}
}

// ending makes a log whose end was told when only some records lay there.
func ending(end int64, l *fakeLog) *fakeLog {
	l.end = end
	return l
}

func TestKeyed(t *testing.T) {
	if got := run(t.Context(), newLog(application(app), chat(app)), true); got.err != nil || got.text != app+"\t"+applicationLine+app+"\t"+chatLine {
		t.Errorf("%q, %v", got.text, got.err)
	}
}

// TestReason: whoever has a history without a record can find out what it was.
func TestReason(t *testing.T) {
	told := ""
	e := Export{Log: newLog(application(app), raw(chat(app), `{"v":1,"op":"chat.create","\u001b[2J":1}`)), Partition: partition, PartitionOf: partitionOf, Application: app,
		Passed: func(int64, int64) {}, Skipped: func(_ int64, reason string) { told += reason }}
	if _, err := e.Write(t.Context(), bufio.NewWriter(&bytes.Buffer{})); err != nil || !strings.Contains(told, "unknown field") || strings.Contains(told, "\x1b") {
		t.Errorf("%q, %v", told, err)
	}
}

// TestNotWhole: where something is missing, or may be, it is an error.
func TestNotWhole(t *testing.T) {
	const newer = `{"v":2}`
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	history := func(change func(*fakeLog)) *fakeLog {
		l := newLog(application(app), chat(app), message(app), edit(app), remove(app))
		change(l)
		return l
	}
	for _, c := range []struct {
		name string
		ctx  context.Context
		log  *fakeLog
		is   func(error) bool
	}{
		{"a trimmed start", t.Context(), history(func(l *fakeLog) { l.start = 1 }), kind(fault.Terminal)},
		{"no bounds", t.Context(), history(func(l *fakeLog) { l.unsaid = true }), same(errAway)},
		{"no page", t.Context(), history(func(l *fakeLog) { l.away = 0 }), same(errAway)},
		{"no page midway", t.Context(), history(func(l *fakeLog) { l.away = 3 }), same(errAway)},
		{"broken off", ended, history(func(*fakeLog) {}), same(context.Canceled)},
		{"newer", t.Context(), newLog(application(app), raw(chat(app), newer), chat(app)), kind(fault.Terminal)},
		{"newer, and of whomever", t.Context(), newLog(application(app), raw(chat(neighbour), newer), chat(app)), kind(fault.Terminal)},
		{"no such application", t.Context(), newLog(application(neighbour), chat(neighbour)), kind(fault.NotFound)},
		{"no such application that counts", t.Context(), newLog(writtenFor(application(app), ours+":7")), kind(fault.NotFound)},
		{"nothing at all", t.Context(), ending(0, newLog()), kind(fault.NotFound)},
		{"the front is missing", t.Context(), newLog(chat(app), message(app)), kind(fault.Terminal)},
		{"the front cannot be read", t.Context(), newLog(raw(application(app), "garbage"), chat(app)), kind(fault.Terminal)},
	} {
		if got := run(c.ctx, c.log, false); !c.is(got.err) {
			t.Errorf("%s: %d lines, %v", c.name, got.lines, got.err)
		}
	}
}

func kind(k fault.Kind) func(error) bool {
	return func(err error) bool { return fault.Is(err, k) }
}

func same(want error) func(error) bool {
	return func(err error) bool { return errors.Is(err, want) }
}

var errFull = errors.New("no space left")

// full is a file on a disk that has room for some bytes.
type full struct{ room int }

func (f *full) Write(b []byte) (int, error) {
	if n := len(b); n <= f.room {
		f.room -= n
		return n, nil
	}
	return 0, errFull
}

// TestFullDisk: not one line may be missing in what passes for whole, wherever the
// writer fails, the last time that it is written to included.
func TestFullDisk(t *testing.T) {
	whole := len(applicationLine + chatLine + messageLine)
	for _, buffer := range []int{16, 200, 4096} { // fails at a line, or only when all is written out
		for room := range whole + 1 {
			e := Export{Log: newLog(application(app), chat(app), message(app)), Partition: partition, PartitionOf: partitionOf, Application: app,
				Passed: func(int64, int64) {}, Skipped: func(int64, string) {}}
			_, err := e.Write(t.Context(), bufio.NewWriterSize(&full{room: room}, buffer))
			if fits := room == whole; fits != (err == nil) || !fits && !errors.Is(err, errFull) {
				t.Fatalf("%d of %d bytes, %d at a time: %v", room, whole, buffer, err)
			}
		}
	}
}

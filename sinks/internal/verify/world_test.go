package verify

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"chatlog/shared/command"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/position"
	"chatlog/shared/searchview/bleve"
	"chatlog/shared/sqlview/sqlite"
	"chatlog/shared/view"
)

const partitions = 2

func partitionOf(key []byte) int32 {
	if len(key) == 0 {
		return 0
	}
	return int32(key[0] % partitions)
}

var (
	even = strings.Repeat("b0", 16) // its application's partition is 0
	odd  = strings.Repeat("a0", 16)
	none = strings.Repeat("c0", 16) // no application
)

// world is a log in memory and both embedded views of it.
type world struct {
	*testing.T
	mutex sync.Mutex
	log   [partitions][]command.Record
	next  [partitions]int64 // of the views
	rows  Rows
	index Index
	db    *sql.DB
	sums  map[string]Sums
}

func (w *world) Fetch(_ context.Context, p int32, at int64, _ time.Duration) (kafkaconn.Page, error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	all := w.log[p]
	if at < 0 || at > int64(len(all)) {
		return kafkaconn.Page{}, fmt.Errorf("no offset %d", at)
	}
	records := slices.Clone(all[at:min(at+7, int64(len(all)))]) // small pages, so that there are many
	return kafkaconn.Page{Records: records, Next: at + int64(len(records))}, nil
}

func (w *world) Bounds(_ context.Context, p int32) (kafkaconn.Bounds, error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return kafkaconn.Bounds{End: int64(len(w.log[p]))}, nil
}

func logID(p int32) position.LogID { return position.LogID(fmt.Sprintf("00000000000000a%d", p)) }

func commandID(p int32, at int64) string {
	return fmt.Sprintf("00000000-0000-7000-8%03x-%012x", p, at)
}

// write appends commands of one application and brings them into the views.
func (w *world) write(application string, commands ...command.Command) {
	w.Helper()
	p := partitionOf([]byte(application))
	var b view.Batch
	w.mutex.Lock()
	b.From = w.next[p]
	for _, c := range commands {
		at := int64(len(w.log[p]))
		c.ID, c.Time, c.Application = commandID(p, at), noon.Add(time.Duration(at)*time.Second), application
		if c.Op == command.MessageUpdate || c.Op == command.MessageDelete {
			c.Created = noon
		}
		if c.Op == command.LogOpen {
			c.Application = ""
		} else {
			b.Entries = append(b.Entries, view.Entry{Offset: at, Command: c})
		}
		w.log[p] = append(w.log[p], command.Record{Partition: p, Offset: at, Key: []byte(application), Value: command.Encode(&c),
			Headers: []command.Header{{Key: command.HeaderAt, Value: position.At{Log: logID(p), Offset: at}.Append(nil)}}})
		b.To = view.Progress{Partition: p, Log: logID(p), Generation: 1, Next: at + 1, LastID: c.ID, LastOffset: at}
	}
	w.next[p] = b.To.Next
	w.mutex.Unlock()
	for _, v := range []View{w.rows, w.index} {
		if rejections, err := v.Apply(context.Background(), b); err != nil || len(rejections) > 0 {
			w.Fatal(v.Name(), rejections, err)
		}
	}
}

// skip appends what no reader counts.
func (w *world) skip(p int32) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.log[p] = append(w.log[p], command.Record{Partition: p, Offset: int64(len(w.log[p])), Control: true})
}

func says(chat, number int64, text string) command.Command {
	return command.Command{Op: command.MessageCreate, Chat: chat, Number: number, Message: text}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	dir := t.TempDir()
	rows, err := sqlite.Open(filepath.Join(dir, "view.db"))
	if err != nil {
		t.Fatal(err)
	}
	index, err := bleve.Open(filepath.Join(dir, "search"))
	if err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", filepath.Join(dir, "view.db")+"?_pragma=busy_timeout(10000)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(db.Close(), index.Close(), rows.Close()); err != nil {
			t.Error(err)
		}
	})
	w := &world{T: t, rows: NewRows(rows), index: NewIndex(index), db: db}
	if err := rows.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	keyed := says(1, 3, "keyed")
	keyed.Keyed, keyed.Fingerprint = true, strings.Repeat("ab", 32)
	for _, application := range []string{even, odd} {
		p := partitionOf([]byte(application))
		w.write(application, command.Command{Op: command.LogOpen, Log: logID(p), Generation: 1}, command.Command{Op: command.ApplicationCreate, Username: "u"},
			command.Command{Op: command.ChatCreate, Chat: 1}, says(1, 1, "one"), says(1, 2, "two"))
		w.skip(p)
		w.write(application, keyed, command.Command{Op: command.ChatCreate, Chat: 2}, says(2, 1, "other"),
			command.Command{Op: command.MessageUpdate, Chat: 1, Number: 1, Message: "again"}, command.Command{Op: command.MessageDelete, Chat: 1, Number: 2})
	}
	return w
}

// audit gives what an audit says, in short, by view.
func (w *world) audit(repair bool, views ...View) (all []string) {
	w.Helper()
	if len(views) == 0 {
		views = []View{w.rows, w.index}
	}
	a := Audit{Log: w, Views: views, PartitionOf: partitionOf, Repair: repair, Patience: 5 * time.Second, Settle: 20 * time.Millisecond, Sums: w.sums,
		Tell: func(d Difference) {
			text := fmt.Sprintf("%s %s %s", d.View, d.Kind, d.What)
			if d.Mended {
				text += ", mended"
			}
			all = append(all, text)
		}, Passed: func(int32, int64, int64) {}, Listed: func(string, int) {}}
	for p := range int32(partitions) {
		if err := a.Partition(w.Context(), p, 0); err != nil {
			w.Fatal(err)
		}
	}
	if err := a.Extras(w.Context()); err != nil {
		w.Fatal(err)
	}
	slices.Sort(all)
	return all
}

// exec spoils rows behind the view's back.
func (w *world) exec(statements ...string) {
	w.Helper()
	for _, s := range append([]string{"PRAGMA foreign_keys = OFF"}, statements...) {
		if _, err := w.db.ExecContext(w.Context(), strings.NewReplacer("EVEN", "'"+even+"'", "ODD", "'"+odd+"'", "NONE", "'"+none+"'").Replace(s)); err != nil {
			w.Fatal(s, err)
		}
	}
}

// plant puts a document into the index that no sink has written.
func (w *world) plant(application string, generation uint32, offset int64, c command.Command) {
	w.Helper()
	p := partitionOf([]byte(application))
	c.Application, c.Time, c.Created = application, noon, noon
	b := view.Batch{Entries: []view.Entry{{Offset: offset, Command: c}}, To: view.Progress{Partition: p, Log: logID(p), Generation: generation}}
	if _, err := w.index.Apply(w.Context(), b); err != nil {
		w.Fatal(err)
	}
}

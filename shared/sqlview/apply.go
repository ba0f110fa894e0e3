package sqlview

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"chatlog/shared/view"
)

// applyTries is how often a transaction that lost a deadlock runs in one call.
const applyTries = 5

// Apply takes a batch into the view: rows and progress in one transaction.
//
// Applying a batch again changes nothing, except that it mends rows that are
// missing or were altered. view.ErrHole says that the batch begins beyond the
// view's progress, view.ErrOtherLog that the view belongs to another log; a
// fault.Invalid that some row can never be stored; everything else is
// Transient. After an error it is not known whether the batch was committed.
func (v *View) Apply(ctx context.Context, b view.Batch) error {
	changes := view.Fold(b.To.Generation, b.Entries)
	return v.repeat(ctx, "apply", func() error { return v.apply(ctx, b, &changes) })
}

// repeat runs a transaction, and again when it lost a deadlock.
func (v *View) repeat(ctx context.Context, what string, do func() error) error {
	for try := 1; ; try++ {
		err := do()
		switch {
		case err == nil, errors.Is(err, view.ErrHole), errors.Is(err, view.ErrOtherLog):
			return err
		case try < applyTries && v.dialect.Retry(err):
			select {
			case <-time.After(time.Duration(rand.Int64N(int64(20*time.Millisecond) << try))):
			case <-ctx.Done():
				return v.fail(what, ctx.Err())
			}
		default:
			return v.fail(what, err)
		}
	}
}

func (v *View) apply(ctx context.Context, b view.Batch, changes *view.Changes) error {
	tx, err := v.write.BeginTx(ctx, v.dialect.ApplyOptions)
	if err != nil {
		return err
	}
	defer tx.Rollback() // after a commit it does nothing
	old, err := v.lockProgress(ctx, tx, b.To.Partition)
	if err != nil {
		return err
	}
	switch {
	case b.From > old.Next:
		return fmt.Errorf("%w: %d, progress %d", view.ErrHole, b.From, old.Next)
	case old.Log != "" && old.Log != b.To.Log:
		return fmt.Errorf("%w: %s, batch %s", view.ErrOtherLog, old.Log, b.To.Log)
	}
	if err := v.writeRows(ctx, tx, changes); err != nil {
		return err
	}
	if err := v.countSkipped(ctx, tx, b); err != nil {
		return err
	}
	if b.To.Next > old.Next {
		p := b.To
		_, err := tx.ExecContext(ctx, "INSERT INTO progress (partition_no, "+progressColumns+") VALUES (?, ?, ?, ?, ?, ?)"+v.dialect.OnProgress,
			p.Partition, p.Log, p.Generation, p.Next, p.LastID, p.LastOffset)
		if err != nil {
			return err
		}
	}
	return tx.Commit()
}

// lockProgress locks the partition's progress: two workers that both believe
// to own the partition queue up here.
func (v *View) lockProgress(ctx context.Context, tx *sql.Tx, partition int32) (view.Progress, error) {
	p := noProgress(partition)
	query := "SELECT " + progressColumns + " FROM progress WHERE partition_no = ?" + v.dialect.LockRow
	scan := func() error {
		return tx.QueryRowContext(ctx, query, partition).Scan(&p.Log, &p.Generation, &p.Next, &p.LastID, &p.LastOffset)
	}
	err := scan()
	if !errors.Is(err, sql.ErrNoRows) {
		return p, err
	}
	// The first batch of a partition: make the row, so that there is one to lock.
	_, err = tx.ExecContext(ctx, "INSERT INTO progress (partition_no, "+progressColumns+") VALUES (?, '', 0, 0, '', -1)"+v.dialect.OnProgress, partition)
	if err != nil {
		return p, err
	}
	return p, scan()
}

func (v *View) writeRows(ctx context.Context, tx *sql.Tx, c *view.Changes) error {
	w := writer{ctx: ctx, tx: tx, placeholders: v.dialect.Placeholders}
	w.begin("INSERT INTO application (token, username, chats, created, version) VALUES ", 5, v.dialect.OnApplication)
	for _, a := range c.Applications {
		w.row(len(a.Username), a.Token, a.Username, a.Chats, micros(a.Created), a.Version)
	}
	w.begin("INSERT INTO chat (application, number, messages, created, version) VALUES ", 5, v.dialect.OnChat)
	for _, r := range c.Chats {
		w.row(0, r.Application, r.Number, r.Messages, micros(r.Created), r.Version)
	}
	w.begin("INSERT INTO message (application, chat, number, message, created, edited, deleted, version) VALUES ", 8, v.dialect.OnMessage)
	for _, m := range c.Messages {
		deleted := 0
		if m.Deleted {
			deleted = 1
		}
		w.row(len(m.Text), m.Application, m.Chat, m.Number, m.Text, micros(m.Created), micros(m.Edited), deleted, m.Version)
	}
	w.begin("INSERT INTO keyed_command (id, application, op, chat, number, fingerprint, record_offset) VALUES ", 7, v.dialect.OnKeyed)
	for _, k := range c.Keyed {
		w.row(0, k.ID, k.Application, string(k.Op), k.Chat, k.Number, k.Fingerprint, k.Offset)
	}
	w.flush()
	return w.err
}

// countSkipped keeps what numbering needs of entries that cannot be stored: that
// their numbers were given, and that their keys were used. Without it an owner
// that reads its numbers from here would give them again.
func (v *View) countSkipped(ctx context.Context, tx *sql.Tx, b view.Batch) error {
	if len(b.Skipped) == 0 {
		return nil
	}
	changes := view.Fold(b.To.Generation, b.Skipped)
	for _, a := range changes.Applications {
		if _, err := tx.ExecContext(ctx, "UPDATE application SET chats = ? WHERE token = ? AND chats < ?", a.Chats, a.Token, a.Chats); err != nil {
			return err
		}
	}
	for _, c := range changes.Chats {
		if _, err := tx.ExecContext(ctx, "UPDATE chat SET messages = ? WHERE application = ? AND number = ? AND messages < ?",
			c.Messages, c.Application, c.Number, c.Messages); err != nil {
			return err
		}
	}
	return v.writeRows(ctx, tx, &view.Changes{Keyed: changes.Keyed})
}

// statementBytes bounds the texts in one statement, well below any server's
// max_allowed_packet (16 MiB at the least by default).
const statementBytes = 4 << 20

// writer gathers rows into multi-row statements. After an error it does
// nothing more.
type writer struct {
	ctx          context.Context
	tx           *sql.Tx
	placeholders int
	head, tail   string
	columns      int
	args         []any
	bytes        int
	err          error
}

// begin starts rows of another table.
func (w *writer) begin(head string, columns int, tail string) {
	w.flush()
	w.head, w.tail, w.columns = head, tail, columns
}

func (w *writer) row(bytes int, args ...any) {
	if len(w.args)+w.columns > w.placeholders || w.bytes+bytes > statementBytes {
		w.flush()
	}
	w.args = append(w.args, args...)
	w.bytes += bytes
}

func (w *writer) flush() {
	if len(w.args) > 0 && w.err == nil {
		row := "(" + strings.Repeat("?,", w.columns-1) + "?)"
		query := w.head + strings.Repeat(row+",", len(w.args)/w.columns-1) + row + w.tail
		_, w.err = w.tx.ExecContext(w.ctx, query, w.args...)
	}
	w.args, w.bytes = w.args[:0], 0
}

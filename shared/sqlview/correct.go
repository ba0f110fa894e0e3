package sqlview

import (
	"context"
	"database/sql"
	"errors"

	"chatlog/shared/view"
)

// Correction is what becomes of one row that the log does not justify. It is
// made only if the row still is at the version, and has the count, that it was
// found with. Exactly one of the pointers is set: to what the row must be, or,
// if it is to be removed, to its key.
type Correction struct {
	Application *view.Application
	Chat        *view.Chat
	Message     *view.Message
	Keyed       *view.KeyedCommand
	Version     int64 // found; of a keyed command its offset
	Count       int64 // found, of an application or a chat
	Remove      bool
}

// Correct makes corrections that decide gives for the partition's progress, all
// in one transaction that holds the progress: no batch is taken meanwhile, and
// nobody sees a row that says less than the progress beside it. decide may be
// called more than once. A row that others refer to is not removed.
func (v *View) Correct(ctx context.Context, partition int32, decide func(context.Context, view.Progress) ([]Correction, error)) error {
	return v.repeat(ctx, "correct", func() error { return v.correct(ctx, partition, decide) })
}

func (v *View) correct(ctx context.Context, partition int32, decide func(context.Context, view.Progress) ([]Correction, error)) error {
	tx, err := v.write.BeginTx(ctx, v.dialect.ApplyOptions)
	if err != nil {
		return err
	}
	defer tx.Rollback() // after a commit it does nothing
	p := noProgress(partition)
	err = tx.QueryRowContext(ctx, "SELECT "+progressColumns+" FROM progress WHERE partition_no = ?"+v.dialect.LockRow, partition).
		Scan(&p.Log, &p.Generation, &p.Next, &p.LastID, &p.LastOffset)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return err
	}
	corrections, err := decide(ctx, p)
	if err != nil {
		return err
	}
	for _, c := range corrections {
		query, args := c.statement()
		if _, err := tx.ExecContext(ctx, query, args...); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func (c Correction) statement() (query string, args []any) {
	switch a, r, m := c.Application, c.Chat, c.Message; {
	case a != nil && c.Remove:
		return "DELETE FROM application WHERE token = ? AND version = ? AND NOT EXISTS (SELECT 1 FROM chat WHERE chat.application = ?)",
			[]any{a.Token, c.Version, a.Token}
	case a != nil:
		return "UPDATE application SET username = ?, chats = ?, created = ?, version = ? WHERE token = ? AND version = ? AND chats = ?",
			[]any{a.Username, a.Chats, micros(a.Created), a.Version, a.Token, c.Version, c.Count}
	case r != nil && c.Remove:
		return "DELETE FROM chat WHERE application = ? AND number = ? AND version = ?" +
				" AND NOT EXISTS (SELECT 1 FROM message WHERE message.application = ? AND message.chat = ?)",
			[]any{r.Application, r.Number, c.Version, r.Application, r.Number}
	case r != nil:
		return "UPDATE chat SET messages = ?, created = ?, version = ? WHERE application = ? AND number = ? AND version = ? AND messages = ?",
			[]any{r.Messages, micros(r.Created), r.Version, r.Application, r.Number, c.Version, c.Count}
	case m != nil && c.Remove:
		return "DELETE FROM message WHERE application = ? AND chat = ? AND number = ? AND version = ?",
			[]any{m.Application, m.Chat, m.Number, c.Version}
	case m != nil:
		deleted := 0
		if m.Deleted {
			deleted = 1
		}
		return "UPDATE message SET message = ?, created = ?, edited = ?, deleted = ?, version = ? WHERE application = ? AND chat = ? AND number = ? AND version = ?",
			[]any{m.Text, micros(m.Created), micros(m.Edited), deleted, m.Version, m.Application, m.Chat, m.Number, c.Version}
	}
	return "DELETE FROM keyed_command WHERE id = ? AND record_offset = ?", []any{c.Keyed.ID, c.Version}
}

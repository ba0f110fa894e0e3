package sqlview

import (
	"context"
	"database/sql"
	"errors"

	"chatlog/shared/view"
)

// Every read gives row and progress in one statement: the progress that comes
// with a row says what the row may be missing, whatever anybody remembers.

// A partition without progress has no rows either, as both are written in one
// transaction: rows are joined to the progress, and the database looks up two
// primary keys.
const (
	readProgress = "p.log, p.generation, p.next_offset, p.last_id, p.last_offset"
	ofPartition  = " WHERE p.partition_no = ?"
)

func progressInto(p *view.Progress) []any {
	return []any{&p.Log, &p.Generation, &p.Next, &p.LastID, &p.LastOffset}
}

// Application reads one application.
func (v *View) Application(ctx context.Context, partition int32, token string) (a view.Application, found bool, p view.Progress, err error) {
	p = noProgress(partition)
	var username sql.NullString
	var chats, created, version sql.NullInt64
	err = v.read.QueryRowContext(ctx, "SELECT "+readProgress+", a.username, a.chats, a.created, a.version FROM progress p"+
		" LEFT JOIN application a ON a.token = ?"+ofPartition, token, partition).
		Scan(append(progressInto(&p), &username, &chats, &created, &version)...)
	if there, err := v.found(err); !there {
		return a, false, p, err
	}
	return view.Application{Token: token, Username: username.String, Chats: chats.Int64, Created: createdAt(created.Int64), Version: version.Int64},
		version.Valid, p, nil
}

// Chat reads one chat.
func (v *View) Chat(ctx context.Context, partition int32, application string, number int64) (c view.Chat, found bool, p view.Progress, err error) {
	p = noProgress(partition)
	var messages, created, version sql.NullInt64
	err = v.read.QueryRowContext(ctx, "SELECT "+readProgress+", c.messages, c.created, c.version FROM progress p"+
		" LEFT JOIN chat c ON c.application = ? AND c.number = ?"+ofPartition, application, number, partition).
		Scan(append(progressInto(&p), &messages, &created, &version)...)
	if there, err := v.found(err); !there {
		return c, false, p, err
	}
	return view.Chat{Application: application, Number: number, Messages: messages.Int64, Created: createdAt(created.Int64), Version: version.Int64},
		version.Valid, p, nil
}

// Message reads one message; a tombstone is found, with Deleted set.
func (v *View) Message(ctx context.Context, partition int32, k view.MessageKey) (m view.Message, found bool, p view.Progress, err error) {
	p = noProgress(partition)
	var text sql.NullString
	var created, edited, deleted, version sql.NullInt64
	err = v.read.QueryRowContext(ctx, "SELECT "+readProgress+", m.message, m.created, m.edited, m.deleted, m.version FROM progress p"+
		" LEFT JOIN message m ON m.application = ? AND m.chat = ? AND m.number = ?"+ofPartition, k.Application, k.Chat, k.Number, partition).
		Scan(append(progressInto(&p), &text, &created, &edited, &deleted, &version)...)
	if there, err := v.found(err); !there {
		return m, false, p, err
	}
	return view.Message{Application: k.Application, Chat: k.Chat, Number: k.Number, Text: text.String, Created: createdAt(created.Int64),
		Edited: editedAt(edited.Int64), Deleted: deleted.Int64 != 0, Version: version.Int64}, version.Valid, p, nil
}

// found reports whether a row was read, and gives a failure its kind.
func (v *View) found(err error) (bool, error) {
	if err == nil || errors.Is(err, sql.ErrNoRows) {
		return err == nil, nil
	}
	return false, v.fail("read", err)
}

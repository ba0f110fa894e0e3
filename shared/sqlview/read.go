package sqlview

import (
	"context"
	"database/sql"

	"chatlog/shared/view"
)

// Every read gives row and progress in one statement: the progress that comes
// with a row says what the row may be missing, whatever anybody remembers.

// from is the FROM clause that gives the progress of a partition exactly once,
// so that rows can be joined to it.
const from = ` FROM (SELECT 1 AS one) AS one LEFT JOIN progress p ON p.partition_no = ?`

const readProgress = "COALESCE(p.log, ''), COALESCE(p.generation, 0), COALESCE(p.next_offset, 0), COALESCE(p.last_id, ''), COALESCE(p.last_offset, -1)"

func progressInto(p *view.Progress) []any {
	return []any{&p.Log, &p.Generation, &p.Next, &p.LastID, &p.LastOffset}
}

// Application reads one application.
func (v *View) Application(ctx context.Context, partition int32, token string) (a view.Application, found bool, p view.Progress, err error) {
	p = noProgress(partition)
	var username sql.NullString
	var chats, created, version sql.NullInt64
	err = v.read.QueryRowContext(ctx, "SELECT "+readProgress+", a.username, a.chats, a.created, a.version"+from+
		" LEFT JOIN application a ON a.token = ?", partition, token).
		Scan(append(progressInto(&p), &username, &chats, &created, &version)...)
	if err != nil {
		return a, false, p, v.fail("read", err)
	}
	return view.Application{Token: token, Username: username.String, Chats: chats.Int64, Created: fromMicros(created.Int64), Version: version.Int64},
		version.Valid, p, nil
}

// Chat reads one chat.
func (v *View) Chat(ctx context.Context, partition int32, application string, number int64) (c view.Chat, found bool, p view.Progress, err error) {
	p = noProgress(partition)
	var messages, created, version sql.NullInt64
	err = v.read.QueryRowContext(ctx, "SELECT "+readProgress+", c.messages, c.created, c.version"+from+
		" LEFT JOIN chat c ON c.application = ? AND c.number = ?", partition, application, number).
		Scan(append(progressInto(&p), &messages, &created, &version)...)
	if err != nil {
		return c, false, p, v.fail("read", err)
	}
	return view.Chat{Application: application, Number: number, Messages: messages.Int64, Created: fromMicros(created.Int64), Version: version.Int64},
		version.Valid, p, nil
}

// Message reads one message; a tombstone is found, with Deleted set.
func (v *View) Message(ctx context.Context, partition int32, k view.MessageKey) (m view.Message, found bool, p view.Progress, err error) {
	p = noProgress(partition)
	var text sql.NullString
	var created, edited, deleted, version sql.NullInt64
	err = v.read.QueryRowContext(ctx, "SELECT "+readProgress+", m.message, m.created, m.edited, m.deleted, m.version"+from+
		" LEFT JOIN message m ON m.application = ? AND m.chat = ? AND m.number = ?", partition, k.Application, k.Chat, k.Number).
		Scan(append(progressInto(&p), &text, &created, &edited, &deleted, &version)...)
	if err != nil {
		return m, false, p, v.fail("read", err)
	}
	return view.Message{Application: k.Application, Chat: k.Chat, Number: k.Number, Text: text.String, Created: fromMicros(created.Int64),
		Edited: fromMicros(edited.Int64), Deleted: deleted.Int64 != 0, Version: version.Int64}, version.Valid, p, nil
}

// Page says which part of a list is wanted: at most Limit items beyond the
// number After (0: from the list's end that comes first), upwards or downwards.
type Page struct {
	After      int64
	Limit      int
	Descending bool
}

// bounds gives the condition and order of a keyset page.
func (p Page) bounds(column string) (where, order string, after int64) {
	if p.Descending {
		after = p.After
		if after == 0 {
			after = 1<<63 - 1
			return column + " <= ?", column + " DESC", after
		}
		return column + " < ?", column + " DESC", after
	}
	return column + " > ?", column, p.After
}

// Messages reads a page of a chat's messages without tombstones. found says
// whether there is such a chat.
func (v *View) Messages(ctx context.Context, partition int32, chat view.ChatKey, page Page) (out []view.Message, found bool, p view.Progress, err error) {
	where, order, after := page.bounds("number")
	rows, err := v.read.QueryContext(ctx, "SELECT "+readProgress+", c.number, m.number, m.message, m.created, m.edited, m.version"+from+
		" LEFT JOIN chat c ON c.application = ? AND c.number = ?"+
		" LEFT JOIN (SELECT number, message, created, edited, version FROM message WHERE application = ? AND chat = ? AND "+where+
		" AND deleted = 0 ORDER BY "+order+" LIMIT ?) m ON 1 = 1 ORDER BY m."+order,
		partition, chat.Application, chat.Number, chat.Application, chat.Number, after, page.Limit)
	if err != nil {
		return nil, false, p, v.fail("list", err)
	}
	defer rows.Close()
	p = noProgress(partition)
	for rows.Next() {
		var there, number, created, edited, version sql.NullInt64
		var text sql.NullString
		if err := rows.Scan(append(progressInto(&p), &there, &number, &text, &created, &edited, &version)...); err != nil {
			return nil, false, p, v.fail("list", err)
		}
		found = there.Valid
		if number.Valid {
			out = append(out, view.Message{Application: chat.Application, Chat: chat.Number, Number: number.Int64, Text: text.String,
				Created: fromMicros(created.Int64), Edited: fromMicros(edited.Int64), Version: version.Int64})
		}
	}
	if err := rows.Err(); err != nil {
		return nil, false, p, v.fail("list", err)
	}
	return out, found, p, nil
}

// Chats reads a page of an application's chats. found says whether there is
// such an application.
func (v *View) Chats(ctx context.Context, partition int32, application string, page Page) (out []view.Chat, found bool, p view.Progress, err error) {
	where, order, after := page.bounds("number")
	rows, err := v.read.QueryContext(ctx, "SELECT "+readProgress+", a.token, c.number, c.messages, c.created, c.version"+from+
		" LEFT JOIN application a ON a.token = ?"+
		" LEFT JOIN (SELECT number, messages, created, version FROM chat WHERE application = ? AND "+where+
		" ORDER BY "+order+" LIMIT ?) c ON 1 = 1 ORDER BY c."+order,
		partition, application, application, after, page.Limit)
	if err != nil {
		return nil, false, p, v.fail("list", err)
	}
	defer rows.Close()
	p = noProgress(partition)
	for rows.Next() {
		var token sql.NullString
		var number, messages, created, version sql.NullInt64
		if err := rows.Scan(append(progressInto(&p), &token, &number, &messages, &created, &version)...); err != nil {
			return nil, false, p, v.fail("list", err)
		}
		found = token.Valid
		if number.Valid {
			out = append(out, view.Chat{Application: application, Number: number.Int64, Messages: messages.Int64,
				Created: fromMicros(created.Int64), Version: version.Int64})
		}
	}
	if err := rows.Err(); err != nil {
		return nil, false, p, v.fail("list", err)
	}
	return out, found, p, nil
}

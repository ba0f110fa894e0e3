package sqlview

import (
	"context"
	"database/sql"
	"strings"

	"chatlog/shared/command"
	"chatlog/shared/view"
)

// The scans list whole tables for an audit, by pages in the order of the
// primary key: at most limit rows after a key, from the beginning if that is
// nil. Every row is of one moment; rows of a page need not be of the same.

// ApplicationRow is an application as it is listed. Bare says that it counts
// chats, but has no row of the last one.
type ApplicationRow struct {
	view.Application
	Bare bool
}

// ChatRow is a chat as it is listed. Bare says that it counts messages, but has
// no row of the last one.
type ChatRow struct {
	view.Chat
	Bare bool
}

// ScanApplications lists applications.
func (v *View) ScanApplications(ctx context.Context, after *string, limit int) (out []ApplicationRow, err error) {
	const bare = "chats > 0 AND NOT EXISTS (SELECT 1 FROM chat WHERE chat.application = application.token AND chat.number = application.chats)"
	s := scan{table: "application", columns: "token, username, chats, created, version, " + bare, key: []string{"token"}, limit: limit}
	if after != nil {
		s.after = []any{*after}
	}
	err = v.scan(ctx, s, func(r *sql.Rows) error {
		var row ApplicationRow
		var created int64
		err := r.Scan(&row.Token, &row.Username, &row.Chats, &created, &row.Version, &row.Bare)
		row.Created = createdAt(created)
		out = append(out, row)
		return err
	})
	return out, err
}

// ScanChats lists chats.
func (v *View) ScanChats(ctx context.Context, after *view.ChatKey, limit int) (out []ChatRow, err error) {
	const bare = "messages > 0 AND NOT EXISTS (SELECT 1 FROM message WHERE message.application = chat.application" +
		" AND message.chat = chat.number AND message.number = chat.messages)"
	s := scan{table: "chat", columns: "application, number, messages, created, version, " + bare, key: []string{"application", "number"}, limit: limit}
	if after != nil {
		s.after = []any{after.Application, after.Number}
	}
	err = v.scan(ctx, s, func(r *sql.Rows) error {
		var row ChatRow
		var created int64
		err := r.Scan(&row.Application, &row.Number, &row.Messages, &created, &row.Version, &row.Bare)
		row.Created = createdAt(created)
		out = append(out, row)
		return err
	})
	return out, err
}

// ScanMessages lists messages, tombstones included, without their texts.
func (v *View) ScanMessages(ctx context.Context, after *view.MessageKey, limit int) (out []view.Message, err error) {
	s := scan{table: "message", columns: "application, chat, number, created, edited, deleted, version", key: []string{"application", "chat", "number"}, limit: limit}
	if after != nil {
		s.after = []any{after.Application, after.Chat, after.Number}
	}
	err = v.scan(ctx, s, func(r *sql.Rows) error {
		var m view.Message
		var created, edited int64
		err := r.Scan(&m.Application, &m.Chat, &m.Number, &created, &edited, &m.Deleted, &m.Version)
		m.Created, m.Edited = createdAt(created), editedAt(edited)
		out = append(out, m)
		return err
	})
	return out, err
}

// ScanKeyed lists keyed commands.
func (v *View) ScanKeyed(ctx context.Context, after *string, limit int) (out []view.KeyedCommand, err error) {
	s := scan{table: "keyed_command", columns: "id, application, op, chat, number, fingerprint, record_offset", key: []string{"id"}, limit: limit}
	if after != nil {
		s.after = []any{*after}
	}
	err = v.scan(ctx, s, func(r *sql.Rows) error {
		var k view.KeyedCommand
		var op string
		err := r.Scan(&k.ID, &k.Application, &op, &k.Chat, &k.Number, &k.Fingerprint, &k.Offset)
		k.Op = command.Op(op)
		out = append(out, k)
		return err
	})
	return out, err
}

// scan is one page of a table.
type scan struct {
	table, columns string
	key            []string // the columns of the primary key
	after          []any    // their values in the last row before the page; nil: none
	limit          int
}

// scan runs a statement for every length of key that the next rows may have in
// common with the last one, the longest first. One statement that compares whole
// keys would do, but MySQL reads the table from its beginning for that.
func (v *View) scan(ctx context.Context, s scan, take func(*sql.Rows) error) error {
	left := s.limit
	counted := func(r *sql.Rows) error {
		left--
		return take(r)
	}
	if s.after == nil {
		return v.each(ctx, s, "", []any{left}, counted)
	}
	for common := len(s.key) - 1; common >= 0 && left > 0; common-- {
		where := " WHERE "
		for _, column := range s.key[:common] {
			where += column + " = ? AND "
		}
		args := append([]any{}, s.after[:common+1]...)
		if err := v.each(ctx, s, where+s.key[common]+" > ?", append(args, left), counted); err != nil {
			return err
		}
	}
	return nil
}

func (v *View) each(ctx context.Context, s scan, where string, args []any, take func(*sql.Rows) error) error {
	rows, err := v.read.QueryContext(ctx, "SELECT "+s.columns+" FROM "+s.table+where+" ORDER BY "+strings.Join(s.key, ", ")+" LIMIT ?", args...)
	if err != nil {
		return v.fail("scan", err)
	}
	defer rows.Close()
	for rows.Next() {
		if err := take(rows); err != nil {
			return v.fail("scan", err)
		}
	}
	if err := rows.Err(); err != nil {
		return v.fail("scan", err)
	}
	return nil
}

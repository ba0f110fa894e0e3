package audit

import (
	"context"
	"database/sql"
	"time"
)

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// Rows compares the relational view with the truth, in both directions. The
// view must have come to the log's end.
func (t *Truth) Rows(ctx context.Context, db *sql.DB) error {
	for _, check := range []func(context.Context, *sql.DB) error{t.progressRows, t.applicationRows, t.chatRows, t.messageRows, t.commandRows} {
		if err := check(ctx, db); err != nil {
			return err
		}
	}
	return nil
}

// each calls take for every row of a query.
func each(ctx context.Context, db *sql.DB, query string, take func(scan func(...any) error) error) error {
	rows, err := db.QueryContext(ctx, query)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := take(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

func (t *Truth) progressRows(ctx context.Context, db *sql.DB) error {
	seen := map[int32]bool{}
	err := each(ctx, db, "SELECT partition_no, log, next_offset FROM progress", func(scan func(...any) error) error {
		var p int32
		var log string
		var next int64
		if err := scan(&p, &log, &next); err != nil {
			return err
		}
		seen[p] = true
		if end, known := t.Log.Ends[p]; !known || log != t.Log.ID || next < end {
			t.find("rows", "progress of partition %d is %s:%d, the log ends at %s:%d", p, log, next, t.Log.ID, end)
		}
		return nil
	})
	for p, end := range t.Log.Ends {
		if end > 0 && !seen[p] {
			t.find("rows", "partition %d has no progress, the log ends at %d", p, end)
		}
	}
	return err
}

func (t *Truth) applicationRows(ctx context.Context, db *sql.DB) error {
	seen := 0
	err := each(ctx, db, "SELECT token, username, chats, created, version FROM application", func(scan func(...any) error) error {
		var token string
		var got Application
		var created int64
		if err := scan(&token, &got.Username, &got.Chats, &created, &got.Version); err != nil {
			return err
		}
		got.Created = time.UnixMicro(created)
		want, there := t.Applications[token]
		switch {
		case !there:
			t.find("rows", "application %s is not in the log", token)
		case got.Username != want.Username || got.Chats != want.Chats || created != micros(want.Created) || got.Version != want.Version:
			t.find("rows", "application %s is %+v, must be %+v", token, got, want)
		default:
			seen++
		}
		return nil
	})
	t.missing("rows", "applications", seen, len(t.Applications))
	return err
}

func (t *Truth) missing(where, what string, seen, want int) {
	if seen != want {
		t.find(where, "%d of %d %s are right", seen, want, what)
	}
}

func (t *Truth) chatRows(ctx context.Context, db *sql.DB) error {
	seen := 0
	err := each(ctx, db, "SELECT application, number, messages, created, version FROM chat", func(scan func(...any) error) error {
		var key ChatKey
		var got Chat
		var created int64
		if err := scan(&key.Application, &key.Chat, &got.Messages, &created, &got.Version); err != nil {
			return err
		}
		got.Created = time.UnixMicro(created)
		want, there := t.Chats[key]
		switch {
		case !there:
			t.find("rows", "chat %v is not in the log", key)
		case got.Messages != want.Messages || created != micros(want.Created) || got.Version != want.Version:
			t.find("rows", "chat %v is %+v, must be %+v", key, got, want)
		default:
			seen++
		}
		return nil
	})
	t.missing("rows", "chats", seen, len(t.Chats))
	return err
}

func (t *Truth) messageRows(ctx context.Context, db *sql.DB) error {
	seen := 0
	query := "SELECT application, chat, number, message, created, edited, deleted, version FROM message"
	err := each(ctx, db, query, func(scan func(...any) error) error {
		var key MessageKey
		var got Message
		var created, edited int64
		if err := scan(&key.Application, &key.Chat, &key.Number, &got.Text, &created, &edited, &got.Deleted, &got.Version); err != nil {
			return err
		}
		if t.message("rows", key, got, created, edited) {
			seen++
		}
		return nil
	})
	t.missing("rows", "messages", seen, len(t.Messages))
	return err
}

// message compares one message of a view.
func (t *Truth) message(where string, key MessageKey, got Message, created, edited int64) bool {
	want, there := t.Messages[key]
	switch {
	case !there:
		t.find(where, "message %v is not in the log", key)
	case got.Text != want.Text || created != micros(want.Created) || edited != micros(want.Edited) || got.Deleted != want.Deleted || got.Version != want.Version:
		t.find(where, "message %v is %.60q created %d edited %d deleted %v version %d, must be %.60q %d %d %v %d", key,
			got.Text, created, edited, got.Deleted, got.Version, want.Text, micros(want.Created), micros(want.Edited), want.Deleted, want.Version)
	default:
		return true
	}
	return false
}

func (t *Truth) commandRows(ctx context.Context, db *sql.DB) error {
	seen := 0
	query := "SELECT id, application, op, chat, number, fingerprint, record_offset FROM keyed_command"
	err := each(ctx, db, query, func(scan func(...any) error) error {
		var id string
		var got Command
		if err := scan(&id, &got.Application, &got.Op, &got.Chat, &got.Number, &got.Fingerprint, &got.Offset); err != nil {
			return err
		}
		if want := t.Commands[id]; got != want {
			t.find("rows", "keyed command %s is %+v, must be %+v", id, got, want)
			return nil
		}
		seen++
		return nil
	})
	t.missing("rows", "keyed commands", seen, len(t.Commands))
	return err
}

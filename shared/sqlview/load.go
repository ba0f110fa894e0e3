package sqlview

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"chatlog/shared/command"
	"chatlog/shared/view"
)

// Keys names rows to load.
type Keys struct {
	Applications []string
	Chats        []view.ChatKey
	Messages     []view.MessageKey
	Commands     []string
}

// Snapshot is what the view has of some keys, together with its progress in
// one partition at the very same moment.
type Snapshot struct {
	Progress     view.Progress
	Applications map[string]view.Application
	Chats        map[view.ChatKey]view.Chat
	Messages     map[view.MessageKey]view.Message // without their texts, unless loaded whole
	Commands     map[string]view.KeyedCommand
}

// Load reads rows and the partition's progress in one consistent snapshot of
// the primary.
func (v *View) Load(ctx context.Context, partition int32, k Keys) (Snapshot, error) {
	return v.load(ctx, partition, k, false)
}

// LoadWhole is Load with the messages' texts.
func (v *View) LoadWhole(ctx context.Context, partition int32, k Keys) (Snapshot, error) {
	return v.load(ctx, partition, k, true)
}

func (v *View) load(ctx context.Context, partition int32, k Keys, texts bool) (Snapshot, error) {
	tx, err := v.read.BeginTx(ctx, v.dialect.SnapshotOptions)
	if err != nil {
		return Snapshot{}, v.fail("load", err)
	}
	defer tx.Rollback() // nothing was written
	s := Snapshot{Progress: noProgress(partition), Applications: map[string]view.Application{}, Chats: map[view.ChatKey]view.Chat{},
		Messages: map[view.MessageKey]view.Message{}, Commands: map[string]view.KeyedCommand{}}
	p := &s.Progress
	err = tx.QueryRowContext(ctx, "SELECT "+progressColumns+" FROM progress WHERE partition_no = ?", partition).
		Scan(&p.Log, &p.Generation, &p.Next, &p.LastID, &p.LastOffset)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return Snapshot{}, v.fail("load", err)
	}
	l := loader{ctx: ctx, tx: tx, rowList: v.dialect.RowList}
	l.applications(&s, k.Applications)
	l.chats(&s, k.Chats)
	l.messages(&s, k.Messages, texts)
	l.commands(&s, k.Commands)
	if l.err != nil {
		return Snapshot{}, v.fail("load", l.err)
	}
	return s, nil
}

// loader runs the queries of one snapshot. After an error it does nothing more.
type loader struct {
	ctx context.Context
	tx  *sql.Tx
	// rowList stands before a list of row values.
	rowList string
	err     error
}

// each runs a query for the rows of some keys and scans what it finds. key is
// one row's placeholders.
func (l *loader) each(query, key string, count int, args []any, scan func(*sql.Rows) error) {
	if count == 0 || l.err != nil {
		return
	}
	if key != "?" {
		query += " (" + l.rowList
	} else {
		query += " ("
	}
	rows, err := l.tx.QueryContext(l.ctx, query+strings.Repeat(key+",", count-1)+key+")", args...)
	if err != nil {
		l.err = err
		return
	}
	defer rows.Close()
	for rows.Next() {
		if l.err = scan(rows); l.err != nil {
			return
		}
	}
	l.err = rows.Err()
}

func (l *loader) applications(s *Snapshot, tokens []string) {
	args := make([]any, 0, len(tokens))
	for _, t := range tokens {
		args = append(args, t)
	}
	l.each("SELECT token, username, chats, created, version FROM application WHERE token IN", "?", len(tokens), args, func(r *sql.Rows) error {
		var a view.Application
		var created int64
		err := r.Scan(&a.Token, &a.Username, &a.Chats, &created, &a.Version)
		a.Created = createdAt(created)
		s.Applications[a.Token] = a
		return err
	})
}

func (l *loader) chats(s *Snapshot, keys []view.ChatKey) {
	args := make([]any, 0, 2*len(keys))
	for _, k := range keys {
		args = append(args, k.Application, k.Number)
	}
	l.each("SELECT application, number, messages, created, version FROM chat WHERE (application, number) IN", "(?,?)", len(keys), args, func(r *sql.Rows) error {
		var c view.Chat
		var created int64
		err := r.Scan(&c.Application, &c.Number, &c.Messages, &created, &c.Version)
		c.Created = createdAt(created)
		s.Chats[view.ChatKey{Application: c.Application, Number: c.Number}] = c
		return err
	})
}

func (l *loader) messages(s *Snapshot, keys []view.MessageKey, texts bool) {
	text := "''"
	if texts {
		text = "message"
	}
	args := make([]any, 0, 3*len(keys))
	for _, k := range keys {
		args = append(args, k.Application, k.Chat, k.Number)
	}
	l.each("SELECT application, chat, number, "+text+", created, edited, deleted, version FROM message WHERE (application, chat, number) IN", "(?,?,?)", len(keys), args, func(r *sql.Rows) error {
		var m view.Message
		var created, edited int64
		err := r.Scan(&m.Application, &m.Chat, &m.Number, &m.Text, &created, &edited, &m.Deleted, &m.Version)
		m.Created, m.Edited = createdAt(created), editedAt(edited)
		s.Messages[view.MessageKey{Application: m.Application, Chat: m.Chat, Number: m.Number}] = m
		return err
	})
}

func (l *loader) commands(s *Snapshot, ids []string) {
	args := make([]any, 0, len(ids))
	for _, id := range ids {
		args = append(args, id)
	}
	l.each("SELECT id, application, op, chat, number, fingerprint, record_offset FROM keyed_command WHERE id IN", "?", len(ids), args, func(r *sql.Rows) error {
		var k view.KeyedCommand
		var op string
		err := r.Scan(&k.ID, &k.Application, &op, &k.Chat, &k.Number, &k.Fingerprint, &k.Offset)
		k.Op = command.Op(op)
		s.Commands[k.ID] = k
		return err
	})
}

package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"

	"chatlog/deploy/movein/old"
	"chatlog/deploy/movein/plan"
	"chatlog/shared/command"
	"chatlog/shared/mysqlconn"
)

// verify compares what was planned with chatlog's relational view. It holds one
// message at a time.
func verify(ctx context.Context, cfg Config, o options, from *old.Snapshot, out io.Writer) (err error) {
	db, err := mysqlconn.Open(cfg.MySQL)
	if err != nil {
		return err
	}
	defer db.Close()
	c := &comparison{ctx: ctx, db: db, out: out}
	defer c.endRows()
	p := plan.New(o.choices, c.take, func(plan.Finding) {})
	if err := errors.Join(through(ctx, from, p), c.endApplication()); err != nil {
		return err
	}
	t := p.Totals()
	fmt.Fprintf(out, "compared: %d applications, %d chats, %d messages; %d differences\n", t.Applications, t.Chats, t.Messages, c.differences)
	if c.differences > 0 {
		return errDiffers
	}
	return nil
}

// comparison walks through the plan and the view side by side.
type comparison struct {
	ctx         context.Context
	db          *sql.DB
	out         io.Writer
	differences int

	token string
	chats int64        // planned of the application
	chat  int64        // the chat whose messages are compared; 0: none
	last  int64        // the last planned message of it
	rows  *sql.Rows    // the chat's messages in the view
	next  *row         // the one that was read and not compared yet
	held  *plan.Record // the last planned message, until it is known whether it is deleted
}

// row is a message of the view.
type row struct {
	number, created, edited int64
	text                    string
	deleted                 bool
}

// peek gives the next message of the view; nil: there is none.
func (c *comparison) peek() (*row, error) {
	if c.next != nil {
		return c.next, nil
	}
	if !c.rows.Next() {
		return nil, c.rows.Err()
	}
	c.next = &row{}
	return c.next, c.rows.Scan(&c.next.number, &c.next.text, &c.next.deleted, &c.next.created, &c.next.edited)
}

func (c *comparison) differ(format string, args ...any) {
	c.differences++
	fmt.Fprintf(c.out, "differs: "+format+"\n", args...)
}

// take compares one planned record.
func (c *comparison) take(r plan.Record) error {
	switch r.Op {
	case command.MessageDelete:
		held := *c.held
		c.held = nil
		return c.message(held, true)
	case command.MessageCreate:
		if err := c.release(); err != nil {
			return err
		}
		c.last, c.held = r.Number, &r
		return nil
	case command.ChatCreate:
		if err := c.endChat(); err != nil {
			return err
		}
		return c.beginChat(r)
	}
	if err := c.endApplication(); err != nil {
		return err
	}
	c.token, c.chats = r.Application, 0
	var name string
	var created int64
	err := c.db.QueryRowContext(c.ctx, "SELECT username, created FROM application WHERE token = ?", r.Application).Scan(&name, &created)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		c.differ("application %s is not there", r.Application)
		return nil
	case err != nil:
		return err
	case name != r.Username || created != r.Time.UnixMicro():
		c.differ("application %s has the username %q, created %d; must be %q, %d", r.Application, name, created, r.Username, r.Time.UnixMicro())
	}
	return nil
}

func (c *comparison) beginChat(r plan.Record) (err error) {
	c.chats, c.chat, c.last = r.Chat, r.Chat, 0
	var created int64
	err = c.db.QueryRowContext(c.ctx, "SELECT created FROM chat WHERE application = ? AND number = ?", c.token, r.Chat).Scan(&created)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		c.differ("chat %d of %s is not there", r.Chat, c.token)
	case err != nil:
		return err
	case created != r.Time.UnixMicro():
		c.differ("chat %d of %s was created %d; must be %d", r.Chat, c.token, created, r.Time.UnixMicro())
	}
	c.rows, err = c.db.QueryContext(c.ctx, "SELECT number, message, deleted, created, edited FROM message WHERE application = ? AND chat = ? ORDER BY number", c.token, r.Chat)
	return err
}

// release compares the held message, which is not deleted.
func (c *comparison) release() error {
	if c.held == nil {
		return nil
	}
	held := *c.held
	c.held = nil
	return c.message(held, false)
}

// message compares a planned message with the view's.
func (c *comparison) message(want plan.Record, deleted bool) error {
	got, err := c.peek()
	if err != nil {
		return err
	}
	what := fmt.Sprintf("message %d of chat %d of %s", want.Number, c.chat, c.token)
	if got == nil || got.number > want.Number {
		c.differ("%s is not there", what)
		return nil
	}
	c.next = nil
	if deleted {
		want.Message = ""
	}
	switch {
	case got.deleted != deleted:
		c.differ("%s: deleted is %v; must be %v", what, got.deleted, deleted)
	case got.text != want.Message:
		c.differ("%s: the text is another one, of %d bytes; must have %d", what, len(got.text), len(want.Message))
	case got.created != want.Time.UnixMicro():
		c.differ("%s: was created %d; must be %d", what, got.created, want.Time.UnixMicro())
	case got.edited != 0 && !deleted:
		c.differ("%s: was edited since", what)
	}
	return nil
}

// endChat compares the chat's count, and what it has beyond the plan.
func (c *comparison) endChat() error {
	if c.chat == 0 {
		return nil
	}
	if err := c.release(); err != nil {
		return err
	}
	beyond, err := c.peek()
	if err != nil {
		return err
	}
	if beyond != nil {
		c.differ("chat %d of %s has messages beyond number %d", c.chat, c.token, c.last)
	}
	c.endRows()
	err = c.count("SELECT messages FROM chat WHERE application = ? AND number = ?", c.last, fmt.Sprintf("chat %d of %s", c.chat, c.token), c.token, c.chat)
	c.chat = 0
	return err
}

func (c *comparison) endRows() {
	if c.rows != nil {
		c.rows.Close()
		c.rows, c.next = nil, nil
	}
}

func (c *comparison) endApplication() error {
	if err := c.endChat(); err != nil || c.token == "" {
		return err
	}
	token := c.token
	c.token = ""
	return c.count("SELECT chats FROM application WHERE token = ?", c.chats, "application "+token, token)
}

// count compares a count; what is not there at all was told already.
func (c *comparison) count(query string, want int64, what string, args ...any) error {
	var got int64
	err := c.db.QueryRowContext(c.ctx, query, args...).Scan(&got)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return nil
	case err == nil && got != want:
		c.differ("%s counts %d; must count %d", what, got, want)
	}
	return err
}

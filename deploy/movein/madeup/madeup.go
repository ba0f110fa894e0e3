// Package madeup makes up a database of the replaced system, with everything in it
// that may be wrong, and knows where: what movein has to find.
package madeup

import (
	"context"
	"database/sql"
	"fmt"
	"strings"

	"chatlog/deploy/movein/plan"
)

// schema is the replaced system's, but that it takes what only a changed schema
// could: NULL, other bytes than UTF-8, and texts beyond 65,535 bytes.
var schema = []string{
	"CREATE TABLE applications (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, appID VARCHAR(255), username VARBINARY(2000), chatsCount INT, created_at DATETIME(6), updated_at DATETIME(6)) DEFAULT CHARSET utf8mb4 COLLATE utf8mb4_0900_ai_ci",
	"CREATE TABLE chats (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, appID VARCHAR(255) NOT NULL, chatID INT NOT NULL, messagesCount INT, created_at DATETIME(6), updated_at DATETIME(6)) DEFAULT CHARSET utf8mb4 COLLATE utf8mb4_0900_ai_ci",
	"CREATE TABLE messages (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, appID VARCHAR(255) NOT NULL, chatID VARCHAR(255) NOT NULL, messageID VARCHAR(255) NOT NULL, message LONGBLOB, elasticsearchID VARCHAR(255), created_at DATETIME(6), updated_at DATETIME(6)) DEFAULT CHARSET utf8mb4 COLLATE utf8mb4_0900_ai_ci",
}

// What a made-up database has of each.
const (
	Applications = 20
	Chats        = 10 // of each application
)

// Found is what a fault is found by: which, in which table, at which row.
type Found struct {
	Fault plan.Fault
	Kind  plan.Kind
	ID    int64
}

// Database is a made-up database.
type Database struct {
	Found    map[Found]bool // everything that is wrong in it
	Tokens   []string       // of its applications, as they stand there
	Messages int            // of each chat that nothing is wrong with
	db       *sql.DB
	ids      [3]int64
	rows     [3][][]any
}

var columns = [3]string{"applications (id, appID, username, chatsCount, created_at)", "chats (id, appID, chatID, messagesCount, created_at)",
	"messages (id, appID, chatID, messageID, message, created_at)"}

// Build fills an empty database with about so many messages, at least 20 a chat; faulty: with
// everything that may be wrong.
func Build(ctx context.Context, db *sql.DB, messages int, faulty bool) (*Database, error) {
	d := &Database{Found: map[Found]bool{}, Messages: max(20, messages/(Applications*Chats)), db: db}
	for _, statement := range schema {
		if _, err := db.ExecContext(ctx, statement); err != nil {
			return nil, err
		}
	}
	for n := range Applications {
		if err := d.application(ctx, n, faulty); err != nil {
			return nil, err
		}
	}
	return d, d.flush(ctx)
}

// token is an application's token: 8 hex digits, as the replaced system draws them.
func token(n int) string { return fmt.Sprintf("%08x", uint32(n+1)*2654435761) }

func (d *Database) wrong(f plan.Fault, k plan.Kind, id int64) { d.Found[Found{f, k, id}] = true }

// put adds a row and gives its primary key.
func (d *Database) put(k plan.Kind, values ...any) int64 {
	d.ids[k]++
	d.rows[k] = append(d.rows[k], append([]any{d.ids[k]}, values...))
	return d.ids[k]
}

// application adds an application with its chats. Each of the faulty ones has
// faults of one kind.
func (d *Database) application(ctx context.Context, n int, faulty bool) error {
	f := n
	if !faulty {
		f = 0
	}
	app, name, count, at := token(n), any(fmt.Sprintf("user %d", n)), Chats, created(n, 0, 0)
	switch f {
	case 1:
		app = "NOT-A-TOKEN"
	case 8:
		count = 99
	case 10:
		name = nil
	case 11:
		name = strings.Repeat("é", 300)
	case 12:
		name = "caf\xe9"
	}
	d.Tokens = append(d.Tokens, app)
	if f != 6 {
		id := d.put(plan.Application, app, name, count, at)
		if fault := map[int]plan.Fault{1: plan.BadToken, 8: plan.ChatsCount, 10: plan.NoUsername, 11: plan.LongUsername, 12: plan.OddUsername}[f]; fault != "" {
			d.wrong(fault, plan.Application, id)
		}
	}
	if f == 2 {
		d.wrong(plan.DuplicateApplication, plan.Application, d.put(plan.Application, app, "the second", count, at))
	}
	for c := 1; c <= Chats; c++ {
		d.chat(f, n, c, app)
	}
	if f == 9 {
		d.wrong(plan.BadNumber, plan.Chat, d.put(plan.Chat, app, -1, 0, at))
		d.wrong(plan.BadNumber, plan.Message, d.put(plan.Message, app, "1", "x7", "no number", at))
		d.wrong(plan.BadNumber, plan.Message, d.put(plan.Message, app, "1", "07", "no plain number", at))
	}
	return d.flush(ctx)
}

func (d *Database) chat(f, n, c int, app string) {
	if f == 4 && c == 4 {
		return // and the next one comes after a gap
	}
	count := d.Messages
	if f == 8 && c == 1 {
		count = 3
	}
	without := f == 7 && c == 3
	if !without {
		id := d.put(plan.Chat, app, c, count, created(n, c, 0))
		switch {
		case f == 6:
			d.wrong(plan.NoApplication, plan.Chat, id)
		case f == 4 && c == 5:
			d.wrong(plan.ChatGap, plan.Chat, id)
		case f == 8 && c == 1:
			d.wrong(plan.MessagesCount, plan.Chat, id)
		case f == 3 && c == 3:
			d.wrong(plan.DuplicateChat, plan.Chat, d.put(plan.Chat, app, c, count, created(n, c, 0)))
		}
	}
	for m := 1; m <= d.Messages; m++ {
		d.message(f, n, c, m, app, without)
	}
}

func (d *Database) message(f, n, c, m int, app string, without bool) {
	if f == 5 && c == 2 && m >= 7 && m <= 9 {
		return
	}
	text, at := any(Text(n, c, m)), any(created(n, c, m))
	fault := plan.Fault("")
	if c == 1 {
		switch {
		case f == 13 && m == 1:
			text, fault = nil, plan.NoText
		case f == 13 && m == 2:
			text, fault = "", plan.NoText
		case f == 13 && m == 3:
			text, fault = strings.Repeat("long ", 14_000), plan.LongText
		case f == 13 && m == 4:
			text, fault = "caf\xe9 au lait", plan.OddText
		case f == 14 && m == 1:
			at, fault = nil, plan.NoTime
		}
	}
	id := d.put(plan.Message, app, fmt.Sprint(c), fmt.Sprint(m), text, at)
	switch {
	case fault != "":
		d.wrong(fault, plan.Message, id)
	case without:
		d.wrong(plan.NoChat, plan.Message, id)
	case f == 5 && c == 2 && m == 10:
		d.wrong(plan.MessageGap, plan.Message, id)
	case f == 3 && c == 1 && m == 5:
		d.wrong(plan.DuplicateMessage, plan.Message, d.put(plan.Message, app, "1", "5", "the second", at))
	}
}

// Text is the text of a message that nothing is wrong with.
func Text(n, c, m int) string {
	return fmt.Sprintf("message %d of chat %d of application %d: naïve Grüße, مرحبا, 你好", m, c, n)
}

func created(n, c, m int) string {
	return fmt.Sprintf("2024-05-%02d %02d:%02d:%02d.%06d", 1+n, c, m/60%60, m%60, m)
}

// flush writes the rows that wait, so many at a time that one statement stays small.
func (d *Database) flush(ctx context.Context) error {
	const most = 500
	for k := range d.rows {
		for len(d.rows[k]) > 0 {
			some := d.rows[k][:min(most, len(d.rows[k]))]
			var args []any
			for _, r := range some {
				args = append(args, r...)
			}
			one := "(" + strings.TrimSuffix(strings.Repeat("?,", len(some[0])), ",") + ")"
			query := "INSERT INTO " + columns[k] + " VALUES " + strings.TrimSuffix(strings.Repeat(one+",", len(some)), ",")
			if _, err := d.db.ExecContext(ctx, query, args...); err != nil {
				return err
			}
			d.rows[k] = d.rows[k][len(some):]
		}
	}
	return nil
}

// Package old reads the database of the replaced system: its three tables as one
// stream of rows in the order of their keys, from one snapshot.
package old

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strings"
	"time"

	"chatlog/deploy/movein/plan"
	"chatlog/shared/fault"
	"chatlog/shared/mysqlconn"
)

// Settings is the file that says where the old database is: its section mysql.
type Settings struct {
	MySQL mysqlconn.Config `mapstructure:"mysql"`
}

// Default is for a server that sorts a large table before it sends the first row.
func Default() Settings {
	c := mysqlconn.Default()
	c.ReadTimeout = time.Hour
	return Settings{c}
}

// Snapshot is the old database as of one moment, however often it is read.
type Snapshot struct {
	db    *sql.DB
	conn  *sql.Conn
	tx    *sql.Tx
	query string
}

// Open begins a snapshot: what is written to the old database afterwards is not
// seen. tables are the names of the applications, the chats and the messages. A
// table that lacks a column is a fault.Invalid.
func Open(ctx context.Context, s Settings, tables [3]string) (*Snapshot, error) {
	db, err := mysqlconn.Open(s.MySQL)
	if err != nil {
		return nil, err
	}
	o := &Snapshot{db: db}
	if err := o.begin(ctx, tables); err != nil {
		o.Close()
		return nil, err
	}
	return o, nil
}

func (o *Snapshot) begin(ctx context.Context, tables [3]string) (err error) {
	if o.conn, err = o.db.Conn(ctx); err != nil {
		return unavailable(err)
	}
	// The rows are taken as quickly as Kafka takes the records.
	if _, err = o.conn.ExecContext(ctx, "SET SESSION net_write_timeout = 3600"); err != nil {
		return unavailable(err)
	}
	if o.tx, err = o.conn.BeginTx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}); err != nil {
		return unavailable(err)
	}
	o.query, err = o.build(ctx, tables)
	return err
}

// Close ends the snapshot.
func (o *Snapshot) Close() {
	if o.tx != nil {
		o.tx.Rollback() // it has only read
	}
	if o.conn != nil {
		o.conn.Close()
	}
	o.db.Close()
}

func unavailable(err error) error { return fault.Wrap(fault.Transient, "The old database", err) }

// columns of the old tables, as the replaced system names them. Text, numbers and
// times are what the server makes of whatever type they have.
var needed = [3][]string{
	{"id", "appID", "username", "chatsCount"},
	{"id", "appID", "chatID", "messagesCount"},
	{"id", "appID", "chatID", "messageID", "message"},
}

// build writes the one query that gives all rows. It is one statement so that it
// is one snapshot, and the server, which has the disk for it, does the sorting.
func (o *Snapshot) build(ctx context.Context, tables [3]string) (string, error) {
	var have [3]map[string]bool // column → whether it holds bytes and not text
	for i, table := range tables {
		columns, err := o.columns(ctx, table)
		if err != nil {
			return "", err
		}
		var missing []string
		for _, name := range needed[i] {
			if _, found := columns[name]; !found {
				missing = append(missing, name)
			}
		}
		if len(missing) > 0 {
			return "", fault.New(fault.Invalid, fmt.Sprintf("the old table %s lacks the columns %s", table, strings.Join(missing, ", ")))
		}
		have[i] = columns
	}
	text := func(i int, column string) string {
		if have[i][column] {
			return column
		}
		return "CONVERT(" + column + " USING utf8mb4)"
	}
	created := func(i int) string {
		if _, found := have[i]["created_at"]; !found {
			return "NULL"
		}
		return "CAST(created_at AS CHAR)"
	}
	const app, chat, number = "CAST(appID AS BINARY)", "CAST(chatID AS CHAR)", "CAST(messageID AS CHAR)"
	branch := func(kind int, fields ...string) string {
		return fmt.Sprintf("SELECT %d AS kind, id, %s AS app, %s FROM %s", kind, app, strings.Join(fields, ", "), quoted(tables[kind]))
	}
	return "SELECT kind, id, app, chat, number, chat_key, number_key, body, given, created FROM (" + strings.Join([]string{
		branch(0, "NULL AS chat", "NULL AS number", "0 AS chat_key", "0 AS number_key", text(0, "username")+" AS body", "chatsCount AS given", created(0)+" AS created"),
		branch(1, chat, "NULL", "IFNULL(CAST(chatID AS UNSIGNED), 0)", "0", "NULL", "messagesCount", created(1)),
		branch(2, chat, number, "IFNULL(CAST(chatID AS UNSIGNED), 0)", "IFNULL(CAST(messageID AS UNSIGNED), 0)", text(2, "message"), "NULL", created(2)),
	}, " UNION ALL ") + ") AS everything ORDER BY app, chat_key, kind, number_key, id", nil
}

func quoted(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }

func (o *Snapshot) columns(ctx context.Context, table string) (map[string]bool, error) {
	rows, err := o.tx.QueryContext(ctx, "SELECT COLUMN_NAME, CHARACTER_SET_NAME IS NULL FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = ?", table)
	if err != nil {
		return nil, unavailable(err)
	}
	defer rows.Close()
	columns := map[string]bool{}
	for rows.Next() {
		var name string
		var bytes bool
		if err := rows.Scan(&name, &bytes); err != nil {
			return nil, unavailable(err)
		}
		columns[name] = bytes
	}
	return columns, rows.Err()
}

// Each gives all rows to take, in the order that plan wants. Every call sees the
// same snapshot. An error of take ends it.
func (o *Snapshot) Each(ctx context.Context, take func(plan.Row) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	rows, err := o.tx.QueryContext(ctx, o.query)
	if err != nil {
		return unavailable(err)
	}
	defer func() {
		cancel() // should take have given up in the middle: closing reads the rest otherwise
		rows.Close()
	}()
	for rows.Next() {
		r, err := scan(rows)
		if err != nil {
			return unavailable(err)
		}
		if err := take(r); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return unavailable(err)
	}
	return nil
}

func scan(rows *sql.Rows) (plan.Row, error) {
	var r plan.Row
	var app, chat, number, body, created sql.NullString
	var stored sql.NullInt64
	if err := rows.Scan(&r.Kind, &r.ID, &app, &chat, &number, &r.ChatKey, &r.NumberKey, &body, &stored, &created); err != nil {
		return r, err
	}
	r.Application, r.Chat, r.Number = app.String, chat.String, number.String
	if body.Valid {
		r.Text = &body.String
	}
	if stored.Valid {
		r.Count = &stored.Int64
	}
	r.Created = parseTime(created.String)
	return r, nil
}

// timeLayouts are what the server writes, with fractions or without.
var timeLayouts = []string{"2006-01-02 15:04:05.999999", "2006-01-02 15:04:05"}

// parseTime gives the zero time for what is no time, such as 0000-00-00.
func parseTime(text string) time.Time {
	for _, layout := range timeLayouts {
		if t, err := time.Parse(layout, text); err == nil {
			return t
		}
	}
	return time.Time{}
}

// Tables reads the names of the three tables from a flag.
func Tables(text string) (tables [3]string, err error) {
	names := strings.Split(text, ",")
	if len(names) != 3 || slices.Contains(names, "") {
		return tables, fault.New(fault.Invalid, fmt.Sprintf("%q: three names are needed, of the applications, the chats and the messages", text))
	}
	return [3]string(names), nil
}

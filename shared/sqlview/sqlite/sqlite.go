// Package sqlite opens the relational view in a file, for the embedded run.
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"chatlog/shared/fault"
	"chatlog/shared/sqlview"
)

const take = " WHERE excluded.version >= message.version AND (message.deleted = 0 OR excluded.deleted = 1)"

// dialect: in SQLite's upsert every expression sees the row as it was.
var dialect = sqlview.Dialect{
	Engine:       "sqlite",
	Placeholders: 32766,
	RowList:      "VALUES ",
	Branch:       func(query string) string { return "SELECT * FROM (" + query + ")" },
	OnApplication: " ON CONFLICT DO UPDATE SET chats = MAX(chats, excluded.chats), " +
		"username = IIF(excluded.version >= version, excluded.username, username), " +
		"created = IIF(excluded.version >= version, excluded.created, created), version = MAX(version, excluded.version)",
	OnChat: " ON CONFLICT DO UPDATE SET messages = MAX(messages, excluded.messages), " +
		"created = IIF(excluded.version >= version, excluded.created, created), version = MAX(version, excluded.version)",
	OnMessage: " ON CONFLICT DO UPDATE SET message = excluded.message, created = excluded.created, edited = excluded.edited, " +
		"deleted = excluded.deleted, version = excluded.version" + take,
	OnKeyed: " ON CONFLICT DO UPDATE SET application = excluded.application, op = excluded.op, chat = excluded.chat, " +
		"number = excluded.number, fingerprint = excluded.fingerprint, record_offset = excluded.record_offset",
	OnProgress: " ON CONFLICT DO UPDATE SET log = excluded.log, generation = excluded.generation, next_offset = excluded.next_offset, " +
		"last_id = excluded.last_id, last_offset = excluded.last_offset WHERE excluded.next_offset >= progress.next_offset",
	Lock:     lock,
	Classify: classify,
	Retry:    func(err error) bool { return coded(err, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED) },
}

// readers is the number of connections that read at once.
const readers = 8

// Open makes the view in the file at path. Every commit is synced to the disk
// (WAL with synchronous=FULL): a kill -9, or a power cut, loses nothing. There
// is one writing connection, because SQLite has one writer at a time anyway.
func Open(path string) (*sqlview.View, error) {
	pragmas := []string{"journal_mode(WAL)", "synchronous(FULL)", "busy_timeout(10000)", "foreign_keys(1)"}
	write, err := open(path, url.Values{"_pragma": pragmas, "_txlock": {"immediate"}}, 1)
	if err != nil {
		return nil, err
	}
	read, err := open(path, url.Values{"_pragma": append(pragmas, "query_only(1)")}, readers)
	if err != nil {
		return nil, errors.Join(err, write.Close())
	}
	return sqlview.New(write, read, dialect), nil
}

func open(path string, options url.Values, connections int) (*sql.DB, error) {
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: url.PathEscape(path), RawQuery: options.Encode()}).String())
	if err != nil {
		return nil, fmt.Errorf("sqlite: %w", err)
	}
	db.SetMaxOpenConns(connections)
	db.SetMaxIdleConns(connections)
	return db, nil
}

// lock holds the database's write lock while do runs.
func lock(ctx context.Context, db *sql.DB, do func(*sql.Conn) error) error {
	c, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	if _, err := c.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
		return err
	}
	if err := do(c); err != nil {
		_, rollback := c.ExecContext(context.WithoutCancel(ctx), "ROLLBACK")
		return errors.Join(err, rollback)
	}
	_, err = c.ExecContext(ctx, "COMMIT")
	return err
}

func classify(err error) fault.Kind {
	if coded(err, sqlite3.SQLITE_CONSTRAINT, sqlite3.SQLITE_TOOBIG, sqlite3.SQLITE_MISMATCH) {
		return fault.Invalid
	}
	return fault.Transient
}

// coded compares the primary result code, which is an extended code's low byte.
func coded(err error, codes ...int) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	for _, code := range codes {
		if e.Code()&0xff == code {
			return true
		}
	}
	return false
}

// Package mysql opens the relational view in MySQL or MariaDB.
package mysql

import (
	"context"
	"database/sql"
	"errors"
	"time"

	driver "github.com/go-sql-driver/mysql"

	"chatlog/shared/fault"
	"chatlog/shared/mysqlconn"
	"chatlog/shared/sqlview"
)

// take is when a message row is overwritten: by the same or a later change,
// and a tombstone only by a tombstone.
const take = "VALUES(version) >= version AND (deleted = 0 OR VALUES(deleted) = 1)"

// dialect: assignments of ON DUPLICATE KEY UPDATE run from left to right and
// see what was assigned before, so version (and deleted) come last. VALUES(col)
// is the spelling that MySQL and MariaDB share.
var dialect = sqlview.Dialect{
	Engine:       "mysql",
	Placeholders: 65535,
	LockRow:      " FOR UPDATE",
	Branch:       func(query string) string { return "(" + query + ")" },
	OnApplication: " ON DUPLICATE KEY UPDATE chats = GREATEST(chats, VALUES(chats)), " +
		"username = IF(VALUES(version) >= version, VALUES(username), username), " +
		"created = IF(VALUES(version) >= version, VALUES(created), created), version = GREATEST(version, VALUES(version))",
	OnChat: " ON DUPLICATE KEY UPDATE messages = GREATEST(messages, VALUES(messages)), " +
		"created = IF(VALUES(version) >= version, VALUES(created), created), version = GREATEST(version, VALUES(version))",
	OnMessage: " ON DUPLICATE KEY UPDATE message = IF(" + take + ", VALUES(message), message), " +
		"created = IF(" + take + ", VALUES(created), created), edited = IF(" + take + ", VALUES(edited), edited), " +
		"deleted = IF(" + take + ", VALUES(deleted), deleted), version = IF(" + take + ", VALUES(version), version)",
	OnKeyed: " ON DUPLICATE KEY UPDATE application = VALUES(application), op = VALUES(op), chat = VALUES(chat), " +
		"number = VALUES(number), fingerprint = VALUES(fingerprint), record_offset = VALUES(record_offset)",
	OnProgress: " ON DUPLICATE KEY UPDATE log = IF(VALUES(next_offset) >= next_offset, VALUES(log), log), " +
		"generation = IF(VALUES(next_offset) >= next_offset, VALUES(generation), generation), " +
		"last_id = IF(VALUES(next_offset) >= next_offset, VALUES(last_id), last_id), " +
		"last_offset = IF(VALUES(next_offset) >= next_offset, VALUES(last_offset), last_offset), " +
		"next_offset = GREATEST(next_offset, VALUES(next_offset))",
	Lock:            lock,
	Classify:        classify,
	Retry:           func(err error) bool { return numbered(err, 1213, 1205) }, // deadlock, lock wait time-out
	ApplyOptions:    &sql.TxOptions{Isolation: sql.LevelReadCommitted},
	SnapshotOptions: &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true},
}

// Open makes the view; it connects when it is used.
func Open(cfg mysqlconn.Config) (*sqlview.View, error) {
	db, err := mysqlconn.Open(cfg)
	if err != nil {
		return nil, err
	}
	return sqlview.New(db, db, dialect), nil
}

// lockWait is how long a process waits for another one that migrates.
const lockWait = 60 * time.Second

// lock holds a named lock of the server while do runs. The lock ends with its
// connection, so a process that dies frees it.
func lock(ctx context.Context, db *sql.DB, do func(*sql.Conn) error) error {
	c, err := db.Conn(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	var got sql.NullInt64
	const name = "CONCAT('chatlog-migrate-', LEFT(SHA2(DATABASE(), 256), 32))"
	if err := c.QueryRowContext(ctx, "SELECT GET_LOCK("+name+", ?)", int(lockWait.Seconds())).Scan(&got); err != nil {
		return err
	}
	if got.Int64 != 1 {
		return errors.New("another process is migrating")
	}
	err = do(c)
	_, unlock := c.ExecContext(context.WithoutCancel(ctx), "DO RELEASE_LOCK("+name+")")
	return errors.Join(err, unlock)
}

// dataErrors are what the server says of a value that it can never store. All
// other errors may pass, or are for an operator: they are no reason to drop a
// record.
var dataErrors = []uint16{
	1048, 1264, 1265, 1292, 1366, 1406, // null, out of range, truncated, wrong value, wrong string, too long
	1216, 1452, 3819, 4025, // foreign key, check constraint (MySQL, MariaDB)
}

func classify(err error) fault.Kind {
	if numbered(err, dataErrors...) {
		return fault.Invalid
	}
	return fault.Transient
}

func numbered(err error, numbers ...uint16) bool {
	var e *driver.MySQLError
	if !errors.As(err, &e) {
		return false
	}
	for _, n := range numbers {
		if e.Number == n {
			return true
		}
	}
	return false
}

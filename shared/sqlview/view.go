// Package sqlview is the relational view of the log: applications, chats,
// messages, keyed commands, and how far it has come. One implementation serves
// MySQL (and MariaDB) and SQLite; what differs is in a Dialect.
package sqlview

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"chatlog/shared/fault"
	"chatlog/shared/view"
)

// View is the view in one database. It is safe for concurrent use.
type View struct {
	write   *sql.DB
	read    *sql.DB
	dialect Dialect
}

// Dialect is what an engine has of its own.
type Dialect struct {
	Engine       string // names the migrations
	Placeholders int    // most `?` in one statement
	LockRow      string // suffix of a SELECT that locks what it finds
	RowList      string // what stands before the row values in `(a, b) IN (…)`
	// Branch makes a SELECT with an ORDER BY and a LIMIT of its own a part of a
	// UNION.
	Branch func(query string) string
	// Suffixes of a multi-row INSERT that make it an upsert, by table.
	OnApplication, OnChat, OnMessage, OnKeyed, OnProgress string
	// Lock runs do while no other process migrates the same database.
	Lock func(ctx context.Context, db *sql.DB, do func(*sql.Conn) error) error
	// Classify gives an error of the engine its kind: Invalid for data that can
	// never be stored, Transient for everything else.
	Classify func(error) fault.Kind
	// Retry reports whether the whole transaction should run again at once.
	Retry func(error) bool
	// ApplyOptions and SnapshotOptions are how transactions are begun.
	ApplyOptions, SnapshotOptions *sql.TxOptions
}

// New makes a view over open databases; write and read may be the same.
func New(write, read *sql.DB, d Dialect) *View { return &View{write: write, read: read, dialect: d} }

// Engine names the database, as OpenTelemetry's db.system.name does.
func (v *View) Engine() string { return v.dialect.Engine }

// Ready reports whether the database answers and has the schema.
func (v *View) Ready(ctx context.Context) error {
	var one int
	err := v.read.QueryRowContext(ctx, "SELECT 1 FROM progress LIMIT 1").Scan(&one)
	if err == nil || errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	return v.fail("ready", err)
}

// Close ends all connections.
func (v *View) Close() error {
	err := v.write.Close()
	if v.read != v.write {
		err = errors.Join(err, v.read.Close())
	}
	return err
}

// fail gives a store's error its kind and keeps its words from clients.
func (v *View) fail(what string, err error) error {
	kind := fault.Transient
	if !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		kind = v.dialect.Classify(err)
	}
	return fault.Wrap(kind, "Temporarily unavailable", fmt.Errorf("%s %s: %w", v.dialect.Engine, what, err))
}

const progressColumns = "log, generation, next_offset, last_id, last_offset"

// noProgress is the progress of a view that has seen nothing.
func noProgress(partition int32) view.Progress {
	return view.Progress{Partition: partition, LastOffset: -1}
}

// Progress gives how far the view is in one partition; LastOffset is -1 and
// Next 0 when it has seen nothing of it.
func (v *View) Progress(ctx context.Context, partition int32) (view.Progress, error) {
	p := noProgress(partition)
	err := v.read.QueryRowContext(ctx, "SELECT "+progressColumns+" FROM progress WHERE partition_no = ?", partition).
		Scan(&p.Log, &p.Generation, &p.Next, &p.LastID, &p.LastOffset)
	if err != nil && !errors.Is(err, sql.ErrNoRows) {
		return view.Progress{}, v.fail("progress", err)
	}
	return p, nil
}

// Progresses gives how far the view is in every partition that it knows.
func (v *View) Progresses(ctx context.Context) (map[int32]view.Progress, error) {
	rows, err := v.read.QueryContext(ctx, "SELECT partition_no, "+progressColumns+" FROM progress")
	if err != nil {
		return nil, v.fail("progress", err)
	}
	defer rows.Close()
	out := map[int32]view.Progress{}
	for rows.Next() {
		var p view.Progress
		if err := rows.Scan(&p.Partition, &p.Log, &p.Generation, &p.Next, &p.LastID, &p.LastOffset); err != nil {
			return nil, v.fail("progress", err)
		}
		out[p.Partition] = p
	}
	if err := rows.Err(); err != nil {
		return nil, v.fail("progress", err)
	}
	return out, nil
}

// micros is how times are stored; zero is "never".
func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

// createdAt reads when a row's item was created. A history may begin in 1970: a row
// that is there was always created, and zero is a time like any other.
func createdAt(n int64) time.Time { return time.UnixMicro(n).UTC() }

// editedAt reads when a message was edited, for which zero is never: nothing is
// imported that was edited in the first microsecond of 1970.
func editedAt(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.UnixMicro(n).UTC()
}

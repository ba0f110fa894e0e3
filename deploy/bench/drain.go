package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"chatlog/deploy/system"
)

// drains compares how fast the MySQL sink empties a log with raw multi-row
// INSERTs of the very rows that it writes, into the same schema.
func (b *bench) drains(ctx context.Context) error {
	row := Row{Name: "MySQL sink draining the log", Yardstick: "raw multi-row INSERT", Reach: 0.85}
	if !b.only.MatchString(row.Name) {
		return nil
	}
	l := load{base: b.Writes, method: "POST", paths: b.paths(apps, chatsPer), body: body, connections: 256}
	if _, _, err := l.wrk(ctx, b.dir, 4*b.round); err != nil { // a log to empty
		return err
	}
	if err := b.caughtUp(ctx); err != nil {
		return err
	}
	rows, err := b.written(ctx)
	if err != nil {
		return err
	}
	return b.compare(ctx, row, b.drain, func(ctx context.Context, _ time.Duration) (Sample, error) { return b.insert(ctx, rows) })
}

// caughtUp waits until the views have come to the log's end.
func (b *bench) caughtUp(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	for {
		err := b.parts.Lag(ctx)
		if err == nil || ctx.Err() != nil {
			return err
		}
		time.Sleep(50 * time.Millisecond) // between two looks
	}
}

// drain lets a sink of its own fill an empty database from the log's beginning.
func (b *bench) drain(ctx context.Context, _ time.Duration) (Sample, error) {
	own := b.parts
	own.Database = system.UniqueName("drain")
	own.Groups = own.Database
	if err := own.Prepare(ctx); err != nil {
		return Sample{}, err
	}
	at, err := system.FreeAddress()
	if err != nil {
		return Sample{}, err
	}
	p := &system.Program{Name: "drain", Path: filepath.Join(b.bin, "sinks"), Args: []string{"mysql"}, Listen: at, Dir: b.dir, Log: filepath.Join(b.dir, "drain.log"),
		Env: append(own.Env(), "CHATLOG_SINKS_LISTEN="+at, "CHATLOG_LOG_LEVEL=warn")}
	db, err := sql.Open("mysql", own.DSN(own.Database))
	if err != nil {
		return Sample{}, err
	}
	defer db.Close()
	if err := p.Start(); err != nil {
		return Sample{}, err
	}
	s, err := metered(processes(map[string]int{"sink": p.PID(), "mysql": part("mysql")}), func() (Sample, float64, error) {
		began, err := b.first(ctx, db)
		if err != nil {
			return Sample{}, 0, err
		}
		n, err := b.filled(ctx, db)
		return Sample{Rate: n / time.Since(began).Seconds()}, n, err
	})
	return s, errors.Join(err, p.Stop(10*time.Second), own.DropDatabase(ctx), own.Admin(func(admin *kadm.Client) error {
		_, err := admin.DeleteGroups(ctx, own.Groups+"-mysql")
		return err
	}))
}

// first waits for the first batch: starting and joining a group is not draining.
func (b *bench) first(ctx context.Context, db *sql.DB) (time.Time, error) {
	for {
		began := time.Now()
		var n int
		err := db.QueryRowContext(ctx, "SELECT COUNT(*) FROM progress").Scan(&n)
		if err == nil && n > 0 || ctx.Err() != nil {
			return began, ctx.Err()
		}
		time.Sleep(2 * time.Millisecond) // between two looks
	}
}

// filled waits until the database has what the system's own has, and counts.
func (b *bench) filled(ctx context.Context, db *sql.DB) (n float64, err error) {
	reference, err := sql.Open("mysql", b.parts.DSN(b.parts.Database))
	if err != nil {
		return 0, err
	}
	defer reference.Close()
	const offsets = "SELECT COALESCE(SUM(next_offset), 0) FROM progress"
	var want, got float64
	if err := reference.QueryRowContext(ctx, offsets).Scan(&want); err != nil {
		return 0, err
	}
	for got < want {
		if err := db.QueryRowContext(ctx, offsets).Scan(&got); err != nil {
			return 0, err
		}
		time.Sleep(5 * time.Millisecond) // between two looks
	}
	return want, nil
}

// message is a row as the sink has written it.
type message struct {
	application           string
	chat, number          int64
	text                  string
	created, edited, vers int64
}

func (b *bench) written(ctx context.Context) (all []message, err error) {
	db, err := sql.Open("mysql", b.parts.DSN(b.parts.Database))
	if err != nil {
		return nil, err
	}
	defer db.Close()
	rows, err := db.QueryContext(ctx, "SELECT application, chat, number, message, created, edited, version FROM message ORDER BY version")
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var m message
		if err := rows.Scan(&m.application, &m.chat, &m.number, &m.text, &m.created, &m.edited, &m.vers); err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, rows.Err()
}

// How raw rows are inserted: as the sink does, in batches of at most so many,
// by one connection for each partition.
const (
	batch      = 1000
	partitions = 12
)

func (b *bench) insert(ctx context.Context, rows []message) (Sample, error) {
	own := b.parts
	own.Database = system.UniqueName("raw")
	if err := own.Prepare(ctx); err != nil {
		return Sample{}, err
	}
	db, err := sql.Open("mysql", own.DSN(own.Database)+"&interpolateParams=true")
	if err != nil {
		return Sample{}, err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, "CREATE TABLE message LIKE `"+b.parts.Database+"`.message"); err != nil {
		return Sample{}, err
	}
	s, err := metered(processes(map[string]int{"mysql": part("mysql")}), func() (Sample, float64, error) {
		began := time.Now()
		errs := make([]error, partitions)
		var group sync.WaitGroup
		for p := range partitions {
			group.Go(func() { errs[p] = insertShare(ctx, db, rows[p*len(rows)/partitions:(p+1)*len(rows)/partitions]) })
		}
		group.Wait()
		n := float64(len(rows))
		return Sample{Rate: n / time.Since(began).Seconds()}, n, errors.Join(errs...)
	})
	return s, errors.Join(err, own.DropDatabase(ctx))
}

func insertShare(ctx context.Context, db *sql.DB, rows []message) error {
	for len(rows) > 0 {
		n := min(batch, len(rows))
		args := make([]any, 0, 8*n)
		for _, m := range rows[:n] {
			args = append(args, m.application, m.chat, m.number, m.text, m.created, m.edited, 0, m.vers)
		}
		statement := fmt.Sprint("INSERT INTO message (application, chat, number, message, created, edited, deleted, version) VALUES ",
			strings.TrimSuffix(strings.Repeat("(?,?,?,?,?,?,?,?),", n), ","))
		if _, err := db.ExecContext(ctx, statement, args...); err != nil {
			return err
		}
		rows = rows[n:]
	}
	return nil
}

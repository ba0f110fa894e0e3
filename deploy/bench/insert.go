package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"chatlog/deploy/system"
)

// message is a row as the sink has written it.
type message struct {
	application           string
	chat, number          int64
	text                  string
	created, edited, vers int64
}

// written reads the rows that a system's sink has written.
func written(ctx context.Context, parts system.Parts) (all []message, err error) {
	db, err := sql.Open("mysql", parts.DSN(parts.Database))
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

// batch is how many raw rows are inserted at once, at most: as many as the sink does.
const batch = 1000

// insert inserts rows by as many connections as a sink of that log has workers.
func (b *bench) insert(ctx context.Context, from source, rows []message) (Sample, error) {
	own := from.parts
	own.Database = system.UniqueName("raw")
	if err := own.Prepare(ctx); err != nil {
		return Sample{}, err
	}
	db, err := sql.Open("mysql", own.DSN(own.Database)+"&interpolateParams=true")
	if err != nil {
		return Sample{}, err
	}
	defer db.Close()
	if _, err := db.ExecContext(ctx, "CREATE TABLE message LIKE `"+from.parts.Database+"`.message"); err != nil {
		return Sample{}, err
	}
	s, err := metered(processes(map[string]int{"mysql": part("mysql")}), func() (Sample, float64, error) {
		began := time.Now()
		errs := make([]error, from.partitions)
		var group sync.WaitGroup
		for p := range errs {
			group.Go(func() { errs[p] = insertShare(ctx, db, rows[p*len(rows)/len(errs):(p+1)*len(rows)/len(errs)]) })
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

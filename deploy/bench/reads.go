package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	_ "github.com/go-sql-driver/mysql" // the drivers of the raw SELECTs
	_ "modernc.org/sqlite"

	"chatlog/deploy/client"
)

// readers is how many connections read at once, on both sides.
const readers = 16

var readRows = []string{"GET message", "GET chat", "list of 100, first page", "list of 100, last page"}

// reads compares GETs with raw SELECTs by the same keys, and lists with raw
// keyset pages.
func (b *bench) reads(ctx context.Context) error {
	if !b.wants(readRows...) {
		return nil
	}
	db, err := b.database()
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(readers)
	db.SetMaxIdleConns(readers)
	if err := b.fill(ctx); err != nil {
		return err
	}
	token := b.tokens[0]
	c := client.New(b.Reads, readers)
	defer c.Close()
	base := "/application/" + token + "/chat/1"
	raw := func(query string, args func(r *rand.Rand) []any) side {
		statement := query
		return b.together(b.stores("mysql"), func(ctx context.Context, r *rand.Rand) error {
			rows, err := db.QueryContext(ctx, statement, args(r)...)
			if err != nil {
				return err
			}
			defer rows.Close()
			var number int64
			var text string
			for rows.Next() {
				if err := rows.Scan(&number, &text); err != nil {
					return err
				}
			}
			return rows.Err()
		})
	}
	if err := b.compare(ctx, Row{Name: readRows[0], Yardstick: "raw SELECT by key", Reach: 0.7},
		b.answered(drawn(func(r *rand.Rand) string { return fmt.Sprintf("%s/message/%d", base, 1+r.Int64N(b.deep)) }), "mysql"),
		raw("SELECT number, message FROM message WHERE application = ? AND chat = 1 AND number = ?", func(r *rand.Rand) []any { return []any{token, 1 + r.Int64N(b.deep)} })); err != nil {
		return err
	}
	if err := b.compare(ctx, Row{Name: readRows[1], Yardstick: "raw SELECT by key", Reach: 0.7},
		b.answered(drawn(func(r *rand.Rand) string { return fmt.Sprintf("/application/%s/chat/%d", token, 1+r.IntN(chatsPer)) }), "mysql"),
		raw("SELECT messages, application FROM chat WHERE application = ? AND number = ?", func(r *rand.Rand) []any { return []any{token, 1 + r.IntN(chatsPer)} })); err != nil {
		return err
	}
	last, err := b.lastPage(ctx, c, base, b.deep)
	if err != nil {
		return err
	}
	page := func(after int64) side {
		return raw("SELECT number, message FROM message WHERE application = ? AND chat = 1 AND number > ? AND deleted = 0 ORDER BY number LIMIT 100",
			func(*rand.Rand) []any { return []any{token, after} })
	}
	if err := b.compare(ctx, Row{Name: readRows[2], Yardstick: "raw keyset SELECT", Reach: 0.7},
		b.answered([]string{base + "/messages"}, "mysql"), page(0)); err != nil {
		return err
	}
	return b.compare(ctx, Row{Name: readRows[3], Yardstick: "raw keyset SELECT", Reach: 0.7},
		b.answered([]string{last}, "mysql"), page(b.deep-100))
}

// database is where the rows are, to be read without chatlog.
func (b *bench) database() (*sql.DB, error) {
	if b.embedded {
		return sql.Open("sqlite", "file:"+filepath.Join(b.dir, "data", "view.db")+"?mode=ro")
	}
	return sql.Open("mysql", b.parts.DSN(b.parts.Database)+"&interpolateParams=true") // one round trip, as ours
}

// together runs one operation by many at once for a time.
func (b *bench) together(pids map[string]int, one func(context.Context, *rand.Rand) error) side {
	return func(ctx context.Context, d time.Duration) (Sample, error) {
		return metered(processes(pids), func() (Sample, float64, error) {
			var count, failed atomic.Int64
			var group sync.WaitGroup
			began := time.Now()
			for i := range readers {
				group.Go(func() {
					r := rand.New(rand.NewPCG(1, uint64(i)))
					for time.Since(began) < d {
						if err := one(ctx, r); err != nil {
							failed.Add(1)
						}
						count.Add(1)
					}
				})
			}
			group.Wait()
			n := float64(count.Load())
			return Sample{Rate: n / time.Since(began).Seconds(), Errors: int(failed.Load())}, n, nil
		})
	}
}

// fill makes the first chat deep, once, and waits until it can be read.
func (b *bench) fill(ctx context.Context) error {
	if b.filled {
		return nil
	}
	b.filled = true
	const workers = 64
	posts := newLean(b.Writes, b.paths(1, 1), body, workers)
	defer posts.close()
	var left atomic.Int64
	left.Store(b.deep)
	errs := make([]error, workers)
	var group sync.WaitGroup
	for i := range errs {
		group.Go(func() {
			r := rand.New(rand.NewPCG(4, uint64(i)))
			for left.Add(-1) >= 0 && errs[i] == nil {
				errs[i] = posts.post(ctx, r)
			}
		})
	}
	group.Wait()
	return errors.Join(append(errs, b.caughtUp(ctx))...)
}

// lastPage walks to the page before the last, and gives the way to the last.
func (b *bench) lastPage(ctx context.Context, c *client.Client, base string, messages int64) (string, error) {
	path := base + "/messages?limit=100"
	for at := int64(0); ; at += 100 {
		reply, err := c.Do(ctx, "GET", path, "", nil)
		if err != nil {
			return "", err
		}
		next, err := reply.Next()
		if err != nil {
			return "", err
		}
		if next == "" || at+200 >= messages {
			return path, nil
		}
		path = next
	}
}

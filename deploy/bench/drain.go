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

	"chatlog/deploy/client"
	"chatlog/deploy/system"
)

// drainRows compares how fast the MySQL sink empties a log with raw multi-row
// INSERTs of the very rows that it writes, into the same schema.
func (b *bench) drainRows(ctx context.Context) error {
	row := Row{Name: rowMySQL, Yardstick: "raw multi-row INSERT", Reach: 0.85}
	if !b.only.MatchString(row.Name) {
		return nil
	}
	if err := b.fillLog(ctx); err != nil {
		return err
	}
	rows, err := b.written(ctx)
	if err != nil {
		return err
	}
	return b.compare(ctx, row, func(ctx context.Context, _ time.Duration) (Sample, error) { return b.drain(ctx, intoRows) },
		func(ctx context.Context, _ time.Duration) (Sample, error) { return b.insert(ctx, rows) })
}

// fillLog generates the messages that are drained, listed and searched, once, and
// waits until both views have them.
func (b *bench) fillLog(ctx context.Context) (err error) {
	if b.tenants == nil {
		b.tenants, err = b.generated(ctx, b.documents)
	}
	return errors.Join(err, b.caughtUp(ctx))
}

// caughtUp waits until the groups, those of both views if none is named, have
// come to the log's end.
func (b *bench) caughtUp(ctx context.Context, groups ...string) error {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	for {
		err := b.parts.Lag(ctx, groups...)
		if err == nil || ctx.Err() != nil {
			return err
		}
		time.Sleep(50 * time.Millisecond) // between two looks
	}
}

// drained is a view that a sink of its own fills from the log's beginning.
type drained struct {
	view    string
	process string // that stores it
	own     func(p *system.Parts, name string)
	drop    func(ctx context.Context, p system.Parts) error
}

// intoRows drains the log into a database of its own.
var intoRows = drained{view: "mysql", process: "mysql", own: func(p *system.Parts, name string) { p.Database = name },
	drop: func(ctx context.Context, p system.Parts) error { return p.DropDatabase(ctx) }}

// drain fills an empty view from the log's beginning. The clock begins with the
// first batch: starting and joining a group is not draining.
func (b *bench) drain(ctx context.Context, view drained, env ...string) (Sample, error) {
	own := b.parts
	name := system.UniqueName("drain")
	own.Groups = name
	view.own(&own, name)
	if err := own.Prepare(ctx); err != nil {
		return Sample{}, err
	}
	want, err := b.end(ctx)
	if err != nil {
		return Sample{}, err
	}
	at, err := system.FreeAddress()
	if err != nil {
		return Sample{}, err
	}
	p := &system.Program{Name: "sink", Path: filepath.Join(b.bin, "sinks"), Args: []string{view.view}, Listen: at, Dir: b.dir, Log: filepath.Join(b.dir, "drain.log"),
		Env: append(append(own.Env(), "CHATLOG_SINKS_LISTEN="+at, "CHATLOG_LOG_LEVEL=warn"), env...)}
	if err := errors.Join(b.profiled(p), p.Start()); err != nil {
		return Sample{}, err
	}
	s, err := metered(processes(map[string]int{"sink": p.PID(), view.process: part(view.process)}), func() (Sample, float64, error) {
		if err := reaches(ctx, at, 1); err != nil {
			return Sample{}, 0, err
		}
		began := time.Now()
		err := reaches(ctx, at, want)
		return Sample{Rate: want / time.Since(began).Seconds()}, want, err
	})
	s.Memory = peak(p.PID())
	return s, errors.Join(err, p.Stop(10*time.Second), view.drop(ctx, own), own.Admin(func(admin *kadm.Client) error {
		_, err := admin.DeleteGroups(ctx, own.Groups+"-"+view.view)
		return err
	}))
}

// end is the sum of the partitions' ends.
func (b *bench) end(ctx context.Context) (sum float64, err error) {
	err = b.parts.Admin(func(admin *kadm.Client) error {
		ends, err := admin.ListEndOffsets(ctx, b.parts.Commands)
		ends.Each(func(e kadm.ListedOffset) { sum += float64(e.Offset) })
		return errors.Join(err, ends.Error())
	})
	return sum, err
}

// reaches waits until a sink says that its view has come that far; to ask the
// store itself would be work for it (a realtime GET makes Elasticsearch refresh).
func reaches(ctx context.Context, sink string, want float64) error {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	c := client.New("http://"+sink, 1)
	defer c.Close()
	for {
		got, err := c.Metric(ctx, "chatlog_sink_next_offset")
		if err == nil && got >= want {
			return nil
		}
		if ctx.Err() != nil {
			return fmt.Errorf("the sink is at %.0f of %.0f: %w", got, want, errors.Join(err, ctx.Err()))
		}
		time.Sleep(20 * time.Millisecond) // between two looks
	}
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

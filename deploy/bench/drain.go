package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"chatlog/deploy/client"
	"chatlog/deploy/system"
)

// drainRows compares how fast the MySQL sink empties a log with raw multi-row
// INSERTs of the very rows that it writes, into the same schema. A sink has a worker
// for each partition, and the INSERTs as many connections.
func (b *bench) drainRows(ctx context.Context) error {
	for _, workers := range []int{1, 4, partitions} {
		row := Row{Name: rowMySQL, Yardstick: "raw multi-row INSERT", Reach: 0.85}
		if workers < partitions {
			row.Name = fmt.Sprintf("%s, workers: %d", rowMySQL, workers)
		}
		if !b.only.MatchString(row.Name) {
			continue
		}
		if err := b.drainRowsOf(ctx, row, workers); err != nil {
			return err
		}
	}
	return nil
}

func (b *bench) drainRowsOf(ctx context.Context, row Row, workers int) (err error) {
	from := b.whole()
	if workers == partitions {
		err = b.fillLog(ctx)
	} else {
		from, err = b.narrow(ctx, workers)
		defer func() { err = errors.Join(err, from.parts.Remove(context.WithoutCancel(ctx))) }()
	}
	if err != nil {
		return err
	}
	rows, err := written(ctx, from.parts)
	if err != nil {
		return err
	}
	return b.compare(ctx, row, func(ctx context.Context, _ time.Duration) (Sample, error) { return b.drain(ctx, from, intoRows) },
		func(ctx context.Context, _ time.Duration) (Sample, error) { return b.insert(ctx, from, rows) })
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
	return settled(ctx, func(ctx context.Context) error { return b.lag(ctx, groups...) })
}

// settled waits until nothing is left to be done.
func settled(ctx context.Context, left func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, settleTime)
	defer cancel()
	for {
		err := left(ctx)
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
func (b *bench) drain(ctx context.Context, from source, view drained, env ...string) (Sample, error) {
	own := from.parts
	name := system.UniqueName("drain")
	own.Groups = name
	view.own(&own, name)
	if err := own.Prepare(ctx); err != nil {
		return Sample{}, err
	}
	want, err := end(ctx, own)
	if err != nil {
		return Sample{}, err
	}
	at, err := system.FreeAddress()
	if err != nil {
		return Sample{}, err
	}
	p := &system.Program{Name: "sink", Path: filepath.Join(b.bin, "sinks"), Args: []string{view.view}, Listen: at, Dir: b.dir, Log: filepath.Join(b.dir, "drain.log"),
		Env: append(append(append(own.Env(), from.env()...), "CHATLOG_SINKS_LISTEN="+at, "CHATLOG_LOG_LEVEL=warn"), env...)}
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
func end(ctx context.Context, parts system.Parts) (sum float64, err error) {
	err = parts.Admin(func(admin *kadm.Client) error {
		ends, err := admin.ListEndOffsets(ctx, parts.Commands)
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
		time.Sleep(100 * time.Millisecond) // between two looks: each is work for the sink
	}
}

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"chatlog/deploy/client"
	"chatlog/shared/kafkaconn"
)

// recovery tells how long ingest needs when it begins with a log that no view
// has, and how long each view needs to come anew out of the whole log.
func (b *bench) recovery(ctx context.Context) error {
	const name = "recovery"
	if !b.only.MatchString(name) {
		return nil
	}
	if err := b.behind(ctx); err != nil {
		return err
	}
	read, records, err := b.readLog(ctx)
	if err != nil {
		return err
	}
	b.figure(Figure{Name: "reading the log alone", Value: fmt.Sprintf("%.0f records in %.1f s, %.0f/s", records, records/read, read)})
	for _, r := range []struct {
		view drained
		row  string
	}{{intoRows, rowMySQL}, {intoIndex, rowSearch}} {
		s, err := b.drain(ctx, b.whole(), r.view)
		if err != nil {
			return err
		}
		value := fmt.Sprintf("%.0f records in %.0f s, %.0f/s", records, records/s.Rate, s.Rate)
		if row, taken := b.row(r.row); taken {
			value += fmt.Sprintf(", %.2f of its rate with a short log", s.Rate/middle(column(row.Ours, func(s Sample) float64 { return s.Rate })))
		}
		b.figure(Figure{Name: "recovery: view " + r.view.view + " anew from the log", Value: fmt.Sprintf("%s; sink's peak memory %d MB", value, s.Memory>>20),
			Aim: "0.80 of the rate", CPU: s.CPU})
	}
	return nil
}

// behind kills ingest while a step of the log is in no view, and starts it again.
func (b *bench) behind(ctx context.Context) error {
	sinks, ingest := b.Program("sinks"), b.Program("ingest")
	if err := sinks.Stop(30 * time.Second); err != nil {
		return err
	}
	tenants, err := b.generated(ctx, b.step)
	if err != nil {
		return err
	}
	if err := ingest.Kill(); err != nil {
		return err
	}
	began := time.Now()
	if err := errors.Join(ingest.Start(), ingest.Listening(ctx)); err != nil {
		return err
	}
	c := client.New(b.Writes, 1)
	defer c.Close()
	for i := range tenants {
		if err := tenants[i].goesOn(ctx, c); err != nil {
			return err
		}
	}
	b.figure(Figure{Name: fmt.Sprintf("recovery: ingest killed with %d commands in no view, until every partition has acked a write", b.step),
		Value: fmt.Sprintf("%.1f s, peak memory %d MB", time.Since(began).Seconds(), peak(ingest.PID())>>20)})
	return errors.Join(sinks.Start(), sinks.Ready(ctx), b.caughtUp(ctx))
}

// readLog fetches the whole log, all partitions at once, and gives the records
// per second and how many there are.
func (b *bench) readLog(ctx context.Context) (rate, records float64, err error) {
	conn := patient(strings.Split(b.parts.Kafka, ","))
	defer conn.Close()
	var count atomic.Int64
	errs := make([]error, partitions)
	began := time.Now()
	var group sync.WaitGroup
	for p := range int32(partitions) {
		group.Go(func() {
			end, err := conn.End(ctx, b.parts.Commands, p)
			for at := int64(0); err == nil && at < end; {
				var page kafkaconn.Page
				if page, err = conn.Fetch(ctx, b.parts.Commands, p, at, fetchBytes, time.Second); err == nil {
					count.Add(int64(len(page.Records)))
					at = page.Next
				}
			}
			errs[p] = err
		})
	}
	group.Wait()
	n := float64(count.Load())
	return n / time.Since(began).Seconds(), n, errors.Join(errs...)
}

// fetchBytes is how much is read of a partition at a time.
const fetchBytes = 1 << 20

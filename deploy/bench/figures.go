package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"chatlog/deploy/client"
)

// Figure is a measurement without a yardstick of its own.
type Figure struct {
	Name  string
	Value string
	Aim   string             `json:",omitempty"`
	CPU   map[string]float64 `json:",omitempty"` // seconds per 100,000 operations, by process
}

const figureHead = "| what | measured | aim | CPU seconds per 100,000 |\n|---|---|---|---|"

func (f Figure) line() string {
	return fmt.Sprintf("| %s | %s | %s | %s |", f.Name, f.Value, f.Aim, used([]Sample{{CPU: f.CPU}}))
}

func (b *bench) figure(f Figure) {
	b.figures = append(b.figures, f)
}

func (t times) String() string {
	return fmt.Sprintf("p50 %.1f ms, p99 %.1f ms", t.share(.5).Seconds()*1000, t.share(.99).Seconds()*1000)
}

// openConnections is how many connections an open load has.
const openConnections = 256

// open is the load of POSTs at a pace.
func (b *bench) open() *lean {
	return newLean(b.Writes, b.paths(apps, chatsPer), body, openConnections)
}

// paced70 tells how long writes take at 70 % of the most that there can be.
func (b *bench) paced70(ctx context.Context) error {
	const name = "POST message at 70 % of its peak, 256 connections"
	if !b.only.MatchString(name) {
		return nil
	}
	l := load{base: b.Writes, method: "POST", paths: b.paths(apps, chatsPer), body: body, connections: openConnections}
	if _, _, err := l.wrk(ctx, b.dir, b.round); err != nil { // warms up
		return err
	}
	peak, _, err := l.wrk(ctx, b.dir, 2*b.round)
	if err != nil {
		return err
	}
	posts := b.open()
	defer posts.close()
	took, err := paced{rate: .7 * peak.Rate, workers: openConnections, one: posts.post}.run(ctx, 4*b.round)
	if err != nil {
		return err
	}
	b.figure(Figure{Name: name, Value: fmt.Sprintf("%.0f of %.0f/s: %s", .7*peak.Rate, peak.Rate, took), Aim: "p99 under 50 ms"})
	return b.caughtUp(ctx)
}

// pipeline finds the rate at which messages go all the way, with the views
// keeping up.
func (b *bench) pipeline(ctx context.Context) error {
	const name = "whole pipeline, lag not growing; until visible"
	if !b.only.MatchString(name) {
		return nil
	}
	if err := b.caughtUp(ctx); err != nil {
		return err
	}
	low, high := 0.0, 0.0
	var cost map[string]float64
	for rate, try := b.pace, 0; try < b.tries; try++ {
		kept, cpu, err := b.keepsUp(ctx, rate)
		if err != nil {
			return err
		}
		if kept {
			low, cost = rate, cpu
		} else {
			high = rate
		}
		switch {
		case high == 0:
			rate *= 1.4
		case low == 0:
			rate /= 1.6
		default:
			rate = (low + high) / 2
		}
	}
	value := fmt.Sprintf("less than %.0f/s", high)
	if low > 0 {
		value = fmt.Sprintf("%.0f/s%s", low, b.allowed(low))
	}
	b.figure(Figure{Name: "whole pipeline, lag not growing", Value: value, Aim: "60 % of what the raw parts' CPU would allow", CPU: cost})
	return b.visible(ctx, max(low, high/2)/2)
}

// keepsUp reports whether the views keep up with a rate: what they lag behind
// does not grow by more than a fiftieth of what is written.
func (b *bench) keepsUp(ctx context.Context, rate float64) (kept bool, cost map[string]float64, err error) {
	posts := b.open()
	defer posts.close()
	sinks := client.New("http://"+b.sinksAt(), 1)
	defer sinks.Close()
	length := 4 * b.round
	pids := b.used("ingest", "sinks", "query", "kafka", "mysql", "elasticsearch")
	if _, err := (paced{rate: rate, workers: openConnections, one: posts.post}).run(ctx, length/2); err != nil { // gets going
		return false, nil, err
	}
	early, err := sinks.Metric(ctx, "chatlog_sink_lag_records")
	if err != nil {
		return false, nil, err
	}
	var took times
	s, err := metered(pids, func() (Sample, float64, error) {
		took, err = paced{rate: rate, workers: openConnections, one: posts.post}.run(ctx, length)
		return Sample{}, float64(len(took)), err
	})
	if err != nil {
		return false, nil, err
	}
	late, err := sinks.Metric(ctx, "chatlog_sink_lag_records")
	if err != nil {
		return false, nil, err
	}
	// When the load itself falls behind, it is not this rate that is kept up with.
	kept = late-early < rate*length.Seconds()/50 && took.share(.5) < time.Second
	return kept, s.CPU, b.caughtUp(ctx)
}

// allowed compares a rate with what the cores would allow if every message cost
// what the yardsticks of this run cost: a bare router, raw appends, raw INSERTs
// and raw _bulk.
func (b *bench) allowed(rate float64) string {
	sum := 0.0
	for _, name := range []string{rowPosts, rowAppender, rowMySQL, rowSearch} {
		row, taken := b.row(name)
		if !taken {
			return ""
		}
		for process := range row.Theirs[0].CPU {
			sum += middle(column(row.Theirs, func(s Sample) float64 { return s.CPU[process] }))
		}
	}
	most := float64(runtime.NumCPU()) * 100_000 / sum
	return fmt.Sprintf(", %.0f %% of the %.0f/s that the raw parts' %.1f CPU seconds per 100,000 would allow", rate/most*100, most, sum)
}

// visible tells how long after its ack a message can be read, and found, while
// others write at a rate.
func (b *bench) visible(ctx context.Context, rate float64) error {
	posts := b.open()
	defer posts.close()
	p := &probes{tokens: b.tokens, writes: client.New(b.Writes, 8), reads: client.New(b.Reads, 8)}
	defer p.writes.Close()
	defer p.reads.Close()
	var background, probing error
	var group sync.WaitGroup
	group.Go(func() {
		_, background = paced{rate: rate, workers: openConnections, one: posts.post}.run(ctx, 6*b.round)
	})
	group.Go(func() { _, probing = paced{rate: 20, workers: 8, one: p.one}.run(ctx, 6*b.round) })
	group.Wait()
	if err := errors.Join(background, probing); err != nil {
		return err
	}
	b.figure(Figure{Name: fmt.Sprintf("POST acked until visible by GET, at %.0f/s", rate), Value: p.read.String(), Aim: "p99 250 ms"})
	b.figure(Figure{Name: fmt.Sprintf("POST acked until visible by search, at %.0f/s", rate), Aim: "p99 1.5 s",
		Value: fmt.Sprintf("%s; %d times 503, and asked again", p.found, p.refused.Load())})
	return b.caughtUp(ctx)
}

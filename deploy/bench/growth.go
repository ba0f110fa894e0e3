package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/url"
	"path/filepath"
	"time"

	"gonum.org/v1/plot/plotter"

	"chatlog/deploy/client"
)

// grown is what operations cost when there are so many messages.
type grown struct {
	messages int64
	cost     map[string]float64 // seconds per operation, by operation
}

// The operations whose cost must not grow with what is stored.
const (
	insertRow   = "insert of a row"
	insertIndex = "indexing of a document"
	pointRead   = "GET message"
	listFirst   = "list of 100, first page"
	listDeep    = "list of 100, far page"
	searchChat  = "search in a chat"
)

var growing = []string{insertRow, insertIndex, pointRead, listFirst, listDeep, searchChat}

// growth fills the log step by step, and compares what operations cost with the
// most messages with what they cost after the first step.
func (b *bench) growth(ctx context.Context) error {
	const name = "growth"
	if !b.only.MatchString(name) {
		return nil
	}
	var all []grown
	for i := range b.steps {
		g, err := b.grow(ctx, int64(i+1)*b.step)
		if err != nil {
			return err
		}
		all = append(all, g)
	}
	first, last := all[0], all[len(all)-1]
	for _, o := range growing {
		b.figure(Figure{Name: fmt.Sprintf("growth, %s, %d to %d messages", o, first.messages, last.messages), Aim: "within 1.50",
			Value: fmt.Sprintf("%.3f ms to %.3f ms each: %.2f times", first.cost[o]*1000, last.cost[o]*1000, last.cost[o]/first.cost[o])})
	}
	if b.plots == "" {
		return nil
	}
	return errors.Join(b.drawGrowth("growth-writes.svg", "milliseconds for each message that enters a view", all, insertRow, insertIndex),
		b.drawGrowth("growth-reads.svg", "milliseconds for each answer, 16 at once", all, pointRead, listFirst, listDeep, searchChat))
}

func (b *bench) drawGrowth(file, y string, all []grown, operations ...string) error {
	var curves []curve
	for _, o := range operations {
		c := curve{name: o}
		for _, g := range all {
			c.points = append(c.points, plotter.XY{X: float64(g.messages) / 1e6, Y: g.cost[o] * 1000})
		}
		curves = append(curves, c)
	}
	return draw(filepath.Join(b.plots, file), "Cost of an operation as messages grow", "million messages", y, curves)
}

// grow generates one more step while the sinks are stopped, lets them bring it
// into the views, and reads.
func (b *bench) grow(ctx context.Context, messages int64) (grown, error) {
	g := grown{messages: messages, cost: map[string]float64{}}
	sinks := b.Program("sinks")
	if err := sinks.Stop(30 * time.Second); err != nil {
		return g, err
	}
	tenants, err := b.generated(ctx, b.step)
	if err != nil {
		return g, err
	}
	began := time.Now()
	if err := errors.Join(sinks.Start(), sinks.Ready(ctx)); err != nil {
		return g, err
	}
	for _, view := range []struct{ group, operation string }{{b.parts.Groups + "-mysql", insertRow}, {b.parts.Groups + "-search", insertIndex}} {
		if err := b.caughtUp(ctx, view.group); err != nil {
			return g, err
		}
		g.cost[view.operation] = time.Since(began).Seconds() / float64(b.step)
	}
	return g, b.readGrown(ctx, tenants, g.cost)
}

// readGrown measures reads, each for one round, of what was written last.
func (b *bench) readGrown(ctx context.Context, tenants []tenant, cost map[string]float64) error {
	c := client.New(b.Reads, readers)
	defer c.Close()
	words := newVocabulary(generatedWords)
	for _, o := range []struct {
		name string
		path func(t tenant, r *rand.Rand) string
	}{
		{pointRead, func(t tenant, r *rand.Rand) string { return fmt.Sprintf("/message/%d", 1+r.Int64N(t.Deep)) }},
		{listFirst, func(tenant, *rand.Rand) string { return "/messages" }},
		{searchChat, func(_ tenant, r *rand.Rand) string { return "/search?q=" + url.QueryEscape(words.text(r, 12)) }},
	} {
		s, err := b.answered(drawn(func(r *rand.Rand) string {
			t := tenants[r.IntN(len(tenants))]
			return "/application/" + t.Token + "/chat/1" + o.path(t, r)
		}), "mysql")(ctx, b.round)
		if err != nil {
			return err
		}
		cost[o.name] = readers / s.Rate
	}
	far, err := b.lastPage(ctx, c, "/application/"+tenants[0].Token+"/chat/1", min(tenants[0].Deep, b.deep))
	if err != nil {
		return err
	}
	s, err := b.answered([]string{far}, "mysql")(ctx, b.round)
	cost[listDeep] = readers / s.Rate
	return err
}

// variety is how many different paths are asked for, at most.
const variety = 5000

// drawn gives paths that are drawn by chance.
func drawn(path func(r *rand.Rand) string) []string {
	r := rand.New(rand.NewPCG(1, 2))
	paths := make([]string, variety)
	for i := range paths {
		paths[i] = path(r)
	}
	return paths
}

// answered asks for paths that must be answered by 200.
func (b *bench) answered(paths []string, store string) side {
	return b.sent(load{base: b.Reads, method: "GET", paths: paths, connections: readers},
		b.used("query", store))
}

// Package lifecycle starts the parts of a program in order and stops them in
// reverse.
package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Component is a part of a program. Start returns when the part is up, and is
// called once; Stop drains and ends it within its context, and may be called
// twice.
type Component interface {
	Name() string
	Start(ctx context.Context) error
	Stop(ctx context.Context) error
}

// Group is a component made of others.
type Group struct {
	name    string
	parts   []Component
	mutex   sync.Mutex
	running []Component // started and not yet stopped, in order
}

// NewGroup makes a group; the parts start in the order given.
func NewGroup(name string, parts ...Component) *Group { return &Group{name: name, parts: parts} }

// Name gives the group's name.
func (g *Group) Name() string { return g.name }

// Start starts the parts in order. When one fails, those before it are stopped.
func (g *Group) Start(ctx context.Context) error {
	for _, part := range g.parts {
		if err := part.Start(ctx); err != nil {
			err = fmt.Errorf("start %s: %w", part.Name(), err)
			bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), DrainTime)
			defer cancel()
			return errors.Join(err, g.Stop(bounded))
		}
		g.mutex.Lock()
		g.running = append(g.running, part)
		g.mutex.Unlock()
	}
	return nil
}

// Stop stops the parts in reverse order and collects their errors. Every part
// is stopped, even when one before it failed or the time is up.
func (g *Group) Stop(ctx context.Context) error {
	g.mutex.Lock()
	running := g.running
	g.running = nil
	g.mutex.Unlock()
	var errs []error
	for i := len(running) - 1; i >= 0; i-- {
		if err := running[i].Stop(ctx); err != nil {
			errs = append(errs, fmt.Errorf("stop %s: %w", running[i].Name(), err))
		}
	}
	return errors.Join(errs...)
}

// DrainTime is how long a stop may take.
const DrainTime = 8 * time.Second

// Run starts a component, waits until ctx ends, and stops it within DrainTime.
// The context for stopping is a fresh one: the old one has ended.
func Run(ctx context.Context, c Component) error {
	if err := c.Start(ctx); err != nil {
		return err
	}
	<-ctx.Done()
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), DrainTime)
	defer cancel()
	return c.Stop(bounded)
}

// Func makes a component of functions; either may be nil.
type Func struct {
	Title   string
	OnStart func(ctx context.Context) error
	OnStop  func(ctx context.Context) error
}

// Name gives the component's name.
func (f Func) Name() string { return f.Title }

// Start runs OnStart.
func (f Func) Start(ctx context.Context) error {
	if f.OnStart == nil {
		return nil
	}
	return f.OnStart(ctx)
}

// Stop runs OnStop.
func (f Func) Stop(ctx context.Context) error {
	if f.OnStop == nil {
		return nil
	}
	return f.OnStop(ctx)
}

// Loop makes a component of a function that runs until its context ends.
func Loop(name string, run func(ctx context.Context)) Component {
	l := &loop{name: name, run: run, done: make(chan struct{})}
	return l
}

type loop struct {
	name   string
	run    func(ctx context.Context)
	cancel context.CancelFunc
	done   chan struct{}
}

func (l *loop) Name() string { return l.name }

func (l *loop) Start(ctx context.Context) error {
	ctx, l.cancel = context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		defer close(l.done)
		l.run(ctx)
	}()
	return nil
}

func (l *loop) Stop(ctx context.Context) error {
	l.cancel()
	select {
	case <-l.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

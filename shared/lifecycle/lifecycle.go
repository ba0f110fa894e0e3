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

// Mortal is a component that may end by itself. Done is closed when it has
// ended, by Stop or by itself; Err then tells of what, nil after a Stop. An end
// by itself stops the whole program: half of one is worse than a restart.
type Mortal interface {
	Component
	Done() <-chan struct{}
	Err() error
}

// ErrStopped is what a start gets when the group was stopped meanwhile.
var ErrStopped = errors.New("stopped while starting")

// Group is a component made of others.
type Group struct {
	name     string
	parts    []Component
	mutex    sync.Mutex
	running  []Component   // started and not yet stopped, in order
	stopping chan struct{} // closed by the first Stop
	dead     chan struct{} // closed when a part has ended by itself
	cause    error         // of which; set before dead is closed
}

// NewGroup makes a group; the parts start in the order given.
func NewGroup(name string, parts ...Component) *Group {
	return &Group{name: name, parts: parts, stopping: make(chan struct{}), dead: make(chan struct{})}
}

// Name gives the group's name.
func (g *Group) Name() string { return g.name }

// Done is closed when a part has ended by itself; Err tells which.
func (g *Group) Done() <-chan struct{} { return g.dead }

// Err tells which part has ended by itself, and of what.
func (g *Group) Err() error {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	return g.cause
}

// Start starts the parts in order. When one fails, those before it are stopped.
// A group is started once, and not again after a Stop.
func (g *Group) Start(ctx context.Context) error {
	for _, part := range g.parts {
		err := part.Start(ctx)
		if err == nil && g.add(part) {
			continue
		}
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), DrainTime)
		defer cancel()
		if err != nil {
			return errors.Join(fmt.Errorf("start %s: %w", part.Name(), err), g.Stop(bounded))
		}
		return errors.Join(ErrStopped, stop(bounded, part), g.Stop(bounded))
	}
	return nil
}

// add takes a part that is up into the care of Stop; false if that has been.
func (g *Group) add(part Component) bool {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	select {
	case <-g.stopping:
		return false
	default:
	}
	g.running = append(g.running, part)
	if m, mortal := part.(Mortal); mortal {
		go g.watch(m)
	}
	return true
}

// watch waits for a part's end and tells of it if nobody asked for it.
func (g *Group) watch(m Mortal) {
	select {
	case <-m.Done():
	case <-g.stopping:
		return
	}
	g.mutex.Lock()
	defer g.mutex.Unlock()
	select {
	case <-g.stopping:
	default:
		if g.cause == nil {
			g.cause = fmt.Errorf("%s: %w", m.Name(), m.Err())
			close(g.dead)
		}
	}
}

// Stop stops the parts in reverse order and collects their errors. Every part
// is stopped, even when one before it failed or the time is up: a part that
// does not heed its context is left behind.
func (g *Group) Stop(ctx context.Context) error {
	g.mutex.Lock()
	running := g.running
	g.running = nil
	select {
	case <-g.stopping:
	default:
		close(g.stopping)
	}
	g.mutex.Unlock()
	var errs []error
	for i := len(running) - 1; i >= 0; i-- {
		errs = append(errs, stop(ctx, running[i]))
	}
	return errors.Join(errs...)
}

// grace is what a part gets beyond its context to close what it must.
const grace = 200 * time.Millisecond

// stop stops one part, and waits for it no longer than ctx and a grace.
func stop(ctx context.Context, part Component) error {
	done := make(chan error, 1)
	go func() { done <- part.Stop(ctx) }()
	var err error
	select {
	case err = <-done:
	case <-ctx.Done():
		select {
		case err = <-done:
		case <-time.After(grace):
			err = fmt.Errorf("left behind: %w", ctx.Err())
		}
	}
	if err != nil {
		return fmt.Errorf("stop %s: %w", part.Name(), err)
	}
	return nil
}

// DrainTime is how long a stop may take.
const DrainTime = 8 * time.Second

// Run starts a component, waits until ctx ends or the component ends by itself,
// which is an error, and stops it within DrainTime. The context for stopping is
// a fresh one: the old one has ended.
func Run(ctx context.Context, c Component) error {
	if err := c.Start(ctx); err != nil {
		return err
	}
	var died error
	if m, mortal := c.(Mortal); mortal {
		select {
		case <-ctx.Done():
		case <-m.Done():
			died = m.Err()
		}
	} else {
		<-ctx.Done()
	}
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), DrainTime)
	defer cancel()
	return errors.Join(died, stop(bounded, c))
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

// Loop makes a component of a function that runs until its context ends. One
// that returns before is dead.
func Loop(name string, run func(ctx context.Context)) Component {
	l := &loop{name: name, run: run, done: make(chan struct{})}
	l.ctx, l.cancel = context.WithCancel(context.Background())
	return l
}

var errEnded = errors.New("ended by itself")

type loop struct {
	name   string
	run    func(ctx context.Context)
	ctx    context.Context // of the run; not that of Start, which ends before
	cancel context.CancelFunc
	once   sync.Once // closes done without a run when the stop comes first
	done   chan struct{}
}

func (l *loop) Name() string { return l.name }

func (l *loop) Done() <-chan struct{} { return l.done }

func (l *loop) Err() error {
	if l.ctx.Err() != nil {
		return nil
	}
	return errEnded
}

func (l *loop) Start(context.Context) error {
	l.once.Do(func() {
		go func() {
			defer close(l.done)
			l.run(l.ctx)
		}()
	})
	return nil
}

func (l *loop) Stop(ctx context.Context) error {
	l.cancel()
	l.once.Do(func() { close(l.done) })
	select {
	case <-l.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

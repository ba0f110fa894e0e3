// Package prepare does what has to be done once before a service is fully of
// use (make topics, migrate a schema), for as long as it takes: a part that is
// down when the service starts is waited for without hands.
package prepare

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"chatlog/shared/fault"
)

// Step is one thing to prepare. It may be tried any number of times.
type Step struct {
	Name string
	Do   func(ctx context.Context) error
}

// Preparation runs steps in order as a component.
type Preparation struct {
	name   string
	steps  []Step
	logger *slog.Logger
	cancel context.CancelFunc
	done   chan struct{}
	state  atomic.Pointer[error] // why it is not done; nil inside: done
}

// New makes a preparation.
func New(name string, logger *slog.Logger, steps ...Step) *Preparation {
	p := &Preparation{name: name, steps: steps, logger: logger, done: make(chan struct{})}
	p.set(fault.New(fault.Transient, "not prepared yet"))
	return p
}

// Name gives the component's name.
func (p *Preparation) Name() string { return p.name }

// Check reports why the preparation is not done.
func (p *Preparation) Check(context.Context) error { return *p.state.Load() }

func (p *Preparation) set(err error) { p.state.Store(&err) }

const (
	firstTry = 10 * time.Second
	retryMin = 200 * time.Millisecond
	retryMax = 5 * time.Second
)

// Start tries once. What can never work is an error here, and keeps the service
// from starting; what may pass is tried again in the background.
func (p *Preparation) Start(ctx context.Context) error {
	run, cancel := context.WithCancel(context.WithoutCancel(ctx))
	p.cancel = cancel
	left, err := p.try(ctx, p.steps)
	if err != nil && !fault.Is(err, fault.Transient) {
		close(p.done)
		return err
	}
	if err == nil {
		close(p.done)
		return nil
	}
	p.logger.Warn("not everything is ready, going on", "preparing", p.name, "error", err)
	go p.retry(run, left)
	return nil
}

// try runs steps until one fails and gives those that are left.
func (p *Preparation) try(ctx context.Context, steps []Step) ([]Step, error) {
	for i, s := range steps {
		bounded, cancel := context.WithTimeout(ctx, firstTry)
		err := s.Do(bounded)
		cancel()
		if err != nil {
			err = fmt.Errorf("%s: %w", s.Name, err)
			p.set(err)
			return steps[i:], err
		}
	}
	p.set(nil)
	return nil, nil
}

func (p *Preparation) retry(ctx context.Context, left []Step) {
	defer close(p.done)
	for wait := retryMin; ; wait = min(2*wait, retryMax) {
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		var err error
		if left, err = p.try(ctx, left); err == nil {
			p.logger.Info("everything is ready now", "preparing", p.name)
			return
		} else if !fault.Is(err, fault.Transient) {
			p.logger.Error("cannot be prepared", "preparing", p.name, "error", err)
			return
		}
	}
}

// Stop gives up what is still being tried.
func (p *Preparation) Stop(ctx context.Context) error {
	p.cancel()
	select {
	case <-p.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

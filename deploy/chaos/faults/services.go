package faults

import (
	"context"
	"errors"
	"syscall"
	"time"

	"chatlog/deploy/chaos/history"
	"chatlog/deploy/chaos/world"
	"chatlog/deploy/system"
	"chatlog/shared/retry"
)

// services kills and pauses one instance of each service.
func services() (list []Fault) {
	for _, s := range []struct {
		name     string
		lane     Lane
		disturbs []history.Kind // by its death; what it was answering as it was paused is late in any case
		paused   []history.Kind
		of       func(*world.World) []*system.Program
	}{
		{"ingest", Ingest, Writes, Writes, func(w *world.World) []*system.Program { return w.Ingests }},
		{"MySQL sink", Views, gets, gets, func(w *world.World) []*system.Program { return w.Rows }},
		{"search sink", Views, searches, searches, func(w *world.World) []*system.Program { return w.Index }},
		{"query", Views, nothing, all, func(w *world.World) []*system.Program { return w.Queries }},
	} {
		list = append(list,
			Fault{"kill -9 of " + s.name, s.lane, s.disturbs, func(ctx context.Context, t *Turn) error {
				return kill(ctx, t, pick(t, s.of(t.World)))
			}},
			Fault{"SIGSTOP of " + s.name, s.lane, s.paused, func(ctx context.Context, t *Turn) error {
				return pause(ctx, t, pick(t, s.of(t.World)))
			}})
	}
	return list
}

func kill(ctx context.Context, t *Turn, p *system.Program) error {
	defer t.World.Take(p)()
	t.note = p.Name
	if err := p.Kill(); err != nil {
		return err
	}
	t.Hold(ctx)
	return again(ctx, t, p)
}

// again starts a program and waits until it is ready.
func again(ctx context.Context, t *Turn, p *system.Program) error {
	ctx, cancel := undo(ctx)
	defer cancel()
	return errors.Join(p.Start(), p.Ready(ctx))
}

// pastLease is longer than a lease lives without being renewed, and shorter
// than a consumer group's session (10 s): both sides of it are of interest.
const pastLease = 3500 * time.Millisecond

// pause stops a process for longer than its leases live: it wakes up a zombie.
func pause(ctx context.Context, t *Turn, p *system.Program) error {
	defer t.World.Take(p)()
	t.note = p.Name
	if err := p.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	retry.Wait(ctx, pastLease)
	t.Hold(ctx)
	return p.Signal(syscall.SIGCONT)
}

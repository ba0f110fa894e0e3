package faults

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"slices"
	"time"

	"chatlog/deploy/system"
	"chatlog/shared/retry"
)

// instances lets instances come and go, disagree, and be wrong about the time.
func instances() []Fault {
	return []Fault{
		{"two owners at once", Ingest, nothing, func(ctx context.Context, t *Turn) error {
			t.Force(true)
			defer t.Force(false)
			t.Hold(ctx)
			return nil
		}},
		{"clock an hour off", Ingest, nothing, func(ctx context.Context, t *Turn) error {
			return clock(ctx, t, pick(t, t.World.Ingests), pick(t, []string{"1h", "-1h"}))
		}},
		{"scale ingest 1, 3, 1", Ingest, nothing, scale},
		{"rolling upgrade", Ingest, gets, upgrade}, // groups of sinks are shared out anew
	}
}

// graceful is how long a stop may take before it is a fault of the service.
const graceful = 20 * time.Second

// stop stops a program gracefully. While Kafka is broken, too, writes that are
// under way may be without an outcome when the time for stopping is over: the
// program ends by itself and says so by its exit code, as it should.
func stop(t *Turn, p *system.Program) error {
	before := t.World.KafkaFaults.Load()
	err := p.Stop(graceful)
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() == 1 && before+t.World.KafkaFaults.Load() > 0 {
		t.note += " (" + p.Name + " stopped with writes without an outcome)"
		return nil
	}
	return err
}

// clock runs an instance with a clock that is wrong.
func clock(ctx context.Context, t *Turn, p *system.Program, skew string) error {
	defer t.World.Take(p)()
	t.note = p.Name + " " + skew
	right := p.Env
	p.Env = append(slices.Clone(right), "CHATLOG_TEST_CLOCK_SKEW="+skew)
	err := errors.Join(stop(t, p), again(ctx, t, p))
	p.Env = right
	retry.Wait(ctx, time.Second) // for it to have leases again
	t.Hold(ctx)
	return errors.Join(err, stop(t, p), again(ctx, t, p))
}

// scale stops all ingests but one, and brings them back, twice.
func scale(ctx context.Context, t *Turn) error {
	last := t.Rand.IntN(len(t.World.Ingests))
	others := slices.Concat(t.World.Ingests[:last], t.World.Ingests[last+1:])
	t.note = t.World.Ingests[last].Name + " remains"
	var errs []error
	for _, p := range others {
		defer t.World.Take(p)()
		errs = append(errs, stop(t, p))
	}
	t.Hold(ctx)
	for _, p := range others {
		errs = append(errs, again(ctx, t, p))
	}
	t.Hold(ctx)
	return errors.Join(errs...)
}

// upgrade replaces every program by another build, one after the other.
func upgrade(ctx context.Context, t *Turn) error {
	for _, p := range t.World.Programs() {
		if err := replace(ctx, t, p); err != nil || ctx.Err() != nil {
			return err
		}
	}
	return nil
}

func replace(ctx context.Context, t *Turn, p *system.Program) error {
	defer t.World.Take(p)()
	was, to := filepath.Dir(p.Path), t.World.Next
	if was == to {
		to = t.World.Bin
	}
	t.note = fmt.Sprintf("from %s to %s", filepath.Base(was), filepath.Base(to))
	err := stop(t, p)
	p.Path = filepath.Join(to, filepath.Base(p.Path))
	return errors.Join(err, again(ctx, t, p))
}

package lifecycle

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// diary is what happened, in order.
type diary struct {
	mutex sync.Mutex
	lines []string
}

func (d *diary) write(line string) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.lines = append(d.lines, line)
}

func (d *diary) read() string {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	return strings.Join(d.lines, " ")
}

func (d *diary) part(name string, startErr, stopErr error) Func {
	return Func{Title: name,
		OnStart: func(context.Context) error { d.write("+" + name); return startErr },
		OnStop:  func(context.Context) error { d.write("-" + name); return stopErr }}
}

// soon is far more than anything here takes.
const soon = 10 * time.Second

func wait[T any](t *testing.T, what string, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(soon):
		t.Fatalf("%s: nothing after %v", what, soon)
	}
	return v
}

func TestStartsInOrderStopsInReverse(t *testing.T) {
	var d diary
	g := NewGroup("all", d.part("a", nil, nil), NewGroup("inner", d.part("b", nil, nil), d.part("c", nil, nil)), d.part("d", nil, nil))
	if err := g.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := g.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := d.read(), "+a +b +c +d -d -c -b -a"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestAFailedStartStopsWhatRuns(t *testing.T) {
	var d diary
	broken, stuck := errors.New("port in use"), errors.New("cannot flush")
	g := NewGroup("all", d.part("a", nil, stuck), d.part("b", nil, nil), d.part("c", broken, nil), d.part("d", nil, nil))
	err := g.Start(t.Context())
	if !errors.Is(err, broken) || !errors.Is(err, stuck) || !strings.Contains(err.Error(), "c: port in use") {
		t.Errorf("got %v", err)
	}
	if got, want := d.read(), "+a +b +c -b -a"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// When the start fails because its context ended, the stop must still get one
// that lives.
func TestStopAfterACancelledStartHasAFreshContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	stopped := make(chan error, 1)
	g := NewGroup("all",
		Func{Title: "a", OnStop: func(ctx context.Context) error { stopped <- ctx.Err(); return nil }},
		Func{Title: "b", OnStart: func(ctx context.Context) error { cancel(); return ctx.Err() }})
	if err := g.Start(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if err := wait(t, "stop of a", stopped); err != nil {
		t.Errorf("a was stopped with a context that had ended: %v", err)
	}
}

func TestStopCollectsEveryError(t *testing.T) {
	var d diary
	one, two := errors.New("one"), errors.New("two")
	g := NewGroup("all", d.part("a", nil, one), d.part("b", nil, nil), d.part("c", nil, two))
	if err := g.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := g.Stop(t.Context())
	if !errors.Is(err, one) || !errors.Is(err, two) {
		t.Errorf("got %v", err)
	}
	if got, want := d.read(), "+a +b +c -c -b -a"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestRunStopsWithAFreshBoundedContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	type seen struct {
		err     error
		left    time.Duration
		bounded bool
	}
	stopped := make(chan seen, 1)
	started := make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		ended <- Run(ctx, Func{Title: "a",
			OnStart: func(context.Context) error { close(started); return nil },
			OnStop: func(ctx context.Context) error {
				at, bounded := ctx.Deadline()
				stopped <- seen{ctx.Err(), time.Until(at), bounded}
				return nil
			}})
	}()
	wait(t, "start", started)
	select {
	case err := <-ended:
		t.Fatalf("ended before its context: %v", err)
	default:
	}
	cancel()
	if s := wait(t, "stop", stopped); s.err != nil || !s.bounded || s.left <= 0 || s.left > DrainTime {
		t.Errorf("the stop's context: %+v", s)
	}
	if err := wait(t, "run", ended); err != nil {
		t.Error(err)
	}
}

func TestRunGivesTheStartsError(t *testing.T) {
	broken := errors.New("port in use")
	if err := Run(t.Context(), Func{Title: "a", OnStart: func(context.Context) error { return broken }}); !errors.Is(err, broken) {
		t.Errorf("got %v", err)
	}
}

func TestLoopOutlivesItsStartAndEndsWithStop(t *testing.T) {
	running, ended := make(chan struct{}), make(chan struct{})
	l := Loop("tick", func(ctx context.Context) {
		close(running)
		<-ctx.Done()
		close(ended)
	})
	ctx, cancel := context.WithCancel(t.Context())
	if err := l.Start(ctx); err != nil {
		t.Fatal(err)
	}
	wait(t, "loop", running)
	cancel() // ends the starting, not the loop
	select {
	case <-ended:
		t.Fatal("the loop ended with the context of its start")
	case <-time.After(20 * time.Millisecond):
	}
	for range 2 {
		if err := l.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	wait(t, "end", ended)
}

func TestLoopThatWasNeverStarted(t *testing.T) {
	l := Loop("tick", func(context.Context) {})
	if err := l.Stop(t.Context()); err != nil {
		t.Errorf("got %v", err)
	}
}

func TestStopOfALoopThatHangsIsBounded(t *testing.T) {
	release := make(chan struct{})
	l := Loop("stuck", func(context.Context) { <-release })
	if err := l.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if err := l.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	close(release)
	if err := l.Stop(t.Context()); err != nil {
		t.Errorf("second stop: %v", err)
	}
}

// A part whose Stop forgets its context must not keep the others from stopping.
func TestAStopThatIgnoresItsContextIsLeftBehind(t *testing.T) {
	release, left := make(chan struct{}), make(chan struct{})
	var d diary
	g := NewGroup("all", d.part("a", nil, nil), Func{Title: "stuck", OnStop: func(context.Context) error {
		defer close(left)
		<-release
		return nil
	}})
	if err := g.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- g.Stop(ctx) }()
	err := wait(t, "stop", ended)
	if err == nil || !strings.Contains(err.Error(), "stuck") {
		t.Errorf("got %v", err)
	}
	if got, want := d.read(), "+a -a"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	close(release)
	wait(t, "the part left behind", left)
}

// A part that ends by itself takes the program down, in order.
func TestAPartThatDiesStopsTheRest(t *testing.T) {
	var d diary
	die := make(chan struct{})
	started := make(chan struct{})
	ended := make(chan error, 1)
	g := NewGroup("all", d.part("a", nil, nil),
		NewGroup("inner", Loop("mortal", func(ctx context.Context) {
			select {
			case <-die:
			case <-ctx.Done():
			}
		}), d.part("b", nil, nil)),
		Func{Title: "last", OnStart: func(context.Context) error { close(started); return nil }})
	go func() { ended <- Run(t.Context(), g) }()
	wait(t, "start", started)
	close(die)
	err := wait(t, "run", ended)
	if err == nil || !strings.Contains(err.Error(), "mortal") {
		t.Errorf("got %v", err)
	}
	if got, want := d.read(), "+a +b -b -a"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// The end of a loop that was told to stop is no death.
func TestAStopIsNoDeath(t *testing.T) {
	for range 100 {
		ctx, cancel := context.WithCancel(t.Context())
		up := make(chan struct{})
		go func() { <-up; cancel() }()
		g := NewGroup("all", Loop("a", func(ctx context.Context) { <-ctx.Done() }), Loop("b", func(ctx context.Context) { close(up); <-ctx.Done() }))
		if err := Run(ctx, g); err != nil {
			t.Fatal(err)
		}
	}
}

// Whatever start and stop do to each other: what was started is stopped, once,
// in reverse order, and nothing runs afterwards.
func TestStress(t *testing.T) {
	for round := range 300 {
		var running, starts, stops atomic.Int64
		var order []int
		var mutex sync.Mutex
		n := 1 + rand.IntN(6)
		failing := rand.IntN(2 * n)
		parts := make([]Component, n)
		for i := range parts {
			parts[i] = Func{Title: fmt.Sprint(i),
				OnStart: func(context.Context) error {
					if i == failing {
						return errors.New("no")
					}
					starts.Add(1)
					running.Add(1)
					return nil
				},
				OnStop: func(context.Context) error {
					mutex.Lock()
					order = append(order, i)
					mutex.Unlock()
					stops.Add(1)
					running.Add(-1)
					return nil
				}}
		}
		g := NewGroup("all", parts...)
		var group sync.WaitGroup
		group.Go(func() { g.Start(t.Context()) })
		for range 3 {
			group.Go(func() { g.Stop(t.Context()) })
		}
		group.Wait()
		if err := g.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		if running.Load() != 0 || starts.Load() != stops.Load() {
			t.Fatalf("round %d: %d parts, %d started, %d stopped, %d still run", round, n, starts.Load(), stops.Load(), running.Load())
		}
		slices.Sort(order)
		if len(slices.Compact(order)) != int(stops.Load()) {
			t.Fatalf("round %d: a part was stopped twice: %v", round, order)
		}
	}
}

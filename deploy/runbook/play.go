package runbook

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Hook does what a runbook says in words, or checks what has come of it.
type Hook func(ctx context.Context, args string) error

// Player runs the steps of runbooks in one place. What a block exports, the next
// ones have, as in one shell; files stay, too.
type Player struct {
	Dir   string          // where blocks run
	Env   []string        // NAME=value: the variables that the runbook leaves to its reader
	Hooks map[string]Hook // by name
	Tell  func(string)    // of every step that was done; nil: nobody

	last string // what the last block printed
	code int    // that the next block must end with
}

// blockPatience is how long one block may take: a replay, or replicas that are
// copied, on a busy machine.
const blockPatience = 3 * time.Minute

// exported is the file that carries variables from one block to the next.
const exported = ".exported"

// Play runs all steps in order, and stops at the first that fails.
func (p *Player) Play(ctx context.Context, steps []Step) error {
	if err := p.known(steps); err != nil {
		return err
	}
	for _, s := range steps {
		began := time.Now()
		if err := p.step(ctx, s); err != nil {
			return fmt.Errorf("line %d: %w", s.Line, err)
		}
		if p.Tell != nil {
			p.Tell(fmt.Sprintf("line %d: %s, in %s", s.Line, s.title(), time.Since(began).Round(time.Millisecond)))
		}
	}
	return nil
}

// known refuses hooks that nobody has, before anything is done.
func (p *Player) known(steps []Step) error {
	for _, s := range steps {
		switch s.Hook {
		case "", "exit", "expect", "refuse":
		default:
			if p.Hooks[s.Hook] == nil {
				return fmt.Errorf("line %d: there is no hook %q", s.Line, s.Hook)
			}
		}
	}
	return nil
}

// title is what a step does, in one line.
func (s Step) title() string {
	if s.Hook != "" {
		return strings.TrimSpace("(" + s.Hook + ") " + s.Args)
	}
	first, more, _ := strings.Cut(strings.TrimSpace(s.Block), "\n")
	if more != "" {
		first += " …"
	}
	return first
}

func (p *Player) step(ctx context.Context, s Step) (err error) {
	switch s.Hook {
	case "":
		return p.block(ctx, s.Block)
	case "exit":
		p.code, err = strconv.Atoi(s.Args)
		return err
	case "expect", "refuse":
		pattern, err := regexp.Compile("(?m)" + s.Args)
		if err != nil {
			return err
		}
		if pattern.MatchString(p.last) != (s.Hook == "expect") {
			return fmt.Errorf("%s %s, but the last block printed\n%s", s.Hook, s.Args, p.last)
		}
		return nil
	}
	return p.Hooks[s.Hook](ctx, s.Args)
}

// block runs commands by one bash that stops at the first that fails.
func (p *Player) block(ctx context.Context, commands string) error {
	ctx, cancel := context.WithTimeout(ctx, blockPatience)
	defer cancel()
	want := p.code
	p.code = 0
	at := filepath.Join(p.Dir, exported)
	script := "set -euo pipefail\nif [ -e '" + at + "' ]; then . '" + at + "'; fi\n" + commands + "\nexport -p >'" + at + "'\n"
	c := exec.CommandContext(ctx, "bash", "-c", script)
	c.Dir, c.Env = p.Dir, append(os.Environ(), p.Env...)
	c.WaitDelay = time.Second // a child that was left behind must not hold the test
	out, err := c.CombinedOutput()
	p.last = string(out)
	var exited *exec.ExitError
	if err != nil && !errors.As(err, &exited) || c.ProcessState.ExitCode() != want {
		return fmt.Errorf("exit code %d (%w), must be %d:\n%s%s", c.ProcessState.ExitCode(), errors.Join(err, ctx.Err()), want, commands, out)
	}
	return nil
}

// Package program is what all of chatlog's programs begin and end with: commands,
// flags, help, configuration, signals, exit codes.
package program

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"chatlog/shared/config"
	"chatlog/shared/version"
)

// gcPercent is how much garbage, in percent of what is in use, may come together
// before it is collected. What is in use is small and full of pointers, so that
// collecting at 100, Go's default, took a fifth of ingest's time; the price is
// memory of some tens of megabytes. GOGC and GOMEMLIMIT say otherwise.
const gcPercent = 300

// None is the configuration of a program that reads none.
type None struct{}

// Program is a program with its commands.
type Program[C any] struct {
	Name     string
	Does     string       // in one line
	Default  func() C     // the configuration's defaults; nil: it reads none
	Commands []Command[C] // the first one is done when none is named
}

// Command is one thing that a program does.
type Command[C any] struct {
	Name   string // what follows the program's name; empty: nothing does
	Help   Help
	Flags  func(*flag.FlagSet) // adds its own; nil: it has none
	Rest   *[]string           // where go arguments that are no flags; nil: they are refused
	Check  func() error        // says whether the flags go together; nil: they do
	Serves bool                // it runs until it is stopped: an interrupt is its proper end
	Do     func(ctx context.Context, cfg C, out, errOut io.Writer) error
}

// Main does what the arguments ask for until it is done or SIGINT or SIGTERM
// comes, and gives the exit code.
func (p Program[C]) Main(args []string) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return p.Run(ctx, args, os.Environ(), os.Stdout, os.Stderr)
}

// Run does what the arguments ask for until it is done or ctx ends, and gives the
// exit code: OK, Failed, Misused or Left.
func (p Program[C]) Run(ctx context.Context, args, environ []string, out, errOut io.Writer) int {
	c, args, err := p.choose(args)
	if err != nil {
		return p.misused(errOut, p.Name, err)
	}
	if c == nil {
		p.overview(out)
		return OK
	}
	name := strings.TrimSpace(p.Name + " " + c.Name)
	asked, err := p.parse(name, c, args)
	switch {
	case errors.Is(err, flag.ErrHelp):
		p.tell(out, name, c, asked.set)
		return OK
	case err != nil:
		return p.misused(errOut, name, err)
	case asked.what:
		fmt.Fprintln(out, p.Name, version.Read())
		return OK
	}
	var cfg C
	if p.Default != nil {
		cfg = p.Default()
		if err := loadConfig(asked.path, environ, &cfg); err != nil {
			fmt.Fprintln(errOut, err)
			return Misused
		}
		if asked.check {
			fmt.Fprintln(out, "config ok")
			return OK
		}
		if os.Getenv("GOGC") == "" {
			debug.SetGCPercent(gcPercent)
		}
	}
	return c.exit(name, c.Do(ctx, cfg, out, errOut), errOut)
}

// choose finds the command that is named. None says that the overview is asked
// for.
func (p Program[C]) choose(args []string) (*Command[C], []string, error) {
	if len(args) > 0 && args[0] == "help" {
		args = append(args[1:len(args):len(args)], "--help")
	}
	if len(args) == 0 || strings.HasPrefix(args[0], "-") {
		if p.Commands[0].Name != "" && len(args) > 0 && isHelp(args[0]) {
			return nil, nil, nil
		}
		return &p.Commands[0], args, nil
	}
	var names []string
	for i := range p.Commands {
		if c := &p.Commands[i]; c.Name == args[0] && c.Name != "" {
			return c, args[1:], nil
		}
		if p.Commands[i].Name != "" {
			names = append(names, p.Commands[i].Name)
		}
	}
	if p.Commands[0].Rest != nil {
		return &p.Commands[0], args, nil
	}
	if len(names) == 0 {
		return nil, nil, fmt.Errorf("unknown argument %q", args[0])
	}
	return nil, nil, fmt.Errorf("unknown command %q%s", args[0], meant(args[0], names, ""))
}

// loadConfig reads a configuration from a file, ./config.yaml if none is named
// and it is there, and from the environment.
func loadConfig(path string, environ []string, into any) error {
	if path == "" {
		if _, err := os.Stat(defaultPath); err == nil {
			path = defaultPath
		} else if !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return config.Load(path, environ, into)
}

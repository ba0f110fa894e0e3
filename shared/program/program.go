// Package program is what all of chatlog's programs begin and end with: flags,
// configuration, signals, exit codes.
package program

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"

	"chatlog/shared/config"
)

// gcPercent is how much garbage, in percent of what is in use, may come together
// before it is collected. What is in use is small and full of pointers, so that
// collecting at 100, Go's default, took a fifth of ingest's time; the price is
// memory of some tens of megabytes. GOGC and GOMEMLIMIT say otherwise.
const gcPercent = 300

// Main reads a program's flags and configuration into cfg, which holds the
// defaults, and serves until SIGINT or SIGTERM. It gives the exit code: 0
// stopped, 1 failed, 2 wrong configuration.
func Main[C any](name, help string, args []string, cfg C, serve func(ctx context.Context, cfg C, out, errOut io.Writer) error) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if code, done := config.Start(name, help, args, os.Environ(), &cfg, os.Stdout, os.Stderr); done {
		return code
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcPercent)
	}
	if err := serve(ctx, cfg, os.Stdout, os.Stderr); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintf(os.Stderr, "%s: %v\n", name, err)
		return 1
	}
	return 0
}

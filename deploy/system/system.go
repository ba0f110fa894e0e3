package system

import (
	"context"
	"errors"
	"path/filepath"
	"time"
)

// System is all of chatlog's processes.
type System struct {
	Writes   string // base URL of ingest
	Reads    string // base URL of query
	Programs []*Program
}

// patience is how long a graceful stop may take at most, as promised to
// operators.
const patience = 10 * time.Second

// readyWait is how long a start may take, on a busy machine, with a view that
// has to catch up.
const readyWait = 60 * time.Second

// Start starts all programs and waits until all are ready.
func (s *System) Start(ctx context.Context) error {
	for _, p := range s.Programs {
		if err := p.Start(); err != nil {
			return err
		}
	}
	return s.Ready(ctx)
}

// Ready waits until all programs that run are ready.
func (s *System) Ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, readyWait)
	defer cancel()
	for _, p := range s.Programs {
		if !p.Running() {
			continue
		}
		if err := p.Ready(ctx); err != nil {
			return err
		}
	}
	return nil
}

// Stop ends all programs gracefully, the last one first.
func (s *System) Stop() error {
	var errs []error
	for i := len(s.Programs) - 1; i >= 0; i-- {
		errs = append(errs, s.Programs[i].Stop(patience))
	}
	return errors.Join(errs...)
}

// Program finds a program by its name.
func (s *System) Program(name string) *Program {
	for _, p := range s.Programs {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// Embedded is the all-in-one with its data in a folder. bin is the folder of
// the built programs. Its log is the folder's local.log.
func Embedded(bin, dir string, env ...string) (*System, error) {
	ingest, err := FreeAddress()
	if err != nil {
		return nil, err
	}
	query, err := FreeAddress()
	if err != nil {
		return nil, err
	}
	sinks, err := FreeAddress()
	if err != nil {
		return nil, err
	}
	p := &Program{Name: "local", Path: filepath.Join(bin, "local"), Listen: query, Log: filepath.Join(dir, "local.log"), Dir: dir,
		Env: append([]string{"CHATLOG_INGEST_LISTEN=" + ingest, "CHATLOG_QUERY_LISTEN=" + query, "CHATLOG_SINKS_LISTEN=" + sinks,
			"CHATLOG_LOCAL_DATA_DIR=" + filepath.Join(dir, "data")}, env...)}
	return &System{Writes: "http://" + ingest, Reads: "http://" + query, Programs: []*Program{p}}, nil
}

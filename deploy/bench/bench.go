package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"chatlog/deploy/client"
	"chatlog/deploy/system"
	"chatlog/shared/progress"
)

// bench is a running chatlog with the yardsticks beside it.
type bench struct {
	*system.System
	options
	parts       system.Parts
	dir         string
	bin         string
	only        *regexp.Regexp
	out         io.Writer
	far         *progress.Progress
	machineName string
	tenants     []tenant // what was generated
	filled      bool     // the chat whose pages are read is deep
	rows        []Row
	figures     []Figure
	tokens      []string // applications, chats of each: chatsPer

	profileAt map[string]string // where programs can be profiled, by name
}

// How the messages are spread: apps × chatsPer chats, over all partitions.
const (
	apps     = 50
	chatsPer = 20
)

func (b *bench) start(ctx context.Context) (err error) {
	if b.embedded {
		return b.startEmbedded(ctx)
	}
	if err := system.Build(ctx, b.bin, "chatlog/ingest", "chatlog/sinks", "chatlog/query", "chatlog/ingest/appendrate", "chatlog/deploy/bench/yardstick"); err != nil {
		return err
	}
	if err := b.parts.Prepare(ctx); err != nil {
		return err
	}
	if b.System, err = system.Real(b.bin, b.dir, b.parts, "CHATLOG_LOG_LEVEL=warn", fmt.Sprint("CHATLOG_INGEST_IMPORTS_RATE=", b.importRate)); err != nil {
		return err
	}
	for _, p := range b.Programs {
		if err := b.profiled(p); err != nil {
			return err
		}
	}
	if err := b.Start(ctx); err != nil {
		return err
	}
	return b.populate(ctx)
}

// populate makes the applications and chats that are posted to.
func (b *bench) populate(ctx context.Context) error {
	c := client.New(b.Writes, 8)
	defer c.Close()
	for range apps {
		token, err := c.CreateApplication(ctx, "bench", nil)
		if err != nil {
			return err
		}
		for range chatsPer {
			if _, err := c.CreateChat(ctx, token, nil); err != nil {
				return err
			}
		}
		b.tokens = append(b.tokens, token)
	}
	return nil
}

func (b *bench) stop(ctx context.Context) error {
	if b.embedded {
		return b.Stop()
	}
	return errors.Join(b.Stop(), b.parts.Remove(ctx))
}

// yardstick starts another program to be measured beside.
func (b *bench) yardstick(ctx context.Context, what string) (*system.Program, error) {
	at, err := system.FreeAddress()
	if err != nil {
		return nil, err
	}
	p := &system.Program{Name: what, Path: filepath.Join(b.bin, "yardstick"), Listen: at, Dir: b.dir, Log: filepath.Join(b.dir, what+".log"),
		Args: []string{"-listen", at, "-what", what, "-redis", b.parts.Redis}}
	return p, errors.Join(p.Start(), p.Listening(ctx))
}

// paths are the places where messages are posted to.
func (b *bench) paths(applications, chats int) (all []string) {
	for _, token := range b.tokens[:applications] {
		for chat := range chats {
			all = append(all, fmt.Sprintf("/application/%s/chat/%d/message", token, chat+1))
		}
	}
	return all
}

// body is a message of 200 bytes.
var body = `{"message":"` + strings.Repeat("All work and no play. ", 9) + `12"}`

// sent measures what wrk gets out of a service.
func (b *bench) sent(l load, pids map[string]int) side {
	return func(ctx context.Context, d time.Duration) (Sample, error) {
		return metered(pids, func() (Sample, float64, error) { return l.wrk(ctx, b.dir, d) })
	}
}

// part is the process of one of the stack's parts; 0 when it is not this
// machine's stack.
func part(name string) int {
	for _, root := range []string{os.Getenv("STACK_DIR"), ".stack"} {
		content, err := os.ReadFile(filepath.Join(root, "run", name+".pid"))
		if err != nil {
			continue
		}
		var pid int
		if _, err := fmt.Sscan(string(content), &pid); err == nil {
			return pid
		}
	}
	return 0
}

// processes names processes whose time is told; those that are not there are
// left out.
func processes(pids map[string]int) map[string]int {
	for name, pid := range pids {
		if pid == 0 {
			delete(pids, name)
		}
	}
	return pids
}

// wants reports whether any of these is to be measured.
func (b *bench) wants(names ...string) bool {
	return slices.ContainsFunc(names, b.only.MatchString)
}

// row finds a row that was taken.
func (b *bench) row(name string) (Row, bool) {
	for _, r := range b.rows {
		if r.Name == name {
			return r, true
		}
	}
	return Row{}, false
}

// compare takes a row, tells it, and keeps it.
func (b *bench) compare(ctx context.Context, row Row, ours, theirs side) error {
	if !b.only.MatchString(row.Name) {
		return nil
	}
	row, err := compare(ctx, row, b.rounds, b.round, ours, theirs, func(done int) { b.far.Passed(row.Name, int64(done), int64(b.rounds+1)) })
	b.far.End()
	if err != nil {
		return err
	}
	b.rows = append(b.rows, row)
	fmt.Fprintln(b.out, row.line())
	return errors.Join(b.save(), b.profile(ctx, row, ours))
}

package kafka

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/twmb/franz-go/pkg/kadm"

	"chatlog/deploy/runbook"
	"chatlog/deploy/system"
)

func TestRealViews(t *testing.T) {
	w := start(t, shared(t))
	next := filepath.Join(t.TempDir(), "next")
	hooks := w.hooks()
	w.play("views.md", map[string]runbook.Hook{
		"next": func(ctx context.Context, _ string) error {
			w.give("NEXT", next)
			return buildNext(ctx, next)
		},
		"start": func(ctx context.Context, names string) error {
			if names == "next sinks" {
				names = "sinks"
				w.replace("sinks", filepath.Join(next, "sinks"))
				w.give("PATH", next+":"+w.tools+":"+os.Getenv("PATH"))
			}
			return hooks["start"](ctx, names)
		},
		"lose": w.loseLog,
	})
}

// replace takes another executable for a program that is stopped.
func (w *world) replace(name, path string) {
	for i, p := range w.Programs {
		if p.Name == name {
			w.Programs[i] = &system.Program{Name: name, Path: path, Listen: p.Listen, Log: p.Log, Dir: p.Dir, Env: p.Env}
		}
	}
}

// buildNext builds sinks of a version with another mapping: its number is greater,
// and it has one more field.
func buildNext(ctx context.Context, dir string) error {
	const folder = "../../shared/searchview/elastic/"
	replaced := map[string]string{}
	for file, change := range map[string][]string{
		"prepare.go":   {"const version = ", "const version = 1000 + 0*"},
		"mapping.json": {`"_meta": {"version": 3}`, `"_meta": {"version": 1000}`, `"properties": {`, `"properties": {"brought": {"type": "keyword"},`},
	} {
		content, err := os.ReadFile(folder + file)
		if err != nil {
			return err
		}
		text := string(content)
		for i := 0; i < len(change); i += 2 {
			if strings.Count(text, change[i]) == 0 {
				return fmt.Errorf("%s has no %q: the mapping has changed, change this", file, change[i])
			}
			text = strings.Replace(text, change[i], change[i+1], 1)
		}
		at, err := filepath.Abs(folder + file)
		if err != nil {
			return err
		}
		replaced[at] = filepath.Join(dir, file)
		if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(replaced[at], []byte(text), 0o600)); err != nil {
			return err
		}
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replaced})
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600); err != nil {
		return err
	}
	c := exec.CommandContext(ctx, "go", "build", "-overlay", filepath.Join(dir, "overlay.json"), "-o", dir+"/", "chatlog/sinks")
	if out, err := c.CombinedOutput(); err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return nil
}

// loseLog replaces the topic by an empty one while everything is stopped, starts
// everything, and waits until both views have noticed.
func (w *world) loseLog(ctx context.Context, _ string) error {
	w.acked = nil // all of it is lost
	if err := w.Stop(); err != nil {
		return err
	}
	err := w.parts.Admin(func(admin *kadm.Client) error {
		deleted, err := admin.DeleteTopics(ctx, w.parts.Commands)
		return errors.Join(err, deleted.Error())
	})
	if err != nil {
		return err
	}
	for _, p := range w.Programs {
		if err := p.Start(); err != nil {
			return err
		}
	}
	return system.Eventually(ctx, patience, func(ctx context.Context) error {
		sum, err := w.metric(ctx, "chatlog_sink_partition_stopped")
		if err == nil && sum < 24 {
			err = fmt.Errorf("%v partitions have stopped", sum)
		}
		return err
	})
}

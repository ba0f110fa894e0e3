package kafka

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	"chatlog/deploy/audit"
	"chatlog/deploy/client"
	"chatlog/deploy/runbook"
	"chatlog/deploy/system"
	"chatlog/deploy/workload"
)

// patience is how long what must come may take on a busy machine.
const patience = 2 * time.Minute

// hooks is what all pages may ask for between their blocks; README.md lists it.
func (w *world) hooks() map[string]runbook.Hook {
	return map[string]runbook.Hook{
		"stop": func(_ context.Context, names string) error {
			return w.each(names, func(name string) error { return w.Program(name).Stop(15 * time.Second) })
		},
		"start": func(ctx context.Context, names string) error {
			if err := w.each(names, func(name string) error { return w.Program(name).Start() }); err != nil {
				return err
			}
			return w.Ready(ctx)
		},
		"writes": w.writes,
		"wait":   w.wait,
		"audit":  w.audited,
		"said":   w.said,
	}
}

// each calls do with each of some programs; all of them are "all".
func (w *world) each(names string, do func(string) error) error {
	if names == "all" {
		names = "sinks ingest query"
	}
	for _, name := range strings.Fields(names) {
		if w.Program(name) == nil {
			return fmt.Errorf("there is no program %q", name)
		}
		if err := do(name); err != nil {
			return err
		}
	}
	return nil
}

// writes lets clients write: "begin", "end", or that many more acked writes.
func (w *world) writes(ctx context.Context, what string) error {
	switch what {
	case "begin":
		w.load = &workload.Load{Clients: []*client.Client{w.ingest, w.query}, Count: 4, Chats: 6, Think: 100 * time.Millisecond,
			Patience: time.Minute}
		return w.load.Start(context.WithoutCancel(ctx))
	case "end":
		w.load.Stop()
		w.acked = append(w.acked, w.load.Acked()...)
		w.t.Logf("%d acked writes, %d answers 503, %d broken", w.load.Acks.Load(), w.load.Unavailable.Load(), w.load.Broken.Load())
		if wrong := append(w.load.Wrong(), w.load.Unknown()...); len(wrong) > 0 {
			return fmt.Errorf("wrong or unknown: %v", wrong)
		}
		return nil
	}
	count, err := strconv.ParseInt(what, 10, 64)
	if err != nil {
		return err
	}
	from := w.load.Acks.Load()
	return system.Eventually(ctx, patience, func(context.Context) error {
		if got := w.load.Acks.Load() - from; got < count {
			return fmt.Errorf("%d acked writes of %d", got, count)
		}
		return nil
	})
}

// said waits until a program's log has a text.
func (w *world) said(ctx context.Context, what string) error {
	name, text, _ := strings.Cut(what, " ")
	return system.Eventually(ctx, patience, func(context.Context) error {
		content, err := os.ReadFile(w.Program(name).Log)
		if err == nil && !strings.Contains(string(content), text) {
			err = fmt.Errorf("%s does not say %q", name, text)
		}
		return err
	})
}

// wait waits for "views" at the log's end as of now, or for the groups to have
// committed it, "groups".
func (w *world) wait(ctx context.Context, what string) error {
	switch what {
	case "views":
		truth, err := audit.Read(ctx, w.parts.Kafka, w.parts.Commands)
		if err != nil {
			return err
		}
		return system.Eventually(ctx, patience, func(ctx context.Context) error { return w.caughtUp(ctx, truth) })
	case "groups":
		return w.committed(ctx)
	}
	return fmt.Errorf("wait for what? %q", what)
}

// committed waits until both groups have committed the log's end as of now:
// after a reset, until the replay is over.
func (w *world) committed(ctx context.Context) error {
	return w.parts.Admin(func(admin *kadm.Client) error {
		ends, err := admin.ListEndOffsets(ctx, w.parts.Commands)
		if err := errors.Join(err, ends.Error()); err != nil {
			return err
		}
		return system.Eventually(ctx, patience, func(ctx context.Context) (err error) {
			for _, group := range []string{w.parts.Groups + "-mysql", w.parts.Groups + "-search"} {
				has, failed := admin.FetchOffsets(ctx, group)
				err = errors.Join(err, failed)
				ends.Each(func(end kadm.ListedOffset) {
					if at, _ := has.Lookup(end.Topic, end.Partition); at.At < end.Offset {
						err = fmt.Errorf("%s has committed %d of %d in partition %d", group, at.At, end.Offset, end.Partition)
					}
				})
			}
			return err
		})
	})
}

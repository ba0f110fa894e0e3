package world

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"chatlog/deploy/client"
	"chatlog/deploy/system"
)

// probes are applications of the harness's own, one in each partition. What is
// written to them is audited with everything else.
type probes struct {
	apps []string // by partition
	mu   sync.Mutex
	last []probe // by partition
}

type probe struct {
	number int64
	token  string
}

// partitions is how many the topic has by default.
const partitions = 12

func (w *World) prepareProbes(ctx context.Context) error {
	w.probes.apps, w.probes.last = make([]string, partitions), make([]probe, partitions)
	for left, turn := partitions, 0; left > 0; turn++ {
		c := w.Writers()[turn%ingests] // each makes applications in partitions that it holds
		reply, err := c.Do(ctx, "POST", "/application", `{"username":"probe"}`, nil)
		if err != nil || reply.Status != 200 {
			return fmt.Errorf("probe: %d %s %w", reply.Status, reply.Body, errors.Join(err))
		}
		var partition int
		if _, err := fmt.Sscanf(strings.SplitN(reply.Token(), "-", 2)[1], "%d-", &partition); err != nil {
			return fmt.Errorf("token %s: %w", reply.Token(), err)
		}
		if w.probes.apps[partition] != "" {
			continue
		}
		app := strings.Split(reply.Body, `"`)[3]
		if _, err := c.CreateChat(ctx, app, nil); err != nil {
			return err
		}
		w.probes.apps[partition] = app
		left--
	}
	return w.Writable(ctx)
}

// probeTime bounds one call of a probe: longer than a read waits for its
// position, so that it is the service that says what is missing.
const probeTime = 4 * time.Second

// all calls do for every partition and client at once, and tells of each client
// how many partitions failed and how the first of them did.
func (w *World) all(ctx context.Context, clients []*client.Client, do func(ctx context.Context, partition int, c *client.Client) error) error {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	failed := make([][partitions]error, len(clients))
	var group sync.WaitGroup
	for i, c := range clients {
		for p := range partitions {
			group.Go(func() { failed[i][p] = do(ctx, p, c) })
		}
	}
	group.Wait()
	var errs []error
	for i, c := range clients {
		var first error
		count := 0
		for p, err := range failed[i] {
			if err != nil && first == nil {
				first = fmt.Errorf("partition %d: %w", p, err)
			}
			if err != nil {
				count++
			}
		}
		if count > 0 {
			errs = append(errs, fmt.Errorf("%s, %d of %d partitions: %w", w.programOf(c).Name, count, partitions, first))
		}
	}
	return errors.Join(errs...)
}

// programOf is the program that a client calls.
func (w *World) programOf(c *client.Client) *system.Program {
	all := w.Programs()
	return all[slices.IndexFunc(all, func(p *system.Program) bool { return c.Base == "http://"+p.Listen })]
}

// Writable writes to every partition through every instance that runs.
func (w *World) Writable(ctx context.Context) error {
	return w.all(ctx, w.running(w.Clients), func(ctx context.Context, p int, c *client.Client) error {
		number, token, err := c.CreateMessage(ctx, w.probes.apps[p], 1, "probe", nil)
		if err == nil {
			w.probes.mu.Lock()
			if number > w.probes.last[p].number {
				w.probes.last[p] = probe{number, token}
			}
			w.probes.mu.Unlock()
		}
		return err
	})
}

func (w *World) lastProbe(p int) (probe, client.Headers) {
	w.probes.mu.Lock()
	defer w.probes.mu.Unlock()
	l := w.probes.last[p]
	return l, client.Headers{"Consistency-Token", l.token}
}

// Readable reads the last probe of every partition, with its token, through
// every query that runs.
func (w *World) Readable(ctx context.Context) error {
	return w.all(ctx, w.running(w.Readers()), func(ctx context.Context, p int, c *client.Client) error {
		last, headers := w.lastProbe(p)
		_, err := c.Message(ctx, w.probes.apps[p], 1, last.number, headers)
		return err
	})
}

// Searchable searches, with the token of the last probe of every partition.
func (w *World) Searchable(ctx context.Context) error {
	return w.all(ctx, w.running(w.Readers()), func(ctx context.Context, p int, c *client.Client) error {
		_, headers := w.lastProbe(p)
		found, err := c.Search(ctx, w.probes.apps[p], 1, "probe", 1, headers)
		if err == nil && len(found) != 1 {
			err = fmt.Errorf("%d messages found", len(found))
		}
		return err
	})
}

// running leaves out the clients of instances that are scaled away.
func (w *World) running(clients []*client.Client) (all []*client.Client) {
	for _, c := range clients {
		if w.programOf(c).Running() {
			all = append(all, c)
		}
	}
	return all
}

// Eventually tries until something succeeds.
func Eventually(ctx context.Context, patience time.Duration, try func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := try(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("not within %s: %w", patience, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

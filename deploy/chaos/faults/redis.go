package faults

import (
	"context"
	"errors"
	"time"

	client "github.com/redis/go-redis/v9"
)

// redis takes Redis away, empties it, and brings an old copy back. None of it
// may disturb anything.
func redis() []Fault {
	return []Fault{
		{"Redis wiped", Ingest, nothing, func(ctx context.Context, t *Turn) error {
			return withRedis(t, func(c *client.Client) error {
				err := c.FlushAll(ctx).Err()
				t.Hold(ctx)
				return err
			})
		}},
		{"Redis down", Ingest, nothing, func(ctx context.Context, t *Turn) error {
			if err := t.World.Stack.Kill(ctx, "redis"); err != nil {
				return err
			}
			t.Hold(ctx)
			ctx, cancel := undo(ctx)
			defer cancel()
			return t.World.Stack.Up(ctx, "redis")
		}},
		{"an old copy of Redis", Ingest, Writes, oldCopy},
	}
}

func withRedis(t *Turn, do func(*client.Client) error) error {
	c := client.NewClient(&client.Options{Addr: t.World.Parts.Redis})
	defer c.Close()
	return do(c)
}

// oldLife is how long the leases of an old copy live: longer than real ones, so
// that they are in the way.
const oldLife = 4 * time.Second

// oldCopy remembers what Redis holds, lets an instance die so that its leases
// change hands, and brings back what Redis held: leases and addresses of the dead.
func oldCopy(ctx context.Context, t *Turn) error {
	return withRedis(t, func(c *client.Client) error {
		keys, err := c.Keys(ctx, "*").Result()
		if err != nil {
			return err
		}
		copies := map[string]string{}
		for _, key := range keys {
			if copies[key], err = c.Dump(ctx, key).Result(); err != nil && !errors.Is(err, client.Nil) {
				return err
			}
		}
		p := pick(t, t.World.Ingests)
		defer t.World.Take(p)()
		t.note = "from before the end of " + p.Name
		if err := errors.Join(p.Kill(), again(ctx, t, p)); err != nil {
			return err
		}
		t.Hold(ctx)
		if err := c.FlushAll(ctx).Err(); err != nil {
			return err
		}
		for key, content := range copies {
			if content != "" {
				err = errors.Join(err, c.RestoreReplace(ctx, key, oldLife, content).Err())
			}
		}
		t.Hold(ctx)
		return err
	})
}

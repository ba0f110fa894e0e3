// Package directory tells services where the ingest instances are, by keys in
// Redis that expire. It is a convenience: whoever finds nothing in it uses the
// configured addresses.
package directory

import (
	"context"
	"log/slog"
	"sort"
	"time"

	"github.com/redis/go-redis/v9"

	"chatlog/shared/fault"
)

const (
	lifetime = 10 * time.Second // of an entry that is not renewed
	renewal  = 3 * time.Second
)

// Directory is the list of ingest instances.
type Directory struct {
	client *redis.Client
	prefix string
}

// New makes a directory under a key prefix.
func New(client *redis.Client, prefix string) *Directory {
	return &Directory{client: client, prefix: prefix + "ingest:"}
}

// Lookup gives the base URLs of all instances that announced themselves.
func (d *Directory) Lookup(ctx context.Context) ([]string, error) {
	var keys []string
	found := d.client.Scan(ctx, 0, d.prefix+"*", 100).Iterator()
	for found.Next(ctx) {
		keys = append(keys, found.Val())
	}
	if err := found.Err(); err != nil {
		return nil, fault.Wrap(fault.Transient, "Temporarily unavailable", err)
	}
	if len(keys) == 0 {
		return nil, nil
	}
	sort.Strings(keys)
	values, err := d.client.MGet(ctx, keys...).Result()
	if err != nil {
		return nil, fault.Wrap(fault.Transient, "Temporarily unavailable", err)
	}
	var urls []string
	for _, v := range values {
		if url, ok := v.(string); ok && url != "" {
			urls = append(urls, url)
		}
	}
	return urls, nil
}

// Announce keeps an instance's entry alive until ctx ends, and then removes
// it. A Redis that is away is tried again; it is logged when that changes.
func (d *Directory) Announce(ctx context.Context, instance, url string, logger *slog.Logger) {
	key := d.prefix + instance
	ticker := time.NewTicker(renewal)
	defer ticker.Stop()
	away := false
	for {
		err := d.client.Set(ctx, key, url, lifetime).Err()
		if failed := err != nil && ctx.Err() == nil; failed != away {
			away = failed
			logger.Warn("directory", "reachable", !away, "error", err)
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
			defer cancel()
			if err := d.client.Del(bounded, key).Err(); err != nil {
				logger.Info("directory entry is left to expire", "error", err)
			}
			return
		}
	}
}

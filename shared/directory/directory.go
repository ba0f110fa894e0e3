// Package directory tells services where the ingest instances are, by keys in
// Redis that expire. It is a convenience: whoever finds nothing in it uses the
// configured addresses.
package directory

import (
	"context"
	"sort"
	"time"

	"github.com/redis/go-redis/v9"

	"chatlog/shared/fault"
)

// Directory is the list of ingest instances: a set of their ids, and for each
// an entry with its base URL, which expires unless it is renewed.
type Directory struct {
	client *redis.Client
	set    string
}

// New makes a directory under a key prefix.
func New(client *redis.Client, prefix string) *Directory {
	return &Directory{client: client, set: prefix + "ingest"}
}

func (d *Directory) key(id string) string { return d.set + ":" + id }

// Enter makes or renews an instance's entry.
func (d *Directory) Enter(ctx context.Context, id, url string, lifetime time.Duration) error {
	pipe := d.client.TxPipeline()
	pipe.SAdd(ctx, d.set, id)
	pipe.Set(ctx, d.key(id), url, lifetime)
	_, err := pipe.Exec(ctx)
	return unavailable(err)
}

// Remove removes an instance's entry.
func (d *Directory) Remove(ctx context.Context, id string) error {
	pipe := d.client.TxPipeline()
	pipe.SRem(ctx, d.set, id)
	pipe.Del(ctx, d.key(id))
	_, err := pipe.Exec(ctx)
	return unavailable(err)
}

// Entries gives the base URLs of all instances by their ids, and strikes those
// off that have expired.
func (d *Directory) Entries(ctx context.Context) (map[string]string, error) {
	ids, err := d.client.SMembers(ctx, d.set).Result()
	if err != nil || len(ids) == 0 {
		return nil, unavailable(err)
	}
	keys := make([]string, len(ids))
	for i, id := range ids {
		keys[i] = d.key(id)
	}
	values, err := d.client.MGet(ctx, keys...).Result()
	if err != nil {
		return nil, unavailable(err)
	}
	entries := map[string]string{}
	var gone []any
	for i, v := range values {
		if url, ok := v.(string); ok && url != "" {
			entries[ids[i]] = url
		} else {
			gone = append(gone, ids[i])
		}
	}
	if len(gone) > 0 { // one that is alive all the same enters again within a second
		d.client.SRem(ctx, d.set, gone...) // when that fails, the next one does it
	}
	return entries, nil
}

// Lookup gives the base URLs of all instances, in order.
func (d *Directory) Lookup(ctx context.Context) ([]string, error) {
	entries, err := d.Entries(ctx)
	if err != nil {
		return nil, err
	}
	var urls []string
	for _, url := range entries {
		urls = append(urls, url)
	}
	sort.Strings(urls)
	return urls, nil
}

func unavailable(err error) error {
	if err == nil {
		return nil
	}
	return fault.Wrap(fault.Transient, "Temporarily unavailable", err)
}

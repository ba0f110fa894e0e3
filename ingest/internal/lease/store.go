package lease

import (
	"context"
	"sort"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"chatlog/shared/directory"
)

// store is leases in Redis: one key per partition, whose value is the holder's
// id, and which expires by itself.
type store struct {
	client     *redis.Client
	directory  *directory.Directory
	prefix     string
	partitions int
}

func (s *store) key(partition int32) string {
	return s.prefix + "lease:" + strconv.Itoa(int(partition))
}

func (s *store) read(ctx context.Context) (Table, error) {
	entries, err := s.directory.Entries(ctx)
	if err != nil {
		return Table{}, err
	}
	var t Table
	for id, url := range entries {
		t.Instances = append(t.Instances, Instance{id, url})
	}
	sort.Slice(t.Instances, func(i, j int) bool { return t.Instances[i].ID < t.Instances[j].ID })
	keys := make([]string, s.partitions)
	for p := range keys {
		keys[p] = s.key(int32(p))
	}
	values, err := s.client.MGet(ctx, keys...).Result()
	if err != nil {
		return Table{}, err
	}
	t.Holders = make([]string, s.partitions)
	for p, v := range values {
		t.Holders[p], _ = v.(string)
	}
	return t, nil
}

// take tries to get free leases.
func (s *store) take(ctx context.Context, me string, lifetime time.Duration, partitions []int32) error {
	pipe := s.client.Pipeline()
	for _, p := range partitions {
		pipe.SetNX(ctx, s.key(p), me, lifetime)
	}
	_, err := pipe.Exec(ctx)
	return err
}

// Only the holder may prolong or give up a lease: in between, it may have
// expired and be another's.
var (
	renewal = redis.NewScript(`if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('pexpire', KEYS[1], ARGV[2]) end return 0`)
	release = redis.NewScript(`if redis.call('get', KEYS[1]) == ARGV[1] then return redis.call('del', KEYS[1]) end return 0`)
)

func (s *store) renew(ctx context.Context, me string, lifetime time.Duration, partitions []int32) error {
	for _, p := range partitions {
		if err := renewal.Run(ctx, s.client, []string{s.key(p)}, me, lifetime.Milliseconds()).Err(); err != nil {
			return err
		}
	}
	return nil
}

func (s *store) give(ctx context.Context, me string, partitions []int32) error {
	for _, p := range partitions {
		if err := release.Run(ctx, s.client, []string{s.key(p)}, me).Err(); err != nil {
			return err
		}
	}
	return nil
}

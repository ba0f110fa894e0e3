package ratelimit

import (
	"context"
	_ "embed" // the script
	"time"

	"github.com/redis/go-redis/v9"
)

// script is decide for Redis: by Redis's own clock, so that those of the instances
// do not matter, and all keys of one request at once, in one round trip.
//
//go:embed gcra.lua
var script string

var gcra = redis.NewScript(script)

// shared counts in Redis, for all instances.
type shared struct {
	client *redis.Client
	prefix string
}

// decide judges charges and counts them.
func (s *shared) decide(ctx context.Context, charges []Charge) (Verdict, error) {
	keys, args := make([]string, len(charges)), make([]any, 0, 4*len(charges))
	for i, c := range charges {
		keys[i] = s.prefix + "limit:" + c.Key
		args = append(args, c.Limit.Every.Microseconds(), c.Limit.window().Microseconds(), c.most().Microseconds(), int(c.Mode))
	}
	found, err := gcra.Run(ctx, s.client, keys, args...).Int64Slice()
	if err != nil {
		return Verdict{}, err
	}
	if len(found) != 2 || found[0] < 0 || found[0] > int64(len(charges)) {
		return Verdict{}, errAnswer
	}
	return Verdict{Refused: int(found[0]) - 1, Wait: time.Duration(found[1]) * time.Microsecond}, nil
}

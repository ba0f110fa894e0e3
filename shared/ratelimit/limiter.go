package ratelimit

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"chatlog/shared/redisconn"
)

var errAnswer = errors.New("the script's answer has another form")

// pause is how long Redis is not asked after it has failed, so that its absence
// costs one request in that time its timeout, and the others nothing.
const pause = time.Second

// limiter counts in Redis, and in memory while Redis is away: then every instance
// grants the whole limit for itself.
type limiter struct {
	shared interface {
		decide(context.Context, []Charge) (Verdict, error)
	}
	local   *memory
	timeout time.Duration // for Redis
	now     func() time.Time
	logger  *slog.Logger
	alone   prometheus.Counter

	began time.Time
	again atomic.Int64 // when Redis is asked again, in nanoseconds since began; 0: it is well
}

func newLimiter(c *redis.Client, prefix string, timeout time.Duration, logger *slog.Logger, alone prometheus.Counter) *limiter {
	return &limiter{shared: &shared{c, prefix}, local: newMemory(time.Now), timeout: timeout, now: time.Now, began: time.Now(), logger: logger, alone: alone}
}

// open makes a client of limits alone: leases must not wait behind them.
func open(cfg redisconn.Config, timeout time.Duration) *redis.Client {
	cfg.Timeout = timeout
	return redisconn.Open(cfg)
}

// decide judges charges and counts them. It never fails, and waits for Redis for
// the timeout at most.
func (l *limiter) decide(ctx context.Context, charges []Charge) Verdict {
	if seen, may := l.mayAsk(); may {
		// A client that has gone away is no reason to think Redis had.
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), l.timeout)
		defer cancel()
		v, err := l.shared.decide(bounded, charges)
		if err == nil {
			// A pause that another's failure has begun meanwhile is not ended: while Redis
			// is slow, those that are answered in the end would let everybody ask again.
			if seen != 0 && l.again.CompareAndSwap(seen, 0) {
				l.logger.Info("limits are counted in redis again")
			}
			return v
		}
		if l.again.Swap(int64(l.now().Sub(l.began)+pause)) == 0 {
			l.logger.Warn("limits are counted by each instance alone: redis does not answer", "error", err)
		}
	}
	l.alone.Inc()
	return l.local.decide(charges)
}

// mayAsk says whether Redis is to be asked: while it is away, by one at a time, who
// is told what the next ones wait for; 0: it is well.
func (l *limiter) mayAsk() (seen int64, may bool) {
	again := l.again.Load()
	if again == 0 {
		return 0, true
	}
	now := int64(l.now().Sub(l.began))
	next := now + int64(pause)
	return next, now >= again && l.again.CompareAndSwap(again, next)
}

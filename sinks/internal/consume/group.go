package consume

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/segmentio/kafka-go"

	"chatlog/shared/kafkaconn"
	"chatlog/shared/retry"
)

// GroupConfig is a view's consumer group.
type GroupConfig struct {
	ID      string
	Brokers []string
	Dialer  *kafka.Dialer // how brokers are reached
	Topic   string
	// Ready is nil when the topic is there with all its partitions. A group
	// that is joined before gives out no partition and is not told later.
	Ready func(ctx context.Context) error
}

// Group gives whole partitions to workers, as the generations of a consumer
// group hand them out. Committed offsets are a courtesy to Kafka's tools (lag,
// --reset-offsets): the view's own progress is the authority.
type Group struct {
	cfg     GroupConfig
	sink    Sink
	status  *Status
	logger  *slog.Logger
	cancel  context.CancelFunc
	done    chan struct{}
	working sync.RWMutex       // read-held by every worker
	held    map[int32]*holding // used by run alone
}

// Sink is everything that workers of one view need.
type Sink struct {
	View        View
	Log         Log
	Letters     func(partition int32) Letters // a worker's own
	Limits      Limits
	Tells       bool // reports records that are not ours
	PartitionOf func([]byte) int32
}

// NewGroup makes a view's group as a component.
func NewGroup(cfg GroupConfig, s Sink, status *Status, logger *slog.Logger) *Group {
	return &Group{cfg: cfg, sink: s, status: status, logger: logger, done: make(chan struct{}), held: map[int32]*holding{}}
}

// Name gives the component's name.
func (g *Group) Name() string { return "group " + g.cfg.ID }

// Start joins the group in the background: Kafka may be down.
func (g *Group) Start(ctx context.Context) error {
	ctx, g.cancel = context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		defer close(g.done)
		g.run(ctx)
	}()
	return nil
}

// A member that cannot tell the coordinator that it leaves, because that broker is
// gone, comes back under another name, and the one that it was holds up the group:
// until its session is over, or for as long as a rebalance waits for members.
// No view moves meanwhile, so both are short. sessionTime is the least that
// brokers allow by default (group.min.session.timeout.ms). A worker that is given
// up too early does no harm: the view's own progress decides what counts.
const (
	sessionTime   = 6 * time.Second
	rebalanceTime = 4 * time.Second
)

// leaveTime is how long committing offsets and leaving the group may take once
// the workers have ended. It is only a courtesy: the view's own progress is the
// authority, and a member that is gone is given up after its session. With Kafka
// away it would take all the time that there is for stopping.
const leaveTime = 2 * time.Second

// Stop ends the workers, commits their offsets and leaves the group.
func (g *Group) Stop(ctx context.Context) error {
	g.cancel()
	ended := make(chan struct{})
	go func() {
		g.working.Lock() // once no worker holds it
		defer g.working.Unlock()
		close(ended)
	}()
	select {
	case <-g.done:
		return nil
	case <-ended:
	case <-ctx.Done():
		return ctx.Err()
	}
	select {
	case <-g.done:
	case <-ctx.Done():
	case <-time.After(leaveTime):
		g.logger.Info("the group is left to notice by itself that this member is gone")
	}
	return nil
}

func (g *Group) run(ctx context.Context) {
	defer g.drop(func(*holding) bool { return true })
	for try := 0; ctx.Err() == nil; try++ {
		g.status.left()
		if err := g.cfg.Ready(ctx); err != nil {
			g.logger.Warn("waiting for the topic", "error", err)
			retry.Pause(ctx, min(try, 5))
			continue
		}
		group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
			ID: g.cfg.ID, Brokers: g.cfg.Brokers, Dialer: g.cfg.Dialer, Topics: []string{g.cfg.Topic},
			HeartbeatInterval: time.Second, SessionTimeout: sessionTime, RebalanceTimeout: rebalanceTime,
			JoinGroupBackoff: 500 * time.Millisecond, // the default of 5 s makes every start slow
			StartOffset:      kafka.FirstOffset, Timeout: 5 * time.Second,
			WatchPartitionChanges: true, // another broker may have heard of fewer partitions than Ready did
			ErrorLogger:           kafka.LoggerFunc(func(format string, args ...any) { g.logger.Debug("consumer group", "format", format) }),
		})
		if err == nil {
			err = g.generations(ctx, group)
			err = errors.Join(err, group.Close())
		}
		if ctx.Err() == nil {
			g.logger.Warn("joining the group again", "error", err)
			retry.Pause(ctx, min(try, 4))
		}
	}
}

// generations takes one generation after the other. What a generation gives is
// worked on until another one says otherwise: a rebalance, or a coordinator that
// is lost and found, moves partitions but stops nothing else. Two workers of one
// partition do no harm in between, as the view's own progress decides what counts.
func (g *Group) generations(ctx context.Context, group *kafka.ConsumerGroup) error {
	for {
		generation, err := group.Next(ctx)
		if err != nil {
			return err
		}
		g.status.joined()
		assigned := generation.Assignments[g.cfg.Topic]
		g.logger.Info("partitions assigned", "generation", generation.ID, "count", len(assigned))
		given := map[int32]int64{}
		for _, a := range assigned {
			given[int32(a.ID)] = a.Offset
		}
		g.drop(func(h *holding) bool { _, still := given[h.partition]; return !still })
		for partition, offset := range given {
			h := g.take(ctx, partition, offset, func(next int64) error {
				return generation.CommitOffsets(map[string]map[int]int64{g.cfg.Topic: {int(partition): next}})
			})
			generation.Start(func(generationCtx context.Context) {
				select {
				case <-generationCtx.Done():
				case <-ctx.Done():
					<-h.ended // or there would be more to commit
				}
				h.lapse(lingerTime)
			})
		}
	}
}

// lingerTime is how long a partition is worked on without a generation that
// gives it: longer than a rebalance takes that waits for a member that is gone.
const lingerTime = 30 * time.Second

// take goes on with a partition that a generation gives, or begins with it.
func (g *Group) take(ctx context.Context, partition int32, offset int64, commit func(int64) error) *holding {
	if h := g.held[partition]; h != nil && h.give(offset, commit) {
		return h
	}
	g.drop(func(h *holding) bool { return h.partition == partition })
	h := g.hold(ctx, partition, offset)
	h.give(offset, commit)
	return h
}

// hold begins to work on a partition.
func (g *Group) hold(ctx context.Context, partition int32, offset int64) *holding {
	ctx, cancel := context.WithCancel(ctx)
	h := newHolding(partition, offset, cancel)
	g.held[partition] = h
	w := g.sink.worker(partition, g.status, g.logger, h.progressed)
	w.letters = given{w.letters, h}
	go func() {
		defer close(h.ended)
		defer g.status.release(partition)
		g.working.RLock()
		defer g.working.RUnlock()
		w.run(ctx, offset)
	}()
	return h
}

// drop ends work on partitions, and waits for it.
func (g *Group) drop(which func(*holding) bool) {
	for partition, h := range g.held {
		if which(h) {
			h.stop()
			delete(g.held, partition)
		}
	}
}

// KafkaLog is a topic in Kafka as a Log.
type KafkaLog struct {
	Conn  *kafkaconn.Conn
	Topic string
	Bytes int // of one page
}

// Fetch reads a page.
func (l KafkaLog) Fetch(ctx context.Context, partition int32, offset int64, maxWait time.Duration) (kafkaconn.Page, error) {
	return l.Conn.Fetch(ctx, l.Topic, partition, offset, l.Bytes, maxWait)
}

// Bounds lists a partition's bounds.
func (l KafkaLog) Bounds(ctx context.Context, partition int32) (kafkaconn.Bounds, error) {
	b, err := l.Conn.Ends(ctx, l.Topic, partition)
	return b[partition], err
}

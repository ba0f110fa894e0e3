package consume

import (
	"context"
	"log/slog"
	"sync"
)

// worker makes the worker of one partition.
func (s Sink) worker(partition int32, status *Status, logger *slog.Logger, commit func(int64)) *worker {
	return &worker{partition: partition, partitionOf: s.PartitionOf, view: s.View, log: s.Log, letters: s.Letters(partition),
		limits: s.Limits, tells: s.Tells, status: status.assign(partition), logger: logger.With("partition", partition), commit: commit}
}

// Crew is workers on all partitions of a view without a consumer group: for a view
// that one process alone fills. They begin where the view's own progress says.
type Crew struct {
	cancel context.CancelFunc
	group  sync.WaitGroup
	status *Status
}

// StartCrew starts the workers.
func StartCrew(ctx context.Context, s Sink, partitions int32, status *Status, logger *slog.Logger) *Crew {
	ctx, cancel := context.WithCancel(ctx)
	c := &Crew{cancel: cancel, status: status}
	for p := range partitions {
		w := s.worker(p, status, logger, func(int64) {})
		c.group.Go(func() { w.run(ctx, -1) })
	}
	return c
}

// Err tells why a worker has stopped for good.
func (c *Crew) Err() error { return c.status.halted() }

// Stop ends the workers and waits for them: after it nothing of them reaches the
// view any more.
func (c *Crew) Stop() {
	c.cancel()
	c.group.Wait()
}

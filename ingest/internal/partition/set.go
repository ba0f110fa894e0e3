package partition

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"chatlog/shared/fault"
	"chatlog/shared/position"
	"chatlog/shared/topic"
)

// Set is all partitions of the log, each with its owner.
type Set struct {
	owners  []*Owner
	timeout func() time.Duration
	clock   func() time.Time
}

// NewSet makes a set of owners; the index of each is its partition. timeout says
// how long a request that comes now may take.
func NewSet(owners []*Owner, timeout func() time.Duration, clock func() time.Time) *Set {
	return &Set{owners: owners, timeout: timeout, clock: clock}
}

// Name gives the component's name.
func (s *Set) Name() string { return "partitions" }

// Start starts all owners.
func (s *Set) Start(context.Context) error {
	for _, o := range s.owners {
		o.Start()
	}
	return nil
}

// Stop drains all owners at once.
func (s *Set) Stop(ctx context.Context) error {
	errs := make([]error, len(s.owners))
	var group sync.WaitGroup
	for i, o := range s.owners {
		group.Go(func() { errs[i] = o.Stop(ctx) })
	}
	group.Wait()
	return errors.Join(errs...)
}

// Submit brings a request to the owner of its application's partition. The
// token is the position of the write.
func (s *Set) Submit(ctx context.Context, r Request) (Reply, position.Token, error) {
	p := topic.PartitionOf([]byte(r.Application), len(s.owners))
	o := s.owners[p]
	reply, err := o.Submit(ctx, r, s.clock().Add(s.timeout()))
	if err != nil {
		return Reply{}, position.Token{}, err
	}
	return reply, position.Token{Log: o.Log(), Partition: p, Offset: reply.Offset}, nil
}

// Owner gives the owner of a partition.
func (s *Set) Owner(partition int32) *Owner { return s.owners[partition] }

// Check reports partitions that cannot take writes.
func (s *Set) Check(context.Context) error {
	var stopped, starting []int
	for i, o := range s.owners {
		switch o.Phase() {
		case "ready":
		case "stopped":
			stopped = append(stopped, i)
		default:
			starting = append(starting, i)
		}
	}
	switch {
	case len(stopped) > 0:
		return fault.New(fault.Transient, fmt.Sprintf("stopped partitions %v, see the log", stopped))
	case len(starting) > 0:
		return fault.New(fault.Transient, fmt.Sprintf("partitions %v are starting", starting))
	}
	return nil
}

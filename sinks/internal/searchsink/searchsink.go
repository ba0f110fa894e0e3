// Package searchsink is the search view as a sink keeps it.
package searchsink

import (
	"context"

	"chatlog/shared/searchview"
	"chatlog/shared/view"
)

// Name is the view's name in metrics, dead letters and the consumer group.
const Name = "search"

// Sink adapts the view to the consume loop.
type Sink struct{ searchview.Index }

// New makes the sink.
func New(index searchview.Index) Sink { return Sink{index} }

// Name gives the view's name.
func (Sink) Name() string { return Name }

// Progress gives how far the view has come: nowhere, if the index is new.
func (s Sink) Progress(ctx context.Context, partition int32) (view.Progress, error) {
	p, found, err := s.Index.Progress(ctx, partition)
	if err == nil && !found {
		p = view.Progress{Partition: partition, LastOffset: -1}
	}
	return p, err
}

// Package mysqlsink is the relational view as a sink keeps it.
package mysqlsink

import (
	"context"

	"chatlog/shared/sqlview"
	"chatlog/shared/view"
)

// Name is the view's name in metrics, dead letters and the consumer group.
const Name = "mysql"

// Sink adapts the view to the consume loop.
type Sink struct{ rows *sqlview.View }

// New makes the sink.
func New(rows *sqlview.View) Sink { return Sink{rows} }

// Name gives the view's name.
func (Sink) Name() string { return Name }

// Prepare brings the schema up to date.
func (s Sink) Prepare(ctx context.Context) error { return s.rows.Migrate(ctx) }

// Progress gives how far the view has come.
func (s Sink) Progress(ctx context.Context, partition int32) (view.Progress, error) {
	return s.rows.Progress(ctx, partition)
}

// Apply takes a batch in one transaction: it is taken whole, or not at all.
func (s Sink) Apply(ctx context.Context, b view.Batch) ([]view.Rejection, error) {
	return nil, s.rows.Apply(ctx, b)
}

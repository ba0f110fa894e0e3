// Package faults is what a campaign does to the world. Each fault breaks
// something, holds it broken, and takes the cause away; what the system makes of
// it is nobody's business here.
package faults

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"chatlog/deploy/chaos/history"
	"chatlog/deploy/chaos/world"
	"chatlog/shared/retry"
)

// Lane is the side of the house that a fault breaks. Faults of different lanes
// are on at the same time.
type Lane string

// The lanes.
const (
	Ingest Lane = "ingest" // ingest, Redis
	Log    Lane = "log"    // Kafka
	Views  Lane = "views"  // sinks, MySQL, Elasticsearch, query
)

// Lanes is all of them.
var Lanes = []Lane{Ingest, Log, Views}

// What a fault may disturb: calls of these kinds may be answered 503 while it
// is on, and no others.
var (
	nothing  []history.Kind
	Writes   = []history.Kind{history.CreateApplication, history.CreateChat, history.CreateMessage, history.Update, history.Delete}
	gets     = []history.Kind{history.GetMessage, history.GetChat, history.Search} // a search looks up its chat first
	searches = []history.Kind{history.Search}
	all      = slices.Concat(Writes, gets)
)

// Turn is one time that a fault is on.
type Turn struct {
	World *world.World
	Rand  *rand.Rand
	Force func(bool) // makes clients bring writes to any instance, past all leases
	hold  time.Duration
	note  string
}

// NewTurn makes a turn that lasts hold.
func NewTurn(w *world.World, r *rand.Rand, hold time.Duration, force func(bool)) *Turn {
	return &Turn{World: w, Rand: r, Force: force, hold: hold}
}

// Note is what was chosen by chance.
func (t *Turn) Note() string { return t.note }

// Hold waits as long as the fault is to last.
func (t *Turn) Hold(ctx context.Context) { retry.Wait(ctx, t.hold) }

// Fault is one way to break something.
type Fault struct {
	Name     string
	Lane     Lane
	Disturbs []history.Kind
	Run      func(ctx context.Context, t *Turn) error // returns when the cause is taken away
}

// All is every fault there is, in one order for ever: a seed picks by place.
func All() []Fault {
	return slices.Concat(services(), instances(), kafka(), redis(), mysql(), search())
}

// undo gives a context for taking a cause away, which must happen also when
// the campaign is broken off.
func undo(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), 2*time.Minute)
}

func pick[T any](t *Turn, list []T) T { return list[t.Rand.IntN(len(list))] }

package lease

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/redis/go-redis/v9"

	"chatlog/shared/directory"
	"chatlog/shared/fault"
)

// How long things last. A killed instance's partitions are taken over after
// lifetime plus a look, which is under 4 s.
const (
	lifetime = 3 * time.Second        // of a lease and of a directory entry, unless renewed
	every    = time.Second            // a lease is renewed
	look     = 250 * time.Millisecond // between two looks at who holds what
	patience = time.Second            // with Redis, at the end
	linger   = 2*look + look/2        // at the end, for others to see it
)

// Keeper keeps an instance's leases, and its entry in the directory, alive.
// While Redis is away everything stays as it was last seen: owners stay owners.
type Keeper struct {
	store  store
	logger *slog.Logger
	url    func() string
	id     string

	table   atomic.Pointer[Table]
	mutex   sync.Mutex
	suspect map[string]time.Time // instances that could not be reached, until when
	away    atomic.Pointer[error]
	cancel  context.CancelFunc
	done    chan struct{}
}

// NewKeeper makes a keeper. url gives the base URL under which others reach
// this instance, once it is started; id is new for every run of the process.
func NewKeeper(client *redis.Client, prefix string, partitions int, id string, url func() string, logger *slog.Logger) *Keeper {
	k := &Keeper{store: store{client, directory.New(client, prefix), prefix, partitions}, logger: logger, url: url, id: id,
		suspect: map[string]time.Time{}, done: make(chan struct{})}
	k.table.Store(&Table{})
	return k
}

// Name gives the component's name.
func (k *Keeper) Name() string { return "leases" }

// Start begins to ask for leases.
func (k *Keeper) Start(ctx context.Context) error {
	ctx, k.cancel = context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		defer close(k.done)
		k.run(ctx)
	}()
	return nil
}

// Stop gives all leases up, so that others need not wait until they expire, and
// lingers until they have seen it: what they bring here meanwhile is still
// served. A connection that is closed under a write leaves its outcome unknown.
func (k *Keeper) Stop(ctx context.Context) error {
	k.cancel()
	<-k.done
	bounded, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	held, others := k.held(), len(k.table.Load().Instances) > 1
	k.table.Store(&Table{})
	err := k.store.directory.Remove(bounded, k.id)
	if err == nil {
		err = k.store.give(bounded, k.id, held)
	}
	if err != nil {
		k.logger.Info("leases are left to expire", "error", err) // Redis is away: nothing is lost by that
	} else if others {
		select {
		case <-time.After(linger):
		case <-ctx.Done():
		}
	}
	return nil
}

func (k *Keeper) run(ctx context.Context) {
	ticker := time.NewTicker(look)
	defer ticker.Stop()
	var renewed time.Time
	for {
		due := time.Since(renewed) >= every
		err := k.turn(ctx, due)
		if err == nil && due {
			renewed = time.Now()
		}
		k.tell(ctx, err)
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// turn renews what is held, looks who holds what, and takes and gives.
func (k *Keeper) turn(ctx context.Context, renew bool) error {
	if renew {
		if err := k.store.directory.Enter(ctx, k.id, k.url(), lifetime); err != nil {
			return err
		}
		if err := k.store.renew(ctx, k.id, lifetime, k.held()); err != nil {
			return err
		}
	}
	t, err := k.store.read(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(t.Instances, func(i Instance) bool { return i.ID == k.id }) { // wiped, and not yet entered again
		t.Instances = append(t.Instances, Instance{k.id, k.url()})
	}
	take, give := plan(t, k.id)
	if err := k.store.give(ctx, k.id, give); err != nil {
		return err
	}
	if len(take) > 0 {
		if err := k.store.take(ctx, k.id, lifetime, take); err != nil {
			return err
		}
		if t, err = k.store.read(ctx); err != nil {
			return err
		}
	}
	k.table.Store(&t)
	if len(take)+len(give) > 0 {
		k.logger.Info("partitions changed hands", "taken", take, "given", give, "instances", len(t.Instances))
	}
	return nil
}

// held is the partitions that this instance holds.
func (k *Keeper) held() (all []int32) {
	for p, holder := range k.table.Load().Holders {
		if holder == k.id {
			all = append(all, int32(p))
		}
	}
	return all
}

// tell logs when Redis goes away and comes back.
func (k *Keeper) tell(ctx context.Context, err error) {
	if ctx.Err() != nil {
		return
	}
	if was := k.away.Load(); (was == nil || *was == nil) != (err == nil) {
		k.logger.Warn("leases", "reachable", err == nil, "error", err)
	}
	k.away.Store(&err)
}

// Check reports why leases cannot be kept: writes go on, but with conflicts
// when instances come or go.
func (k *Keeper) Check(context.Context) error {
	if err := k.away.Load(); err != nil && *err != nil {
		return fault.Wrap(fault.Transient, "leases cannot be kept, owners stay owners", *err)
	}
	return nil
}

// Holder gives the instance that a write to a partition is best brought to.
// here means this one: it holds the partition, or nobody who can be reached
// does.
func (k *Keeper) Holder(partition int32) (id, url string, here bool) {
	holder, found := k.table.Load().Holder(partition)
	if !found || holder.ID == k.id {
		return "", "", true
	}
	k.mutex.Lock()
	defer k.mutex.Unlock()
	if until, suspected := k.suspect[holder.URL]; suspected && time.Now().Before(until) {
		return "", "", true
	}
	return holder.ID, holder.URL, false
}

// Holds reports whether this instance holds a partition.
func (k *Keeper) Holds(partition int32) bool {
	t := k.table.Load()
	return int(partition) < len(t.Holders) && t.Holders[partition] == k.id
}

// Unreachable says that an instance did not take a connection. For a moment
// nothing is brought to it.
func (k *Keeper) Unreachable(url string) {
	k.mutex.Lock()
	defer k.mutex.Unlock()
	k.suspect[url] = time.Now().Add(time.Second)
}

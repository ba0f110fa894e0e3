// Package lease gives partitions to ingest instances by leases in Redis. It is
// a matter of liveness and speed only: the append rule keeps numbers right
// whoever appends, so a lease that is lost, doubled or stale costs conflicts
// and never a number.
package lease

import (
	"hash/fnv"
	"slices"
)

// Instance is one ingest process.
type Instance struct {
	ID  string // of this run of the process
	URL string // base URL under which others reach it
}

// Table is who there is and who holds what, as read at one moment.
type Table struct {
	Instances []Instance
	Holders   []string // ids by partition; empty: nobody
}

// Holder gives who holds a partition; false when nobody does, or somebody who
// is gone.
func (t Table) Holder(partition int32) (Instance, bool) {
	if int(partition) >= len(t.Holders) || t.Holders[partition] == "" {
		return Instance{}, false
	}
	i := slices.IndexFunc(t.Instances, func(i Instance) bool { return i.ID == t.Holders[partition] })
	if i < 0 {
		return Instance{}, false
	}
	return t.Instances[i], true
}

// plan says which leases an instance is to take and which to give away, so that
// each partition comes to the instance that rendezvous hashing gives it: when
// one comes or goes, only its own share moves.
func plan(t Table, me string) (take, give []int32) {
	for p, holder := range t.Holders {
		wanted := rendezvous(t.Instances, int32(p))
		switch {
		case holder == "" && wanted == me:
			take = append(take, int32(p))
		case holder == me && wanted != me:
			give = append(give, int32(p))
		}
	}
	return take, give
}

// rendezvous gives the instance with the highest score for a partition.
func rendezvous(instances []Instance, partition int32) string {
	best, score := "", uint64(0)
	for _, i := range instances {
		h := fnv.New64a()
		h.Write([]byte(i.ID)) // never fails
		h.Write([]byte{byte(partition), byte(partition >> 8), byte(partition >> 16), byte(partition >> 24)})
		if s := mix(h.Sum64()); best == "" || s > score || s == score && i.ID < best {
			best, score = i.ID, s
		}
	}
	return best
}

// mix spreads what differs in FNV's low bits over all of them (the finalizer
// of MurmurHash3).
func mix(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

// Package imports brings histories of other systems into the log: it reads the topic
// in which backfill tools put commands without a place, and submits each to the owner
// of its partition, in order. What was imported already changes nothing, so reading
// on from too early a place, and two readers at once, do no harm.
package imports

import (
	"errors"
	"fmt"

	"chatlog/ingest/internal/partition"
	"chatlog/shared/command"
	"chatlog/shared/fault"
	"chatlog/shared/topic"
)

// The classes of what is refused.
const (
	invalid   = "invalid"   // no command that can be imported
	key       = "key"       // not under its application's token
	misplaced = "misplaced" // lies in a partition that its key does not belong to
	number    = "number"    // its number is not the next one
	unknown   = "unknown"   // names something that is not there
	conflict  = "conflict"  // something else is there
	tooLarge  = "too_large" // for one batch of the log
)

// Classes are all of them.
func Classes() []string {
	return []string{invalid, key, misplaced, number, unknown, conflict, tooLarge}
}

// refusal says why a record can never be imported.
type refusal struct{ class, reason string }

// read makes a request of a record, or says why there is none in it.
func read(r *command.Record, partitions int) (partition.Request, *refusal) {
	no := func(class, reason string, args ...any) (partition.Request, *refusal) {
		return partition.Request{}, &refusal{class, fmt.Sprintf(reason, args...)}
	}
	if len(r.Key) == 0 {
		return no(key, "no key: it must be the application's token")
	}
	if wanted := topic.PartitionOf(r.Key, partitions); wanted != r.Partition {
		return no(misplaced, "lies in partition %d, its key belongs to %d (with kcat: -X topic.partitioner=murmur2_random)", r.Partition, wanted)
	}
	for _, h := range r.Headers {
		if h.Key == command.HeaderAt {
			return no(invalid, "has a header at, as only records of the log have")
		}
	}
	c, err := command.DecodeImport(r.Value)
	if err != nil {
		return no(invalid, "%s", err)
	}
	if c.Application != string(r.Key) {
		return no(key, "its key is %.40q, its application %s", r.Key, c.Application)
	}
	return partition.Request{ID: c.ID, Op: c.Op, Application: c.Application, Chat: c.Chat, Number: c.Number, Username: c.Username,
		Message: c.Message, Time: c.Time, Created: c.Created, Fingerprint: command.ImportFingerprint(&c)}, nil
}

// refusedBy says why an owner refuses an import; nil when it does not, or not for
// good.
func refusedBy(err error) *refusal {
	class := conflict
	switch kind := fault.KindOf(err); {
	case err == nil || kind == fault.Transient:
		return nil
	case errors.Is(err, partition.ErrNumber):
		class = number
	case kind == fault.NotFound:
		class = unknown
	case kind == fault.TooLarge:
		class = tooLarge
	}
	return &refusal{class, fault.PublicOf(err)}
}

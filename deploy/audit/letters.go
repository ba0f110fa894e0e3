package audit

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"
)

// Place is a record's place in the log.
type Place struct {
	Partition int32
	Offset    int64
}

// letter is what the audit looks at in a dead letter, or in the settlement of one.
type letter struct {
	View      string
	Partition int32
	Offset    int64
	Reason    string
	Letter    string // of a settlement: the key of the letter that it settles
}

// Letters checks the dead letters: every record that is not the log's own, and
// lies behind its beginning, was told of exactly once, and nothing else was. What was
// settled was told of before.
func (t *Truth) Letters(ctx context.Context, broker, topic string) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(broker, ",")...))
	if err != nil {
		return err
	}
	defer client.Close()
	ends, err := kadm.NewClient(client).ListEndOffsets(ctx, topic)
	if err != nil {
		return err
	}
	if err := ends.Error(); err != nil {
		return err
	}
	from, left := map[int32]kgo.Offset{}, map[int32]int64{}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			from[o.Partition], left[o.Partition] = kgo.NewOffset().At(0), o.Offset
		}
	})
	client.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: from})
	t.Refused, t.ToldAgain = map[Place]int{}, 0
	told, keys := map[Place]int{}, map[string]bool{}
	for len(left) > 0 {
		fetches := client.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("reading %s: %w", topic, err)
		}
		fetches.EachRecord(func(k *kgo.Record) {
			var l letter
			switch err := json.Unmarshal(k.Value, &l); {
			case err != nil:
				t.find("letters", "offset %d cannot be read: %v", k.Offset, err)
			case l.Letter != "":
				if !keys[l.Letter] {
					t.find("letters", "offset %d settles %s, of which nothing was told", k.Offset, l.Letter)
				}
			case l.View == "imports": // of records of another topic
				if keys[string(k.Key)] {
					t.ToldAgain++
				} else {
					t.Refused[Place{l.Partition, l.Offset}]++
				}
			default:
				if told[Place{l.Partition, l.Offset}]++; !t.Log.Strangers[Place{l.Partition, l.Offset}] {
					t.find("letters", "%+v tells of a record that is no stranger", l)
				}
			}
			keys[string(k.Key)] = true
			if k.Offset >= left[k.Partition]-1 {
				delete(left, k.Partition)
			}
		})
	}
	for place := range t.Log.Strangers {
		if told[place] != 1 {
			t.find("letters", "%+v was told of %d times", place, told[place])
		}
	}
	return nil
}

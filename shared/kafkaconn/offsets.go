package kafkaconn

import (
	"context"
	"errors"

	"github.com/segmentio/kafka-go"
)

// Committed gives the offset that a consumer group has committed in a partition; -1
// when it has committed none, or the topic was deleted since.
func (c *Conn) Committed(ctx context.Context, group, topic string, partition int32) (int64, error) {
	r, err := c.client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{topic: {int(partition)}}})
	if err == nil {
		err = r.Error
	}
	if errors.Is(err, kafka.GroupIdNotFound) { // some brokers say so of a group that has committed nothing yet
		return -1, nil
	}
	if err != nil {
		return 0, transient("fetch offset", err)
	}
	for _, p := range r.Topics[topic] {
		if p.Partition == int(partition) {
			if p.Error != nil {
				return 0, transient("fetch offset", p.Error)
			}
			return p.CommittedOffset, nil
		}
	}
	return 0, transient("fetch offset", errors.New("no answer for the partition"))
}

// Commit commits an offset for a group that has no members: who reads a partition is
// known otherwise, and the offset is there for Kafka's tools and for the next one.
// Brokers refuse it while the group has members, and forget it when nothing was
// committed for offsets.retention.minutes.
func (c *Conn) Commit(ctx context.Context, group, topic string, partition int32, offset int64) error {
	r, err := c.client.OffsetCommit(ctx, &kafka.OffsetCommitRequest{GroupID: group, GenerationID: -1,
		Topics: map[string][]kafka.OffsetCommit{topic: {{Partition: int(partition), Offset: offset}}}})
	if err != nil {
		return transient("commit offset", err)
	}
	for _, p := range r.Topics[topic] {
		if p.Partition == int(partition) {
			if p.Error != nil {
				return transient("commit offset", p.Error)
			}
			return nil
		}
	}
	return transient("commit offset", errors.New("no answer for the partition"))
}

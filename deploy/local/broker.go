package main

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// openBroker opens the embedded broker over a folder of the disk.
//
// Never give its topics a retention or compaction: after an emptied partition it
// uses offsets again when it restarts, and mend takes a partition's bytes on the
// disk for the bytes of its records.
func openBroker(dir string, d *disk) (*kfake.Cluster, error) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.DataDir(dir), kfake.SyncWrites(), kfake.WithLogger(d))
	if err != nil {
		return nil, fmt.Errorf("kafka: %w", err)
	}
	if failed := d.failed.Load(); failed != nil { // it could not cut a torn end off, and would append behind it
		c.Close()
		return nil, fmt.Errorf("kafka: %w", *failed)
	}
	c.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		if d.room() == nil {
			return nil, nil, false
		}
		d.refusals.Inc()
		return refuseProduce(r.(*kmsg.ProduceRequest))
	})
	c.ControlKey(int16(kmsg.CreateTopics), func(r kmsg.Request) (kmsg.Response, error, bool) {
		c.KeepControl()
		if d.room() == nil {
			return nil, nil, false
		}
		return refuseCreateTopics(r.(*kmsg.CreateTopicsRequest))
	})
	d.watch(func() error { return mend(c, filepath.Join(dir, "partitions")) })
	return c, nil
}

// refuseProduce answers what a real broker does when it has not the copies that
// it must have: nothing was appended, try again. Writers rely on the former.
func refuseProduce(r *kmsg.ProduceRequest) (kmsg.Response, error, bool) {
	response := r.ResponseKind().(*kmsg.ProduceResponse)
	if r.Acks == 0 { // nobody waits for an answer
		return nil, nil, true
	}
	for _, t := range r.Topics {
		told := kmsg.NewProduceResponseTopic()
		told.Topic, told.TopicID = t.Topic, t.TopicID
		for _, p := range t.Partitions {
			refused := kmsg.NewProduceResponseTopicPartition()
			refused.Partition, refused.ErrorCode, refused.BaseOffset = p.Partition, kerr.NotEnoughReplicas.Code, -1
			told.Partitions = append(told.Partitions, refused)
		}
		response.Topics = append(response.Topics, told)
	}
	return response, nil, true
}

// refuseCreateTopics keeps a topic from being made whose name might not be kept.
func refuseCreateTopics(r *kmsg.CreateTopicsRequest) (kmsg.Response, error, bool) {
	response := r.ResponseKind().(*kmsg.CreateTopicsResponse)
	for _, t := range r.Topics {
		refused := kmsg.NewCreateTopicsResponseTopic()
		refused.Topic, refused.ErrorCode = t.Topic, kerr.KafkaStorageError.Code
		response.Topics = append(response.Topics, refused)
	}
	return response, nil, true
}

// mend makes the files of the log what the broker has answered for, after a
// write has failed and while nothing is written. Without it, the torn end of a
// batch would lie before the batches that come after it, and the next start,
// which believes a file up to its first torn batch, would lose these.
func mend(c *kfake.Cluster, dir string) error {
	const scratch = "chatlog.mending" // the list of topics is written anew when a topic comes or goes
	if err := c.CreateTopic(scratch, 1, nil); err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
		return fmt.Errorf("list of topics: %w", err)
	}
	if err := c.DeleteTopic(scratch); err != nil {
		return fmt.Errorf("list of topics: %w", err)
	}
	folders, err := os.ReadDir(dir)
	if err != nil {
		return ignoreMissing(err) // there are no records yet
	}
	for _, folder := range folders {
		name, number, ok := cutLast(folder.Name(), "-")
		partition, err := strconv.ParseInt(number, 10, 32)
		topic, unescaped := url.PathUnescape(name)
		if !ok || err != nil || unescaped != nil {
			continue // not a partition's
		}
		info := c.PartitionInfo(topic, int32(partition))
		if info == nil {
			continue // of a topic that was deleted
		}
		if err := mendPartition(filepath.Join(dir, folder.Name()), info); err != nil {
			return fmt.Errorf("%s: %w", folder.Name(), err)
		}
	}
	return nil
}

// indexEntry is the size of what the broker's index has of one batch. The index
// is read by position: one that is torn would give every later batch another's.
const indexEntry = 15

// mendPartition cuts from a partition's last file what the broker has not
// answered for. Fewer bytes than that can never be mended.
func mendPartition(folder string, info *kfake.PartitionInfo) error {
	bases, sizes, err := segments(folder)
	if err != nil || len(bases) == 0 {
		return err
	}
	last := len(bases) - 1
	surplus := -info.NumBytes
	for _, size := range sizes {
		surplus += size
	}
	if surplus < 0 || surplus > sizes[last] || info.LogStartOffset != 0 {
		return fmt.Errorf("the files have %d bytes more than the %d that the broker has answered for, from offset %d on", surplus, info.NumBytes, info.LogStartOffset)
	}
	if surplus > 0 {
		if err := cut(filepath.Join(folder, fmt.Sprintf("%d.dat", bases[last])), sizes[last]-surplus); err != nil {
			return err
		}
	}
	index := filepath.Join(folder, fmt.Sprintf("%d.idx", bases[last]))
	stat, err := os.Stat(index)
	if err != nil || stat.Size()%indexEntry == 0 {
		return ignoreMissing(err)
	}
	return cut(index, stat.Size()/indexEntry*indexEntry)
}

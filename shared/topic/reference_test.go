package topic

import (
	"bytes"
	"testing"

	"github.com/twmb/franz-go/pkg/kgo"
)

// FuzzPartitionOf holds the partitioner against another library's: a key must
// come where Kafka's own tools bring it.
func FuzzPartitionOf(f *testing.F) {
	f.Add([]byte("0123456789abcdef0123456789abcdef"), 12)
	f.Add([]byte("dec969c6"), 12)
	f.Add([]byte{}, 1)
	f.Add([]byte("\xff\x80"), 1<<31-1)
	f.Fuzz(func(t *testing.T, key []byte, partitions int) {
		if partitions < 1 || partitions > 1<<31-1 {
			return
		}
		before := bytes.Clone(key)
		if key == nil {
			key = []byte{} // to kgo a record without a key has no partition of its own
		}
		got := PartitionOf(key, partitions)
		want := kgo.StickyKeyPartitioner(nil).ForTopic("t").Partition(&kgo.Record{Key: key}, partitions)
		if int(got) != want || got < 0 || int(got) >= partitions || !bytes.Equal(before, key) {
			t.Fatalf("%q of %d comes to %d, must be %d", key, partitions, got, want)
		}
	})
}

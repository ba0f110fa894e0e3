package kafkaconn

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"chatlog/shared/command"
	"chatlog/shared/fault"
	"chatlog/shared/parts"
)

// both runs a test on the embedded broker and on the real one, each time with a
// topic of its own that has two partitions.
func both(t *testing.T, test func(*testing.T, broker)) {
	everywhere(t, func(t *testing.T, address string) { test(t, fresh(t, address)) })
}

// everywhere runs a test on the embedded broker and on the real one.
func everywhere(t *testing.T, test func(t *testing.T, address string)) {
	t.Run("embedded", func(t *testing.T) {
		cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cluster.Close)
		test(t, cluster.ListenAddrs()[0])
	})
	t.Run("real", func(t *testing.T) { test(t, parts.Kafka(t)) })
}

// fresh opens a connection, and makes a topic of its own with two partitions.
func fresh(t *testing.T, address string) broker {
	t.Helper()
	cfg := Default()
	cfg.Brokers = []string{address}
	b := broker{Open(cfg), address, fmt.Sprintf("kafkaconn-test-%016x", rand.Uint64())}
	t.Cleanup(b.Close)
	made, err := b.Client().CreateTopics(t.Context(), &kafka.CreateTopicsRequest{
		Topics: []kafka.TopicConfig{{Topic: b.topic, NumPartitions: 2, ReplicationFactor: 1}}})
	if err != nil || made.Errors[b.topic] != nil {
		t.Fatal(err, made)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if _, err := b.Client().DeleteTopics(ctx, &kafka.DeleteTopicsRequest{Topics: []string{b.topic}}); err != nil {
			t.Error(err)
		}
	})
	b.wait(t)
	return b
}

// stranger is a client that is not ours.
func stranger(t *testing.T, b broker, options ...kgo.Opt) *kgo.Client {
	t.Helper()
	client, err := kgo.NewClient(append(options, kgo.SeedBrokers(b.address), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client
}

// TestConformanceTrimmed: somebody cut the log's beginning away. That is told
// with both bounds, and what is left can be read.
func TestConformanceTrimmed(t *testing.T) {
	both(t, func(t *testing.T, b broker) {
		for i := range 5 {
			b.produce(t, Record{Value: fmt.Append(nil, i)})
		}
		var to kadm.Offsets
		to.AddOffset(b.topic, 1, 3, -1)
		cut, err := kadm.NewClient(stranger(t, b)).DeleteRecords(t.Context(), to)
		if err != nil || cut.Error() != nil {
			t.Fatal(err, cut.Error())
		}
		for _, offset := range []int64{0, 2, 6, 1 << 40} {
			_, err := b.Fetch(t.Context(), b.topic, 1, offset, 1<<20, 100*time.Millisecond)
			var out *OutOfRangeError
			if want := (OutOfRangeError{Partition: 1, Offset: offset, Start: 3, End: 5}); !errors.As(err, &out) || *out != want {
				t.Errorf("from %d: %v", offset, err)
			}
			if want := fmt.Sprintf("kafka: partition 1 has the offsets 3 to 5, not %d", offset); err != nil && err.Error() != want {
				t.Errorf("says %q, must say %q", err, want)
			}
		}
		page, err := b.Fetch(t.Context(), b.topic, 1, 3, 1<<20, time.Second)
		if err != nil || len(page.Records) == 0 || string(page.Records[0].Value) != "3" || page.LogStart != 3 {
			t.Errorf("%+v %v", page, err)
		}
		bounds, err := b.Ends(t.Context(), b.topic, 1, 0)
		if want := (map[int32]Bounds{0: {}, 1: {Start: 3, End: 5}}); err != nil || !reflect.DeepEqual(bounds, want) {
			t.Error(bounds, err)
		}
	})
}

// TestConformanceWaits: at the end a fetch waits, but not beyond maxWait, and
// no longer than until there is something: readers would lag by maxWait.
func TestConformanceWaits(t *testing.T) {
	both(t, func(t *testing.T, b broker) {
		b.produce(t, Record{Value: []byte("a")})
		for _, wait := range []time.Duration{50 * time.Millisecond, 300 * time.Millisecond} {
			began := time.Now()
			page, err := b.Fetch(t.Context(), b.topic, 1, 1, 1<<20, wait)
			if err != nil || len(page.Records) != 0 || page.Next != 1 || page.HighWatermark != 1 {
				t.Errorf("%+v %v", page, err)
			}
			if took := time.Since(began); took < wait*8/10 || took > wait+time.Second {
				t.Errorf("took %s, must wait %s", took, wait)
			}
		}
		type answer struct {
			page Page
			err  error
			at   time.Time
		}
		got := make(chan answer)
		go func() {
			page, err := b.Fetch(t.Context(), b.topic, 1, 1, 1<<20, 2*time.Second)
			got <- answer{page, err, time.Now()}
		}()
		began := time.Now()
		b.produce(t, Record{Value: []byte("b")})
		a := <-got
		if a.err != nil || len(a.page.Records) != 1 || a.page.Next != 2 || string(a.page.Records[0].Value) != "b" {
			t.Errorf("%+v %v", a.page, a.err)
		}
		if took := a.at.Sub(began); took > 1500*time.Millisecond {
			t.Errorf("a record was seen after %s", took)
		}
	})
}

// TestConformanceRace is what the append rule stands on: a batch lies whole and
// contiguous from the base that its writer was told, whoever else writes.
func TestConformanceRace(t *testing.T) {
	both(t, func(t *testing.T, b broker) {
		const writers, batches, size = 6, 8, 3
		var all sync.WaitGroup
		var mutex sync.Mutex
		want := map[int64]string{}
		for w := range writers {
			all.Go(func() {
				for i := range batches {
					records := make([]Record, size)
					for j := range records {
						records[j].Value = fmt.Appendf(nil, "%d/%d/%d", w, i, j)
					}
					base, err := b.Produce(t.Context(), b.topic, 1, records)
					if err != nil {
						t.Error(err)
						return
					}
					mutex.Lock()
					for j, r := range records {
						want[base+int64(j)] = string(r.Value)
					}
					mutex.Unlock()
				}
			})
		}
		all.Wait()
		lies := map[int64]string{}
		got, _ := b.all(t, 0, 1<<20)
		for _, r := range got {
			lies[r.Offset] = string(r.Value)
		}
		if len(lies) != writers*batches*size || !reflect.DeepEqual(lies, want) {
			t.Errorf("%d records lie there\n got %v\nwant %v", len(lies), lies, want)
		}
	})
}

// TestConformanceCompressed: tools of others compress; what they wrote into the
// log has to be seen and judged like anything else.
func TestConformanceCompressed(t *testing.T) {
	both(t, func(t *testing.T, b broker) {
		var want []command.Record
		for name, codec := range map[string]kgo.CompressionCodec{"none": kgo.NoCompression(), "gzip": kgo.GzipCompression(),
			"snappy": kgo.SnappyCompression(), "lz4": kgo.Lz4Compression(), "zstd": kgo.ZstdCompression()} {
			client := stranger(t, b, kgo.ProducerBatchCompression(codec), kgo.ProducerLinger(50*time.Millisecond))
			var records []*kgo.Record
			for i := range 50 {
				value := fmt.Appendf(nil, "%s %d %0200d", name, i, i)
				records = append(records, &kgo.Record{Topic: b.topic, Partition: 1, Key: []byte(name), Value: value, Headers: []kgo.RecordHeader{{Key: "at", Value: value}}})
				want = append(want, command.Record{Partition: 1, Offset: int64(len(want)), Key: []byte(name), Value: value, Headers: []command.Header{{Key: "at", Value: value}}})
			}
			if err := client.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
				t.Fatal(name, err)
			}
		}
		for _, from := range []int64{0, 75, 249} { // 75 lies within a batch
			got, _ := b.all(t, from, 1<<20)
			if len(got) != len(want)-int(from) {
				t.Fatalf("from %d: %d records", from, len(got))
			}
			for i := range got {
				if !equal(got[i], want[from+int64(i)]) {
					t.Fatalf("from %d\n got %.200v\nwant %.200v", from, got[i], want[from+int64(i)])
				}
			}
		}
	})
}

// TestConformanceOpenTransaction: a stranger who begins a transaction and never
// ends it must not stop the readers. The end is the high watermark, and what
// lies after the open transaction is read.
func TestConformanceOpenTransaction(t *testing.T) {
	both(t, func(t *testing.T, b broker) {
		client := stranger(t, b, kgo.TransactionalID(b.topic))
		if err := client.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: b.topic, Partition: 1, Value: []byte("open")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if base := b.produce(t, Record{Value: []byte("after")}); base != 1 {
			t.Fatalf("base %d", base)
		}
		if bounds, err := b.Ends(t.Context(), b.topic, 1); err != nil || bounds[1] != (Bounds{0, 2}) {
			t.Error(bounds, err)
		}
		got, _ := b.all(t, 0, 1<<20)
		if len(got) != 2 || string(got[0].Value) != "open" || string(got[1].Value) != "after" {
			t.Errorf("read %v", got)
		}
		if err := client.EndTransaction(t.Context(), kgo.TryAbort); err != nil {
			t.Fatal(err)
		}
		for end := int64(2); end < 3; { // the marker is written after the answer
			var err error
			if end, err = b.End(t.Context(), b.topic, 1); err != nil {
				t.Fatal(err)
			}
		}
		page, err := b.Fetch(t.Context(), b.topic, 1, 2, 1<<20, time.Second)
		if err != nil || len(page.Records) != 1 || !page.Records[0].Control || page.Next != 3 {
			t.Errorf("from the marker on: %+v %v", page, err)
		}
	})
}

// TestConformanceMissing: a topic that is not there (yet) is waited for, and is
// not made by asking for it.
func TestConformanceMissing(t *testing.T) {
	both(t, func(t *testing.T, b broker) {
		name := b.topic + "-missing"
		for range 2 {
			_, produced := b.Produce(t.Context(), name, 0, []Record{{Value: []byte("x")}})
			_, fetched := b.Fetch(t.Context(), name, 0, 0, 1<<20, 100*time.Millisecond)
			_, listed := b.Ends(t.Context(), name, 0)
			_, end := b.End(t.Context(), name, 0)
			_, counted := b.Partitions(t.Context(), name)
			for call, err := range map[string]error{"produce": produced, "fetch": fetched, "ends": listed, "end": end, "partitions": counted} {
				if !fault.Is(err, fault.Transient) {
					t.Errorf("%s: %v", call, err)
				}
			}
		}
		if bounds, err := b.Ends(t.Context(), b.topic, 0, 7); !fault.Is(err, fault.Transient) || bounds != nil {
			t.Errorf("a partition too many: %v %v", bounds, err)
		}
	})
}

// TestConformanceSmallBatches: what an answer takes of memory is bounded however many
// batches fit into it, and nothing is left out.
func TestConformanceSmallBatches(t *testing.T) {
	both(t, func(t *testing.T, b broker) {
		const small, most = 3000, 2 << 20
		client := stranger(t, b, kgo.MaxBufferedRecords(1), kgo.ProducerLinger(0), kgo.RequiredAcks(kgo.LeaderAck()), kgo.DisableIdempotentWrite())
		for i := range small {
			client.Produce(t.Context(), &kgo.Record{Topic: b.topic, Partition: 1, Value: fmt.Append(nil, i)}, nil)
		}
		if err := client.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		large := make([]Record, 100)
		for i := range large {
			large[i].Value = make([]byte, 4000)
		}
		for range 10 {
			b.produce(t, large...)
		}
		end, largest := int64(small+10*len(large)), 0
		for at, fetches := int64(0), 0; at < end; fetches++ {
			page, err := b.Fetch(t.Context(), b.topic, 1, at, most, time.Second)
			if err != nil {
				t.Fatal(err)
			}
			if at < small && fetches > 0 && len(page.Records) > 2*leastFetch/70 {
				t.Errorf("%d records at %d in one answer, each a batch of its own", len(page.Records), at)
			}
			for i, r := range page.Records {
				if r.Offset != at+int64(i) || r.Offset < small && string(r.Value) != fmt.Sprint(r.Offset) {
					t.Fatalf("record %d after %d: %.20q", r.Offset, at, r.Value)
				}
			}
			at, largest = page.Next, max(largest, page.size())
		}
		if largest < most/2 {
			t.Errorf("the largest answer had %d bytes, though batches were large at the end", largest)
		}
	})
}

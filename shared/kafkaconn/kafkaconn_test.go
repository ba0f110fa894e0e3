package kafkaconn

import (
	"errors"
	"fmt"
	"net"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"chatlog/shared/command"
	"chatlog/shared/fault"
)

// TestConformance runs everything on the embedded broker and on the real one.
func TestConformance(t *testing.T) { everywhere(t, suite) }

type broker struct {
	*Conn
	address, topic string
}

func suite(t *testing.T, address string) {
	for name, test := range map[string]func(*testing.T, broker){
		"batches come back as they were": batches, "the log's end": end, "out of range": outOfRange,
		"transactions": transactions, "too large": tooLarge, "no such partition": noPartition,
	} {
		t.Run(name, func(t *testing.T) { test(t, fresh(t, address)) })
	}
}

// wait waits until the topic that was just made has leaders everywhere.
func (b broker) wait(t *testing.T) {
	t.Helper()
	for {
		_, err := b.Ends(t.Context(), b.topic, 0, 1)
		if err == nil {
			return
		}
		if t.Context().Err() != nil {
			t.Fatal(err)
		}
	}
}

func (b broker) produce(t *testing.T, records ...Record) int64 {
	t.Helper()
	base, err := b.Produce(t.Context(), b.topic, 1, records)
	if err != nil {
		t.Fatal(err)
	}
	return base
}

// all reads the partition from an offset to its end.
func (b broker) all(t *testing.T, from int64, bytes int) (records []command.Record, pages int) {
	t.Helper()
	end, err := b.End(t.Context(), b.topic, 1)
	if err != nil {
		t.Fatal(err)
	}
	for next := from; next < end; pages++ {
		page, err := b.Fetch(t.Context(), b.topic, 1, next, bytes, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if page.Next <= next || page.HighWatermark != end || page.LogStart != 0 {
			t.Fatalf("from %d: next %d, high watermark %d, start %d", next, page.Next, page.HighWatermark, page.LogStart)
		}
		records, next = append(records, page.Records...), page.Next
	}
	return records, pages
}

func batches(t *testing.T, b broker) {
	var want []command.Record
	for batch := range 20 {
		var records []Record
		for i := range batch + 1 {
			r := Record{Key: []byte(fmt.Sprint("key ", i)), Value: []byte(strings.Repeat("v", 500*i)), Headers: []command.Header{{Key: "at", Value: []byte{0, 0xff}}, {Key: "at", Value: []byte{}}}}
			if i%3 == 1 {
				r.Key, r.Headers = nil, nil
			}
			if i%4 == 2 {
				r.Value = []byte{}
			}
			records = append(records, r)
			want = append(want, command.Record{Partition: 1, Offset: int64(len(want)), Key: r.Key, Value: r.Value, Headers: r.Headers})
		}
		if base := b.produce(t, records...); base != int64(len(want)-len(records)) {
			t.Fatalf("batch %d begins at %d", batch, base)
		}
	}
	for _, bytes := range []int{1, 20_000, 10 << 20} {
		got, pages := b.all(t, 0, bytes)
		if bytes == 1 && pages < 20 {
			t.Errorf("%d pages of a byte each hold 20 batches", pages)
		}
		for i := range min(len(got), len(want)) {
			if !equal(got[i], want[i]) {
				t.Fatalf("by %d bytes, record %d\n got %.200v\nwant %.200v", bytes, i, got[i], want[i])
			}
		}
		if len(got) != len(want) {
			t.Fatalf("by %d bytes: %d of %d records", bytes, len(got), len(want))
		}
	}
	// From within a batch: a broker gives whole batches, the rest is left out.
	if got, _ := b.all(t, 100, 10<<20); len(got) != len(want)-100 || got[0].Offset != 100 {
		t.Errorf("%d records from offset 100 on", len(got))
	}
}

// equal compares records; an empty key or value is not the same as none.
func equal(a, b command.Record) bool {
	if (a.Key == nil) != (b.Key == nil) || (a.Value == nil) != (b.Value == nil) || len(a.Headers) != len(b.Headers) {
		return false
	}
	for i := range a.Headers {
		if a.Headers[i].Key != b.Headers[i].Key || string(a.Headers[i].Value) != string(b.Headers[i].Value) {
			return false
		}
	}
	return a.Offset == b.Offset && a.Partition == b.Partition && a.Control == b.Control && string(a.Key) == string(b.Key) && string(a.Value) == string(b.Value)
}

func end(t *testing.T, b broker) {
	b.produce(t, Record{Value: []byte("a")}, Record{Value: []byte("b")})
	bounds, err := b.Ends(t.Context(), b.topic, 0, 1)
	if want := (map[int32]Bounds{0: {}, 1: {Start: 0, End: 2}}); err != nil || !reflect.DeepEqual(bounds, want) {
		t.Error(bounds, err)
	}
	began := time.Now()
	page, err := b.Fetch(t.Context(), b.topic, 1, 2, 1<<20, 200*time.Millisecond)
	if err != nil || len(page.Records) != 0 || page.Next != 2 || page.HighWatermark != 2 {
		t.Errorf("%+v %v", page, err)
	}
	if took := time.Since(began); took < 150*time.Millisecond {
		t.Errorf("an empty page came after %s: readers would spin", took)
	}
	if n, err := b.Partitions(t.Context(), b.topic); n != 2 || err != nil {
		t.Error(n, err)
	}
}

func outOfRange(t *testing.T, b broker) {
	b.produce(t, Record{Value: []byte("a")})
	_, err := b.Fetch(t.Context(), b.topic, 1, 5, 1<<20, 100*time.Millisecond)
	var out *OutOfRangeError
	if !errors.As(err, &out) || *out != (OutOfRangeError{Partition: 1, Offset: 5, Start: 0, End: 1}) {
		t.Error(err)
	}
}

// transactions of strangers: their records are read like any other, committed
// or not, and their markers take offsets.
func transactions(t *testing.T, b broker) {
	b.produce(t, Record{Value: []byte("before")})
	client, err := kgo.NewClient(kgo.SeedBrokers(b.address), kgo.TransactionalID(b.topic), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for i, how := range []kgo.TransactionEndTry{kgo.TryCommit, kgo.TryAbort} {
		if err := client.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		if err := client.ProduceSync(t.Context(), &kgo.Record{Topic: b.topic, Partition: 1, Value: []byte("within")}).FirstErr(); err != nil {
			t.Fatal(err)
		}
		if err := client.EndTransaction(t.Context(), how); err != nil {
			t.Fatal(err)
		}
		for at := int64(0); at < int64(3+2*i); { // the marker is written after the answer
			if at, err = b.End(t.Context(), b.topic, 1); err != nil {
				t.Fatal(err)
			}
		}
	}
	b.produce(t, Record{Value: []byte("after")})
	got, _ := b.all(t, 0, 1<<20)
	var said []string
	for i, r := range got {
		if r.Offset != int64(i) {
			t.Errorf("record %d has offset %d", i, r.Offset)
		}
		if r.Control {
			said = append(said, "marker")
		} else {
			said = append(said, string(r.Value))
		}
	}
	if want := []string{"before", "within", "marker", "within", "marker", "after"}; !reflect.DeepEqual(said, want) {
		t.Errorf("read %v, must be %v", said, want)
	}
}

func tooLarge(t *testing.T, b broker) {
	_, err := b.Produce(t.Context(), b.topic, 1, []Record{{Value: []byte(strings.Repeat("v", 2<<20))}})
	if !fault.Is(err, fault.TooLarge) || Refused(err) {
		t.Error(err)
	}
	if got, _ := b.all(t, 0, 1<<20); len(got) != 0 {
		t.Error("and yet it lies there")
	}
}

func noPartition(t *testing.T, b broker) {
	_, err := b.Produce(t.Context(), b.topic, 7, []Record{{Value: []byte("x")}})
	if !fault.Is(err, fault.Transient) || !Refused(err) {
		t.Error(err)
	}
	if _, err := b.End(t.Context(), b.topic, 7); !fault.Is(err, fault.Transient) {
		t.Error(err)
	}
}

// TestBrokerAway: nobody listens, or somebody listens and says nothing. In both
// cases no leader was found, so nothing was sent.
func TestBrokerAway(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for _, address := range []string{"127.0.0.1:1", silent.Addr().String()} {
		cfg := Default()
		cfg.Brokers, cfg.DialTimeout, cfg.RequestTimeout = []string{address}, 300*time.Millisecond, 500*time.Millisecond
		c := Open(cfg)
		began := time.Now()
		_, err := c.Produce(t.Context(), "x", 0, []Record{{Value: []byte("x")}})
		if !fault.Is(err, fault.Transient) || !Refused(err) {
			t.Errorf("%s: %v, refused %v", address, err, Refused(err))
		}
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("%s: answered after %s", address, took)
		}
		c.Close()
	}
}

// TestOutcomeUnknown: the batch was appended but its answer was lost. That must
// never be taken for a refusal: the writer would number it again.
func TestOutcomeUnknown(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	cfg := Default()
	cfg.Brokers = cluster.ListenAddrs()
	c := Open(cfg)
	defer c.Close()
	if _, err := c.Produce(t.Context(), "log", 0, []Record{{Value: []byte("first")}}); err != nil {
		t.Fatal(err)
	}
	cluster.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		return nil, errors.New("the connection breaks"), true
	})
	_, err = c.Produce(t.Context(), "log", 0, []Record{{Value: []byte("second")}})
	if !fault.Is(err, fault.Transient) || Refused(err) {
		t.Errorf("%v, refused %v", err, Refused(err))
	}
}

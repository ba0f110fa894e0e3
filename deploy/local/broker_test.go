package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"chatlog/shared/fault"
	"chatlog/shared/kafkaconn"
)

// bench is an embedded broker over a folder, with a disk that can be said full.
type bench struct {
	*testing.T
	dir     string
	free    atomic.Int64
	disk    *disk
	cluster *kfake.Cluster
	conn    *kafkaconn.Conn
}

const testTopic = "records"

func newBench(t *testing.T) *bench {
	b := &bench{T: t, dir: t.TempDir()}
	b.free.Store(1 << 30)
	b.open()
	t.Cleanup(func() { b.close() })
	return b
}

func (b *bench) open() {
	b.Helper()
	b.disk = newDisk(b.dir, 1<<20, slog.New(slog.DiscardHandler))
	b.disk.free = func() (int64, error) { return b.free.Load(), nil }
	var err error
	if b.cluster, err = openBroker(b.dir, b.disk); err != nil {
		b.Fatal(err)
	}
	cfg := kafkaconn.Default()
	cfg.Brokers = b.cluster.ListenAddrs()
	b.conn = kafkaconn.Open(cfg)
}

func (b *bench) close() {
	b.conn.Close()
	b.disk.close()
	b.cluster.Close()
}

func (b *bench) produce(text string) (int64, error) {
	return b.conn.Produce(b.Context(), testTopic, 0, []kafkaconn.Record{{Value: []byte(text)}})
}

// must produces what must be taken, and gives its offset.
func (b *bench) must(text string) int64 {
	b.Helper()
	base, err := b.produce(text)
	if err != nil {
		b.Fatal(text, err)
	}
	return base
}

// whole waits until the disk takes writes.
func (b *bench) whole() {
	b.Helper()
	for deadline := time.Now().Add(20 * time.Second); b.disk.room() != nil; time.Sleep(time.Millisecond) { // between two looks
		if time.Now().After(deadline) {
			b.Fatal("not mended: ", b.disk.room())
		}
	}
}

// there reads the whole log.
func (b *bench) there() (all []string) {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.Context(), 10*time.Second)
	defer cancel()
	for next := int64(0); ; {
		page, err := b.conn.Fetch(ctx, testTopic, 0, next, 1<<20, time.Millisecond)
		if err != nil {
			b.Fatal(err)
		}
		for _, r := range page.Records {
			if r.Offset != int64(len(all)) {
				b.Fatalf("record %d has offset %d", len(all), r.Offset)
			}
			all = append(all, string(r.Value))
		}
		if next = page.Next; next >= page.HighWatermark {
			return all
		}
	}
}

func (b *bench) file(name string) string {
	return filepath.Join(b.dir, "partitions", testTopic+"-0", name)
}

func TestBelowTheReserveNothingIsWritten(t *testing.T) {
	b := newBench(t)
	if err := b.cluster.CreateTopic(testTopic, 1, nil); err != nil {
		t.Fatal(err)
	}
	b.must("before")
	b.free.Store(1<<20 - 1)
	for range 3 {
		if base, err := b.produce("refused"); err == nil || !kafkaconn.Refused(err) || !fault.Is(err, fault.Transient) {
			t.Errorf("answered %d %v, which is not a refusal", base, err)
		}
	}
	if err := b.disk.part(true).Check(t.Context()); err == nil || !strings.Contains(fault.PublicOf(err), "full") {
		t.Error("the disk is said to be well: ", err)
	}
	if got := b.there(); len(got) != 1 { // reads go on
		t.Error(got)
	}
	b.free.Store(1 << 20)
	if base := b.must("after"); base != 1 {
		t.Error("what was refused took an offset: ", base)
	}
	b.disk.free = func() (int64, error) { return 0, errors.New("gone") }
	if _, err := b.produce("refused"); !kafkaconn.Refused(err) {
		t.Error("written to a disk that cannot be asked: ", err)
	}
}

// TestABatchThatCannotBeWrittenIsNotAcked is what everything rests on: whatever
// the reserve, the broker answers an error for a batch that the disk has refused.
// /dev/full refuses every byte.
func TestABatchThatCannotBeWrittenIsNotAcked(t *testing.T) {
	for _, name := range []string{"0.dat", "0.idx"} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			if err := b.cluster.CreateTopic(testTopic, 1, nil); err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(os.MkdirAll(b.file(""), 0o700), os.Symlink("/dev/full", b.file(name))); err != nil {
				t.Fatal(err)
			}
			if base, err := b.produce("lost"); err == nil {
				t.Fatal("acked at ", base)
			}
			for range 3 { // mended and failed again, or refused
				if base, err := b.produce("lost"); err == nil {
					t.Fatal("acked at ", base)
				}
			}
			if err := os.Remove(b.file(name)); err != nil {
				t.Fatal(err)
			}
			b.whole()
			if base := b.must("kept"); base != 0 {
				t.Error("what failed took an offset: ", base)
			}
			b.close()
			b.open()
			if got := b.there(); fmt.Sprint(got) != "[kept]" {
				t.Error(got)
			}
		})
	}
}

// A batch that is torn, and could not be cut off when its write failed, must not
// lie before what is acked later: the next start believes nothing behind it.
func TestATornBatchIsMended(t *testing.T) {
	for name, torn := range map[string][]string{"record": {"0.dat"}, "index": {"0.idx"}, "both": {"0.dat", "0.idx"}} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t)
			if err := b.cluster.CreateTopic(testTopic, 1, nil); err != nil {
				t.Fatal(err)
			}
			b.must("one")
			b.must("two")
			b.free.Store(0)
			for _, name := range torn {
				f, err := os.OpenFile(b.file(name), os.O_APPEND|os.O_WRONLY, 0)
				if err != nil {
					t.Fatal(err)
				}
				_, err = f.WriteString("a torn")
				if err := errors.Join(err, f.Close()); err != nil {
					t.Fatal(err)
				}
			}
			b.disk.Logf(kfake.LogLevelWarn, "persist batch %s-%d: %v", testTopic, 0, errors.New("no space left on device"))
			if _, err := b.produce("refused"); !kafkaconn.Refused(err) {
				t.Error(err)
			}
			b.free.Store(1 << 30)
			b.whole()
			if base := b.must("three"); base != 2 {
				t.Error(base)
			}
			index, err := os.Stat(b.file("0.idx"))
			if err != nil || index.Size() != 3*indexEntry {
				t.Errorf("the index has %d bytes, %v", index.Size(), err)
			}
			b.close()
			b.open()
			if got := b.there(); fmt.Sprint(got) != "[one two three]" {
				t.Error(got)
			}
		})
	}
}

// What the broker has answered for and the disk has not cannot be mended:
// nothing is written until somebody has looked.
func TestMissingBytesAreNotMended(t *testing.T) {
	b := newBench(t)
	if err := b.cluster.CreateTopic(testTopic, 1, nil); err != nil {
		t.Fatal(err)
	}
	b.must("one")
	if err := os.Truncate(b.file("0.dat"), 5); err != nil {
		t.Fatal(err)
	}
	if err := mend(b.cluster, filepath.Join(b.dir, "partitions")); err == nil {
		t.Error("mended")
	}
}

// A topic whose name could not be kept is kept by the next write of the list.
func TestTheListOfTopicsIsMended(t *testing.T) {
	b := newBench(t)
	list := filepath.Join(b.dir, "topics.json")
	if err := os.Mkdir(list+".tmp", 0o700); err != nil { // in the way of the new list
		t.Fatal(err)
	}
	if err := b.cluster.CreateTopic(testTopic, 1, nil); err != nil {
		t.Fatal(err)
	}
	if _, err := b.produce("refused"); !kafkaconn.Refused(err) {
		t.Error("a topic that the next start does not know takes records: ", err)
	}
	if err := os.Remove(list + ".tmp"); err != nil {
		t.Fatal(err)
	}
	b.whole()
	b.must("kept")
	b.close()
	b.open()
	if got := b.there(); fmt.Sprint(got) != "[kept]" {
		t.Error(got)
	}
}

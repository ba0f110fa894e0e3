package consume

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kfake"

	"chatlog/shared/view"
)

// begun is a view that counts how often workers of each partition have begun.
type begun struct {
	fakeView
	mutex sync.Mutex
	times map[int32]int
}

func (b *begun) Progress(_ context.Context, partition int32) (view.Progress, error) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	b.times[partition]++
	return nowhere(), nil
}

func (b *begun) count() (partitions, times int) {
	b.mutex.Lock()
	defer b.mutex.Unlock()
	for _, n := range b.times {
		times += n
	}
	return len(b.times), times
}

// member is a process of a group over a log that is empty.
func member(t *testing.T, brokers []string) (*Group, *begun, *Status) {
	b := &begun{times: map[int32]int{}}
	status := NewStatus("v", Metrics(prometheus.NewRegistry()), time.Now)
	g := NewGroup(GroupConfig{ID: "g", Brokers: brokers, Topic: "t", Ready: func(context.Context) error { return nil }},
		Sink{View: b, Log: &fakeLog{}, Letters: func(int32) Letters { return &fakeLetters{} }, Limits: plenty, PartitionOf: here}, status, slog.New(slog.DiscardHandler))
	return g, b, status
}

func (s *Status) working() int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return len(s.partitions)
}

func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("not in a minute:", what)
		}
	}
}

// A rebalance moves partitions, and stops no work on those that stay.
func TestWorkGoesOnThroughRebalances(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(6, "t"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	first, work, status := member(t, cluster.ListenAddrs())
	first.Start(t.Context())
	until(t, "one member has all", func() bool { n, _ := work.count(); return n == 6 && status.working() == 6 })
	second, other, otherStatus := member(t, cluster.ListenAddrs())
	second.Start(t.Context())
	until(t, "two members share", func() bool {
		n, _ := other.count()
		return n == 3 && otherStatus.working() == 3 && status.working() == 3
	})
	if _, times := work.count(); times != 6 {
		t.Fatalf("work began %d times, once for each of 6 partitions is enough", times)
	}
	if err := second.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	until(t, "one member has all again", func() bool { return status.working() == 6 })
	until(t, "it works on them", func() bool { _, times := work.count(); return times == 9 })
	if err := first.Stop(t.Context()); err != nil || status.working() != 0 {
		t.Errorf("%v, %d partitions are still worked on", err, status.working())
	}
}

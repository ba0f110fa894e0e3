package kafkaconn

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"chatlog/shared/fault"
)

// TestOffsets runs everything on the embedded broker and on the real one.
func TestOffsets(t *testing.T) { everywhere(t, offsets) }

// group is a consumer group of its own, over a topic of two partitions of its own.
type group struct {
	broker
	name string
}

func offsets(t *testing.T, address string) {
	for name, test := range map[string]func(*testing.T, group){
		"what is committed is read back": readBack, "a group with members": withMembers, "no such place": noPlace, "a topic that is deleted": deleted,
	} {
		t.Run(name, func(t *testing.T) {
			g := group{fresh(t, address), fmt.Sprintf("kafkaconn-test-%016x", rand.Uint64())}
			t.Cleanup(func() {
				ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
				defer cancel()
				if _, err := g.Client().DeleteGroups(ctx, &kafka.DeleteGroupsRequest{GroupIDs: []string{g.name}}); err != nil {
					t.Log("a group is left behind: ", err)
				}
			})
			test(t, g)
		})
	}
}

// patiently tries again what a group's coordinator, which a new group first has to
// get, may not be ready for.
func patiently(t *testing.T, do func() error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		err := do()
		if err == nil {
			return
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			t.Fatal(err)
		}
	}
}

// committed fails unless a group has committed those offsets in partitions 0 and 1.
func (g group) committed(t *testing.T, name string, want ...int64) {
	t.Helper()
	for p, w := range want {
		patiently(t, func() error {
			got, err := g.Committed(t.Context(), name, g.topic, int32(p))
			if err == nil && got != w {
				t.Errorf("%s has committed %d in partition %d, must be %d", name, got, p, w)
			}
			return err
		})
	}
}

func (g group) commit(t *testing.T, partition int32, offset int64) {
	t.Helper()
	patiently(t, func() error { return g.Commit(t.Context(), g.name, g.topic, partition, offset) })
}

// readBack: each partition of each group has its own offset, and 0, which is an offset
// like any other, is not none.
func readBack(t *testing.T, g group) {
	g.committed(t, g.name, -1, -1) // nobody has heard of the group
	g.commit(t, 1, 0)
	g.committed(t, g.name, -1, 0)
	g.commit(t, 0, 7)
	g.commit(t, 1, 1<<40)
	g.committed(t, g.name, 7, 1<<40)
	g.commit(t, 0, 3) // back, as an operator may set it
	g.committed(t, g.name, 3, 1<<40)
	g.committed(t, g.name+"-other", -1, -1)
}

// withMembers: while the group has members, what it has committed is theirs to say, and
// can be read all the same.
func withMembers(t *testing.T, g group) {
	g.commit(t, 1, 5)
	client, err := kgo.NewClient(kgo.SeedBrokers(g.address), kgo.ConsumerGroup(g.name), kgo.ConsumeTopics(g.topic), kgo.DisableAutoCommit())
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	g.produce(t, Record{}, Record{}, Record{}, Record{}, Record{}, Record{Value: []byte("from 5 on")})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for fetched := false; !fetched; { // so it is a member
		fetches := client.PollFetches(ctx)
		if err := ctx.Err(); err != nil {
			t.Fatal(err, fetches.Err())
		}
		fetched = fetches.NumRecords() > 0
	}
	err = g.Commit(t.Context(), g.name, g.topic, 1, 6)
	if !fault.Is(err, fault.Transient) || !errors.Is(err, kafka.UnknownMemberId) {
		t.Errorf("committed over the members' heads: %v", err)
	}
	g.committed(t, g.name, -1, 5)
	client.LeaveGroup()
	g.commit(t, 1, 6)
	g.committed(t, g.name, -1, 6)
}

// noPlace: in a partition that is not there nothing is committed, and nothing can be.
func noPlace(t *testing.T, g group) {
	g.commit(t, 0, 1)
	for _, at := range []struct {
		topic     string
		partition int32
	}{{g.topic, 7}, {g.topic + "-none", 0}} {
		if err := g.Commit(t.Context(), g.name, at.topic, at.partition, 1); !fault.Is(err, fault.Transient) || !errors.Is(err, kafka.UnknownTopicOrPartition) {
			t.Errorf("committed in partition %d of %s: %v", at.partition, at.topic, err)
		}
		if got, err := g.Committed(t.Context(), g.name, at.topic, at.partition); got != -1 || err != nil {
			t.Errorf("partition %d of %s: %d, %v", at.partition, at.topic, got, err)
		}
	}
	g.committed(t, g.name, 1, -1)
}

// deleted: what was committed goes with the topic, or one that is made anew under its
// name would be read from the middle.
func deleted(t *testing.T, g group) {
	g.commit(t, 0, 7)
	r, err := g.Client().DeleteTopics(t.Context(), &kafka.DeleteTopicsRequest{Topics: []string{g.topic}})
	if err != nil || r.Errors[g.topic] != nil {
		t.Fatal(err, r)
	}
	patiently(t, func() error { // the coordinator hears of it later
		got, err := g.Committed(t.Context(), g.name, g.topic, 0)
		if err == nil && got != -1 {
			err = fmt.Errorf("%d is committed in a topic that was deleted", got)
		}
		return err
	})
}

// onOffsets is everything that can be asked about offsets.
var onOffsets = map[string]func(context.Context, *Conn) error{
	"commit": func(ctx context.Context, c *Conn) error { return c.Commit(ctx, "group", "log", 0, 1) },
	"committed": func(ctx context.Context, c *Conn) error {
		offset, err := c.Committed(ctx, "group", "log", 0)
		if err != nil && offset != 0 {
			return errors.New("an error that passes for none, which is -1")
		}
		return err
	},
}

// TestOffsetsAway: no broker, one that says nothing, one that says nothing of groups,
// and a caller that has gone. None of it passes for an answer: with none, a reader
// would begin from the beginning.
func TestOffsetsAway(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for name, ask := range onOffsets {
		for _, address := range []string{"127.0.0.1:1", silent.Addr().String()} {
			cfg := Default()
			cfg.Brokers, cfg.DialTimeout, cfg.RequestTimeout = []string{address}, 300*time.Millisecond, 500*time.Millisecond
			c := Open(cfg)
			if err := ask(t.Context(), c); !fault.Is(err, fault.Transient) {
				t.Errorf("%s at %s: %v", name, address, err)
			}
			c.Close()
		}
		cluster, b := embedded(t)
		for _, key := range []kmsg.Key{kmsg.OffsetCommit, kmsg.OffsetFetch} {
			cluster.ControlKey(int16(key), func(kmsg.Request) (kmsg.Response, error, bool) {
				cluster.KeepControl()
				return nil, nil, true // and nothing is written back
			})
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		for who, ctx := range map[string]context.Context{"asked": t.Context(), "gone": ended} {
			if err := ask(ctx, b.Conn); !fault.Is(err, fault.Transient) {
				t.Errorf("%s, %s: %v", name, who, err)
			}
		}
	}
}

// TestOffsetsAnswered: what a broker may say instead of an offset. Only of a group that
// it does not know is it the same as none.
func TestOffsetsAnswered(t *testing.T) {
	cluster, b := embedded(t)
	type answer struct{ whole, part kafka.Error } // of the request, and of the partition
	for _, c := range []struct {
		answer
		want int64
		is   error
	}{
		{answer{whole: kafka.GroupIdNotFound}, -1, nil},
		{answer{whole: kafka.GroupAuthorizationFailed}, 0, kafka.GroupAuthorizationFailed},
		{answer{whole: kafka.GroupLoadInProgress}, 0, kafka.GroupLoadInProgress},
		{answer{part: kafka.UnknownTopicOrPartition}, 0, kafka.UnknownTopicOrPartition},
		{answer{part: kafka.TopicAuthorizationFailed}, 0, kafka.TopicAuthorizationFailed},
		{answer{}, 9, nil},
	} {
		cluster.ControlKey(int16(kmsg.OffsetFetch), func(r kmsg.Request) (kmsg.Response, error, bool) {
			response := r.ResponseKind().(*kmsg.OffsetFetchResponse)
			response.ErrorCode = int16(c.whole)
			other := kmsg.OffsetFetchResponseTopicPartition{Partition: 1, Offset: 4}
			asked := kmsg.OffsetFetchResponseTopicPartition{Partition: 0, Offset: 9, ErrorCode: int16(c.part)}
			response.Topics = []kmsg.OffsetFetchResponseTopic{{Topic: "log", Partitions: []kmsg.OffsetFetchResponseTopicPartition{other, asked}}}
			return response, nil, true
		})
		got, err := b.Committed(t.Context(), "group", "log", 0)
		if got != c.want || (err == nil) != (c.is == nil) || err != nil && (!errors.Is(err, c.is) || !fault.Is(err, fault.Transient)) {
			t.Errorf("%+v: %d, %v", c.answer, got, err)
		}
	}
	for code, want := range map[kafka.Error]bool{0: true, kafka.GroupLoadInProgress: false, kafka.IllegalGeneration: false, kafka.GroupAuthorizationFailed: false} {
		cluster.ControlKey(int16(kmsg.OffsetCommit), func(r kmsg.Request) (kmsg.Response, error, bool) {
			response := r.ResponseKind().(*kmsg.OffsetCommitResponse)
			other, asked := kmsg.OffsetCommitResponseTopicPartition{Partition: 1}, kmsg.OffsetCommitResponseTopicPartition{Partition: 0, ErrorCode: int16(code)}
			response.Topics = []kmsg.OffsetCommitResponseTopic{{Topic: "log", Partitions: []kmsg.OffsetCommitResponseTopicPartition{other, asked}}}
			return response, nil, true
		})
		if err := b.Commit(t.Context(), "group", "log", 0, 1); (err == nil) != want || !want && (!errors.Is(err, code) || !fault.Is(err, fault.Transient)) {
			t.Errorf("%d: %v", int(code), err)
		}
	}
}

// TestOffsetsAnswersNothing: an answer that does not speak of the partition says neither
// that nothing is committed nor that something is.
func TestOffsetsAnswersNothing(t *testing.T) {
	cluster, b := embedded(t)
	for i := range 3 {
		cluster.ControlKey(int16(kmsg.OffsetFetch), func(r kmsg.Request) (kmsg.Response, error, bool) {
			response := r.ResponseKind().(*kmsg.OffsetFetchResponse)
			response.Topics = [][]kmsg.OffsetFetchResponseTopic{{}, {{Topic: "log"}},
				{{Topic: "log", Partitions: []kmsg.OffsetFetchResponseTopicPartition{{Partition: 1, Offset: 4}}}}}[i]
			return response, nil, true
		})
		cluster.ControlKey(int16(kmsg.OffsetCommit), func(r kmsg.Request) (kmsg.Response, error, bool) {
			response := r.ResponseKind().(*kmsg.OffsetCommitResponse)
			response.Topics = [][]kmsg.OffsetCommitResponseTopic{{}, {{Topic: "log"}},
				{{Topic: "log", Partitions: []kmsg.OffsetCommitResponseTopicPartition{{Partition: 1}}}}}[i]
			return response, nil, true
		})
		for name, ask := range onOffsets {
			if err := ask(t.Context(), b.Conn); !fault.Is(err, fault.Transient) {
				t.Errorf("%s, answer %d: %v", name, i, err)
			}
		}
	}
}

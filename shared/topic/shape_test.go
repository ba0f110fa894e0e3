package topic

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"

	"chatlog/shared/fault"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/parts"
)

// TestPartitionOf compares with another client's Java-compatible partitioner,
// for as many partitions as anybody has: no broker is needed for it.
func TestPartitionOf(t *testing.T) {
	theirs := kgo.StickyKeyPartitioner(nil).ForTopic("x")
	keys := []string{"", "a", "ab", "abc", "abcd", "abcde", "\x00", "\xff\xff\xff\xff", "عبد", strings.Repeat("k", 10_000)}
	for i := range 2000 {
		keys = append(keys, fmt.Sprintf("%032x", i*7919), strconv.Itoa(i))
	}
	for _, n := range []int{1, 2, 3, 12, 64, 1000, 1 << 20} {
		seen := map[int32]bool{}
		for _, key := range keys {
			got := PartitionOf([]byte(key), n)
			if want := theirs.Partition(&kgo.Record{Key: []byte(key)}, n); int(got) != want {
				t.Fatalf("%.40q of %d: partition %d, must be %d", key, n, got, want)
			}
			seen[got] = true
		}
		if n <= 64 && len(seen) != n {
			t.Errorf("only %d of %d partitions are used", len(seen), n)
		}
	}
	if PartitionOf(nil, 12) != PartitionOf([]byte{}, 12) {
		t.Error("no key and an empty key lie apart")
	}
}

// both runs a test on the embedded broker and on the real one.
func both(t *testing.T, test func(t *testing.T, broker string)) {
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

func admin(t *testing.T, broker string) *kadm.Client {
	t.Helper()
	client, err := kgo.NewClient(kgo.SeedBrokers(broker))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return kadm.NewClient(client)
}

// settingsOf reads a topic's settings by a client that Ensure does not use.
func settingsOf(t *testing.T, a *kadm.Client, name string) map[string]string {
	t.Helper()
	list, err := a.DescribeTopicConfigs(t.Context(), name)
	if err != nil || len(list) != 1 || list[0].Err != nil {
		t.Fatal(err, list)
	}
	have := map[string]string{}
	for _, c := range list[0].Configs {
		have[c.Key] = c.MaybeValue()
	}
	return have
}

// change sets one setting and waits until the broker shows it: it answers
// before its own picture of the topic is new.
func change(t *testing.T, a *kadm.Client, topic, name, value string) {
	t.Helper()
	set, err := a.AlterTopicConfigs(t.Context(), []kadm.AlterConfig{{Op: kadm.SetConfig, Name: name, Value: &value}}, topic)
	if err != nil || set[0].Err != nil {
		t.Fatal(err, set)
	}
	deadline := time.Now().Add(10 * time.Second)
	for settingsOf(t, a, topic)[name] != value {
		if time.Now().After(deadline) {
			t.Fatalf("%s is still not %s", name, value)
		}
	}
}

// TestConformanceMade: topics that are missing are made with the partitions and
// settings that the guarantees rest on, those that are there are left alone.
func TestConformanceMade(t *testing.T) {
	both(t, func(t *testing.T, broker string) {
		conn, first := fresh(t, broker)
		_, second := fresh(t, broker)
		one := Topic{Name: first, Partitions: 5, Replication: 1, MinInSync: 1, MaxMessage: 2 << 20}
		two := Topic{Name: second, Partitions: 1, Replication: 1, MinInSync: 1, MaxMessage: 4 << 20}
		for _, topics := range [][]Topic{{one}, {one, two}, {two, one}, nil} {
			if err := Ensure(t.Context(), conn, topics...); err != nil {
				t.Fatal(err)
			}
		}
		a := admin(t, broker)
		for _, want := range []Topic{one, two} {
			details, err := a.ListTopics(t.Context(), want.Name)
			if err != nil || len(details[want.Name].Partitions) != want.Partitions || details[want.Name].Partitions.NumReplicas() != want.Replication {
				t.Error(err, details)
			}
			have := settingsOf(t, a, want.Name)
			for name, value := range map[string]string{"cleanup.policy": "delete", "retention.ms": "-1", "retention.bytes": "-1", "min.insync.replicas": "1",
				"message.timestamp.type": "LogAppendTime", "unclean.leader.election.enable": "false", "max.message.bytes": strconv.Itoa(want.MaxMessage)} {
				if have[name] != value {
					t.Errorf("%s of %s is %q, must be %s", name, want.Name, have[name], value)
				}
			}
		}
	})
}

// TestConformanceRefused: a topic of somebody else's making is refused for each
// setting alone, by name, and never changed; it is taken once it is right.
func TestConformanceRefused(t *testing.T) {
	both(t, func(t *testing.T, broker string) {
		conn, name := fresh(t, broker)
		right := Topic{Name: name, Partitions: 2, Replication: 1, MinInSync: 2, MaxMessage: 1 << 20}
		if err := Ensure(t.Context(), conn, right); err != nil {
			t.Fatal(err)
		}
		a := admin(t, broker)
		for setting, wrong := range map[string]string{"cleanup.policy": "compact,delete", "retention.ms": "604800000", "retention.bytes": "1073741824",
			"min.insync.replicas": "1", "message.timestamp.type": "CreateTime", "unclean.leader.election.enable": "true", "max.message.bytes": "1048575"} {
			change(t, a, name, setting, wrong)
			refused(t, conn, right, fmt.Sprintf("topic %s: %s is %s and must be %s", name, setting, wrong, right.settings()[setting]))
			if still := settingsOf(t, a, name)[setting]; still != wrong {
				t.Errorf("%s was changed to %s", setting, still)
			}
			change(t, a, name, setting, right.settings()[setting])
			if err := Ensure(t.Context(), conn, right); err != nil {
				t.Error(setting, " was put right again: ", err)
			}
		}
		for setting, safer := range map[string]string{"min.insync.replicas": "3", "max.message.bytes": "2097152"} {
			change(t, a, name, setting, safer)
			if err := Ensure(t.Context(), conn, right); err != nil {
				t.Error(setting, " takes nothing away: ", err)
			}
		}
		for _, partitions := range []int{1, 3} {
			other := right
			other.Partitions = partitions
			refused(t, conn, other, fmt.Sprintf("has 2 partitions and must have %d", partitions))
		}
	})
}

// TestConformanceAllNamed: an operator learns of every difference of every
// topic at once, not of one a restart.
func TestConformanceAllNamed(t *testing.T) {
	both(t, func(t *testing.T, broker string) {
		conn, first := fresh(t, broker)
		_, second := fresh(t, broker)
		_, missing := fresh(t, broker)
		made, err := conn.Client().CreateTopics(t.Context(), &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{
			{Topic: first, NumPartitions: 1, ReplicationFactor: 1, ConfigEntries: []kafka.ConfigEntry{{ConfigName: "cleanup.policy", ConfigValue: "compact"}}},
			{Topic: second, NumPartitions: 1, ReplicationFactor: 1, ConfigEntries: []kafka.ConfigEntry{{ConfigName: "retention.ms", ConfigValue: "1000"}}}}})
		if err != nil || made.Errors[first] != nil || made.Errors[second] != nil {
			t.Fatal(err, made)
		}
		shape := func(name string) Topic {
			return Topic{Name: name, Partitions: 2, Replication: 1, MinInSync: 1, MaxMessage: 1 << 20}
		}
		err = Ensure(t.Context(), conn, shape(first), shape(missing), shape(second))
		if !fault.Is(err, fault.Terminal) {
			t.Fatal(err)
		}
		for _, says := range []string{first + ": has 1 partitions", first + ": cleanup.policy is compact", first + ": message.timestamp.type is CreateTime",
			second + ": has 1 partitions", second + ": retention.ms is 1000"} {
			if !strings.Contains(err.Error(), says) {
				t.Errorf("%q is not said by\n%v", says, err)
			}
		}
		if strings.Contains(err.Error(), missing) {
			t.Errorf("a topic that was made just now is named: %v", err)
		}
	})
}

// TestConformanceImpossible: a cluster that can never make the topic needs an
// operator; waiting would not help.
func TestConformanceImpossible(t *testing.T) {
	both(t, func(t *testing.T, broker string) {
		conn, name := fresh(t, broker)
		refused(t, conn, Topic{Name: name, Partitions: 1, Replication: 100, MinInSync: 1, MaxMessage: 1 << 20}, "create topic "+name)
	})
}

// TestSilent: somebody listens and never answers, and the caller gave no
// deadline. It must end all the same, as something that passes.
func TestSilent(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	cfg := kafkaconn.Default()
	cfg.Brokers, cfg.DialTimeout, cfg.RequestTimeout = []string{silent.Addr().String()}, 300*time.Millisecond, 500*time.Millisecond
	conn := kafkaconn.Open(cfg)
	defer conn.Close()
	began := time.Now()
	if err := Ensure(context.Background(), conn, Default().Commands); !fault.Is(err, fault.Transient) {
		t.Error(err)
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("answered after %s", took)
	}
}

// TestDifferencesUntold: a broker that hides a setting is not taken to have a
// wrong one, and one that tells nonsense is.
func TestDifferencesUntold(t *testing.T) {
	shape := Default().Commands
	if wrong := differences(shape, nil); len(wrong) != 0 {
		t.Error(wrong)
	}
	for _, name := range slices.Sorted(maps.Keys(shape.settings())) {
		for _, value := range []string{"", "x", "-2", "01", "1e9"} {
			have := maps.Clone(shape.settings())
			have[name] = value
			if wrong := differences(shape, have); len(wrong) != 1 || !strings.Contains(wrong[0].Error(), name) {
				t.Errorf("%s %q: %v", name, value, wrong)
			}
		}
	}
}

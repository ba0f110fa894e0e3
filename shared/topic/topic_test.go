package topic

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"

	"chatlog/shared/fault"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/parts"
)

// TestMurmur2 has the values of Kafka's own test of its Java clients
// (UtilsTest.testMurmur2).
func TestMurmur2(t *testing.T) {
	for key, want := range map[string]int32{"21": -973932308, "foobar": -790332482, "a-little-bit-long-string": -985981536,
		"a-little-bit-longer-string": -1486304829, "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971, "abc": 479470107} {
		if got := int32(murmur2([]byte(key))); got != want {
			t.Errorf("%s: %d, must be %d", key, got, want)
		}
	}
}

// TestRealPartitioner compares with librdkafka's murmur2_random, which is the
// Java clients' partitioner.
func TestRealPartitioner(t *testing.T) {
	kcat := parts.Tool(t, "kcat")
	broker := parts.Kafka(t)
	conn, name := fresh(t, broker)
	shape := Topic{Name: name, Partitions: 12, Replication: 1, MinInSync: 1, MaxMessage: 1 << 20}
	if err := Ensure(t.Context(), conn, shape); err != nil {
		t.Fatal(err)
	}
	var lines strings.Builder
	for range 300 {
		fmt.Fprintf(&lines, "%016x%016x\tx\n", rand.Uint64(), rand.Uint64())
		fmt.Fprintf(&lines, "%08x\tx\n", rand.Uint32())
	}
	c := exec.CommandContext(t.Context(), kcat, "-P", "-b", broker, "-t", name, "-K", "\t", "-X", "topic.partitioner=murmur2_random")
	c.Stdin = strings.NewReader(lines.String())
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), kcat, "-C", "-b", broker, "-t", name, "-e", "-q", "-f", "%p %k\n").Output()
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for line := range bytes.Lines(out) {
		partition, key, _ := strings.Cut(strings.TrimSpace(string(line)), " ")
		if want := strconv.Itoa(int(PartitionOf([]byte(key), 12))); partition != want {
			t.Errorf("key %s lies in partition %s, must be %s", key, partition, want)
		}
		seen++
	}
	if seen != 600 {
		t.Errorf("%d of 600 keys were compared", seen)
	}
}

// fresh gives a connection and the name of a topic that is removed at the end.
func fresh(t *testing.T, broker string) (*kafkaconn.Conn, string) {
	t.Helper()
	cfg := kafkaconn.Default()
	cfg.Brokers = []string{broker}
	conn := kafkaconn.Open(cfg)
	name := fmt.Sprintf("topic-test-%016x", rand.Uint64())
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if _, err := conn.Client().DeleteTopics(ctx, &kafka.DeleteTopicsRequest{Topics: []string{name}}); err != nil {
			t.Error(err)
		}
		conn.Close()
	})
	return conn, name
}

func TestConformanceEnsure(t *testing.T) {
	t.Run("embedded", func(t *testing.T) {
		cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(cluster.Close)
		ensure(t, cluster.ListenAddrs()[0])
	})
	t.Run("real", func(t *testing.T) { ensure(t, parts.Kafka(t)) })
}

// ensure makes a topic, takes it as its own, and refuses each way in which it
// may differ.
func ensure(t *testing.T, broker string) {
	conn, name := fresh(t, broker)
	right := Topic{Name: name, Partitions: 3, Replication: 1, MinInSync: 1, MaxMessage: 1 << 20}
	for range 2 {
		if err := Ensure(t.Context(), conn, right); err != nil {
			t.Fatal(err)
		}
	}
	smaller := right
	smaller.MaxMessage = 512 << 10 // a greater bound than asked for takes nothing away
	if err := Ensure(t.Context(), conn, smaller); err != nil {
		t.Error(err)
	}
	refused(t, conn, func() Topic { more := right; more.Partitions = 4; return more }(), "has 3 partitions and must have 4")
	refused(t, conn, func() Topic { more := right; more.MaxMessage = 2 << 20; return more }(), "max.message.bytes is 1048576 and must be 2097152")
	for _, wrong := range []struct{ name, value, says string }{
		{"cleanup.policy", "compact", "cleanup.policy is compact and must be delete"},
		{"retention.ms", "86400000", "retention.ms is 86400000 and must be -1"},
		{"retention.bytes", "1000000", "retention.bytes is 1000000 and must be -1"},
		{"message.timestamp.type", "CreateTime", "message.timestamp.type is CreateTime and must be LogAppendTime"},
		{"unclean.leader.election.enable", "true", "unclean.leader.election.enable is true and must be false"},
	} {
		set(t, conn, name, wrong.name, wrong.value)
		refused(t, conn, right, wrong.says)
		set(t, conn, name, wrong.name, right.settings()[wrong.name])
		until(t, func() error { return Ensure(t.Context(), conn, right) })
	}
}

func set(t *testing.T, conn *kafkaconn.Conn, topic, name, value string) {
	t.Helper()
	r, err := conn.Client().IncrementalAlterConfigs(t.Context(), &kafka.IncrementalAlterConfigsRequest{
		Resources: []kafka.IncrementalAlterConfigsRequestResource{{ResourceType: kafka.ResourceTypeTopic, ResourceName: topic,
			Configs: []kafka.IncrementalAlterConfigsRequestConfig{{Name: name, Value: value, ConfigOperation: kafka.ConfigOperationSet}}}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, resource := range r.Resources {
		if resource.Error != nil {
			t.Fatal(resource.Error)
		}
	}
}

func refused(t *testing.T, conn *kafkaconn.Conn, shape Topic, says string) {
	t.Helper()
	until(t, func() error {
		err := Ensure(t.Context(), conn, shape)
		if !fault.Is(err, fault.Terminal) || !strings.Contains(err.Error(), says) {
			return fmt.Errorf("%w, must say %q", errors.Join(err), says)
		}
		return nil
	})
}

// until tries until it holds: brokers show a changed setting a moment later.
func until(t *testing.T, holds func() error) {
	t.Helper()
	for deadline := time.Now().Add(5 * time.Second); ; {
		err := holds()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Error(err)
			return
		}
	}
}

// TestUnreachable: a cluster that is away is waited for, it is no wrong setting.
func TestUnreachable(t *testing.T) {
	cfg := kafkaconn.Default()
	cfg.Brokers, cfg.DialTimeout = []string{"127.0.0.1:1"}, 100*time.Millisecond
	conn := kafkaconn.Open(cfg)
	defer conn.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if err := Ensure(ctx, conn, Default().Commands); !fault.Is(err, fault.Transient) || errors.Is(err, context.DeadlineExceeded) {
		t.Error(err)
	}
}

func TestValidate(t *testing.T) {
	if errs := Default().Validate(); len(errs) > 0 {
		t.Error(errs)
	}
	c := Default()
	c.Commands.Partitions = 7
	if inlet := c.Inlet(); inlet.Name != c.Imports.Name || inlet.Partitions != 7 {
		t.Errorf("imports come in by other partitions than those of the log: %+v", inlet)
	}
	for name, change := range map[string]func(*Config){
		"no name":               func(c *Config) { c.Commands.Name = "" },
		"an odd name":           func(c *Config) { c.Commands.Name = "a b" },
		"the same name":         func(c *Config) { c.DeadLetters.Name = c.Commands.Name },
		"imports = commands":    func(c *Config) { c.Imports.Name = c.Commands.Name },
		"imports = letters":     func(c *Config) { c.Imports.Name = c.DeadLetters.Name },
		"imports never in sync": func(c *Config) { c.Imports.MinInSync = 2 },
		"no partition":          func(c *Config) { c.Commands.Partitions = 0 },
		"no copies":             func(c *Config) { c.DeadLetters.Replication = 0 },
		"out of sync":           func(c *Config) { c.Commands.MinInSync = 2 },
		"tiny messages":         func(c *Config) { c.Commands.MaxMessage = 1000 },
	} {
		c := Default()
		change(&c)
		if errs := c.Validate(); len(errs) == 0 {
			t.Errorf("%s: %v", name, errs)
		}
	}
}

package kafka

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"

	chaos "chatlog/deploy/chaos/world"
	"chatlog/deploy/runbook"
	"chatlog/deploy/system"
	"chatlog/shared/parts"
)

// TestRealBrokers plays with three brokers of its own; the topics lie on the first
// two, with one replica of each partition, as in a small cluster that grows.
func TestRealBrokers(t *testing.T) {
	for _, tool := range []string{"java", "mvn"} {
		parts.Tool(t, tool)
	}
	p := shared(t)
	c := cluster(t)
	p.Kafka = strings.Join(c.addresses, ",")
	c.topic(t, p.Commands, strings.TrimSuffix(strings.Repeat("1,2,", 6), ","), 1<<20)
	c.topic(t, p.DeadLetters, "1", 4<<20)
	w := start(t, p)
	w.tools = filepath.Join(c.Dir, "bin")
	w.play("brokers.md", map[string]runbook.Hook{
		"leads":    func(ctx context.Context, brokers string) error { return c.leads(ctx, w, strings.Fields(brokers)) },
		"replicas": func(ctx context.Context, count string) error { return c.replicas(ctx, w, count) },
		"in":       func(ctx context.Context, _ string) error { return c.replicas(ctx, w, "") },
		"kill":     func(ctx context.Context, n string) error { return c.Kill(ctx, "kafka-"+n) },
		"revive":   func(ctx context.Context, n string) error { return c.Up(ctx, "kafka-"+n) },
		"restart": func(ctx context.Context, env string) error {
			for _, p := range w.Programs {
				if err := p.Stop(15 * time.Second); err != nil {
					return err
				}
				p.Env = append(p.Env, strings.Fields(env)...)
				if err := errors.Join(p.Start(), w.Ready(ctx)); err != nil {
					return err
				}
			}
			return nil
		},
	})
}

// brokers is three brokers of one's own.
type brokers struct {
	*chaos.Stack
	addresses []string
}

// The first broker's port without an offset, and how far the next ones are apart,
// as deploy/stack has them.
const (
	firstPort = 19092
	portsOf   = 2
	howMany   = 3
)

// cluster starts brokers on ports that nobody has.
func cluster(t *testing.T) *brokers {
	t.Helper()
	dir, err := os.MkdirTemp("", "chatlog-brokers-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil { // the brokers' own user must get in
		t.Fatal(err)
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	c := &brokers{Stack: &chaos.Stack{Script: filepath.Join(root, "deploy", "stack", "stack.sh"), Dir: filepath.Join(dir, "stack"),
		Offset: freeOffset(t), Log: filepath.Join(dir, "stack.log")}}
	for n := range howMany {
		c.addresses = append(c.addresses, fmt.Sprintf("127.0.0.1:%d", firstPort+c.Offset+portsOf*n))
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		for n := range howMany { // those that stop at once would wait for one another
			if err := c.Kill(ctx, fmt.Sprint("kafka-", n+1)); err != nil && !errors.Is(err, os.ErrNotExist) {
				t.Error(err)
			}
		}
	})
	if err := c.Up(t.Context(), "kafka"); err != nil {
		content, _ := os.ReadFile(c.Log)
		t.Fatalf("%v\n%s", err, content)
	}
	return c
}

// freeOffset finds an offset of ports at which nobody listens.
func freeOffset(t *testing.T) int {
	t.Helper()
	for offset := 3100; offset < 9000; offset += 100 {
		free := true
		for n := range 2 * howMany {
			l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", firstPort+offset+n))
			if free = free && err == nil; err == nil {
				l.Close()
			}
		}
		if free {
			return offset
		}
	}
	t.Fatal("no free ports for brokers")
	return 0
}

// topic makes a topic as chatlog would, with each partition on a broker of its own.
func (c *brokers) topic(t *testing.T, name, assignment string, bytes int) {
	t.Helper()
	args := []string{"--bootstrap-server", c.addresses[0], "--create", "--topic", name, "--replica-assignment", assignment}
	for _, setting := range []string{"cleanup.policy=delete", "retention.ms=-1", "retention.bytes=-1", "message.timestamp.type=LogAppendTime",
		"min.insync.replicas=1", "unclean.leader.election.enable=false", fmt.Sprint("max.message.bytes=", bytes)} {
		args = append(args, "--config", setting)
	}
	if out, err := exec.CommandContext(t.Context(), filepath.Join(c.Dir, "bin", "kafka-topics"), args...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

// partitions asks for the log's partitions until they are as they must be.
func (c *brokers) partitions(ctx context.Context, w *world, holds func(kadm.PartitionDetails) error) error {
	return w.parts.Admin(func(admin *kadm.Client) error {
		return system.Eventually(ctx, patience, func(ctx context.Context) error {
			topics, err := admin.ListTopics(ctx, w.parts.Commands)
			if err := errors.Join(err, topics.Error()); err != nil {
				return err
			}
			return holds(topics[w.parts.Commands].Partitions)
		})
	})
}

// leads wants these brokers, and no others, to lead, each as many partitions.
func (c *brokers) leads(ctx context.Context, w *world, want []string) error {
	return c.partitions(ctx, w, func(all kadm.PartitionDetails) error {
		led := map[string]int{}
		for _, p := range all {
			led[fmt.Sprint(p.Leader)]++
		}
		for _, broker := range want {
			if led[broker] != len(all)/len(want) {
				return fmt.Errorf("broker %s leads %d of %d partitions: %v", broker, led[broker], len(all), led)
			}
		}
		return nil
	})
}

// replicas wants all replicas in sync, and so many of each partition if a number is
// given.
func (c *brokers) replicas(ctx context.Context, w *world, count string) error {
	return c.partitions(ctx, w, func(all kadm.PartitionDetails) error {
		for _, n := range slices.Sorted(maps.Keys(all)) {
			p := all[n]
			if len(p.ISR) != len(p.Replicas) || count != "" && fmt.Sprint(len(p.Replicas)) != count {
				return fmt.Errorf("partition %d: replicas %v, in sync %v", n, p.Replicas, p.ISR)
			}
		}
		return nil
	})
}

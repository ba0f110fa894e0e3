package faults

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"chatlog/shared/retry"
)

// kafka breaks brokers, and the way to them.
func kafka() []Fault {
	return []Fault{
		{"kill -9 of a leading broker", Log, all, func(ctx context.Context, t *Turn) error {
			return brokerDown(ctx, t, true)
		}},
		{"rolling restart of the brokers", Log, all, rolling},
		{"brokers below min.insync.replicas", Log, all, belowMin},
		{"two brokers of three gone", Log, all, twoGone},
		{"followers paused, then the leader killed", Log, all, followersPaused},
		{"produce responses lost", Log, all, func(ctx context.Context, t *Turn) error {
			switch t.Rand.IntN(3) {
			case 0:
				return wires(ctx, t, "timeout", 1, map[string]int{"timeout": 0}) // silence
			case 1:
				return wires(ctx, t, "reset_peer", 0.7, map[string]int{"timeout": 20})
			default:
				return wires(ctx, t, "limit_data", 0.7, map[string]int{"bytes": 2000})
			}
		}},
		{"produce responses late", Log, all, func(ctx context.Context, t *Turn) error {
			return wires(ctx, t, "latency", 0.8, map[string]int{"latency": 300 + t.Rand.IntN(1500), "jitter": 300})
		}},
		{"dead-letter topic unavailable", Log, gets, deadLetters},
	}
}

// leader is the broker that leads one of the partitions.
func leader(ctx context.Context, t *Turn) (n int, err error) {
	err = t.World.Parts.Admin(func(admin *kadm.Client) error {
		topics, err := admin.ListTopics(ctx, t.World.Parts.Commands)
		if err != nil {
			return err
		}
		partitions := topics[t.World.Parts.Commands].Partitions.Sorted()
		if len(partitions) == 0 {
			return errors.New("the topic has no partitions")
		}
		n = int(pick(t, partitions).Leader)
		return nil
	})
	if err == nil && n < 1 {
		err = fmt.Errorf("the partition's leader is %d", n)
	}
	return n, err
}

func broker(n int) string { return fmt.Sprint("kafka-", n) }

func brokerDown(ctx context.Context, t *Turn, hard bool) error {
	n, err := leader(ctx, t)
	if err != nil {
		return err
	}
	t.note = broker(n)
	if err := t.World.Stack.Kill(ctx, broker(n)); err != nil {
		return err
	}
	t.Hold(ctx)
	ctx, cancel := undo(ctx)
	defer cancel()
	return errors.Join(t.World.Stack.Up(ctx, broker(n)), inSync(ctx, t))
}

// inSync waits until every partition has all its replicas in sync: the next
// fault may take another broker.
func inSync(ctx context.Context, t *Turn) error {
	deadline := time.Now().Add(time.Minute)
	for {
		err := t.World.Parts.Admin(func(admin *kadm.Client) error {
			ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
			defer cancel()
			topics, err := admin.ListTopicsWithInternal(ctx)
			if err != nil {
				return err
			}
			for _, topic := range topics.Sorted() {
				for _, p := range topic.Partitions.Sorted() {
					if len(p.ISR) < len(p.Replicas) {
						return fmt.Errorf("%s/%d has %d of %d replicas in sync", topic.Topic, p.Partition, len(p.ISR), len(p.Replicas))
					}
				}
			}
			return nil
		})
		if err == nil || ctx.Err() != nil || time.Now().After(deadline) {
			return err
		}
		retry.Wait(ctx, 200*time.Millisecond)
	}
}

// rolling restarts the brokers one after the other, as an operator does.
func rolling(ctx context.Context, t *Turn) error {
	for n := 1; n <= len(t.World.Kafka) && ctx.Err() == nil; n++ {
		bounded, cancel := undo(ctx)
		err := errors.Join(t.World.Stack.Down(bounded, broker(n)), t.World.Stack.Up(bounded, broker(n)), inSync(bounded, t))
		cancel()
		if err != nil {
			return err
		}
	}
	return nil
}

// belowMin takes one broker and asks for all three: brokers refuse to append.
func belowMin(ctx context.Context, t *Turn) error {
	n, err := leader(ctx, t)
	if err != nil {
		return err
	}
	t.note = broker(n)
	if err := t.World.Stack.Kill(ctx, broker(n)); err != nil {
		return err
	}
	err = setTopic(ctx, t, t.World.Parts.Commands, "min.insync.replicas", "3")
	t.Hold(ctx)
	ctx, cancel := undo(ctx)
	defer cancel()
	return errors.Join(err, setTopic(ctx, t, t.World.Parts.Commands, "min.insync.replicas", "2"), t.World.Stack.Up(ctx, broker(n)), inSync(ctx, t))
}

// twoGone leaves one broker: no quorum of controllers, nothing can be acked.
func twoGone(ctx context.Context, t *Turn) error {
	stays := 1 + t.Rand.IntN(len(t.World.Kafka))
	t.note = broker(stays) + " remains"
	var gone []string
	var errs []error
	for n := 1; n <= len(t.World.Kafka); n++ {
		if n != stays {
			gone = append(gone, broker(n))
			errs = append(errs, t.World.Stack.Kill(ctx, broker(n)))
		}
	}
	t.Hold(ctx)
	ctx, cancel := undo(ctx)
	defer cancel()
	return errors.Join(append(errs, t.World.Stack.Up(ctx, gone...), inSync(ctx, t))...)
}

// followersPaused lets a leader be alone with what it appends, and kills it: what
// it had acked without its followers would be gone.
func followersPaused(ctx context.Context, t *Turn) error {
	n, err := leader(ctx, t)
	if err != nil {
		return err
	}
	t.note = broker(n) + " was alone"
	signal := func(s syscall.Signal) {
		for other := 1; other <= len(t.World.Kafka); other++ {
			if other != n {
				err = errors.Join(err, t.World.Stack.Signal(broker(other), s))
			}
		}
	}
	signal(syscall.SIGSTOP)
	retry.Wait(ctx, 1500*time.Millisecond) // shorter than replicas may lag: they stay in sync by name
	bounded, cancel := undo(ctx)
	defer cancel()
	err = errors.Join(err, t.World.Stack.Kill(bounded, broker(n)))
	signal(syscall.SIGCONT)
	t.Hold(ctx)
	return errors.Join(err, t.World.Stack.Up(bounded, broker(n)), inSync(bounded, t))
}

// wires makes what comes back from all brokers bad.
func wires(ctx context.Context, t *Turn, kind string, toxicity float64, attributes map[string]int) error {
	t.note = fmt.Sprintf("%s %v of %.0f %% of connections", kind, attributes, 100*toxicity)
	var errs []error
	for _, w := range t.World.Kafka {
		errs = append(errs, w.Spoil(kind, toxicity, attributes))
	}
	t.Hold(ctx)
	ctx, cancel := undo(ctx)
	defer cancel()
	for _, w := range t.World.Kafka {
		w.Mend(ctx)
	}
	return errors.Join(errs...)
}

func setTopic(ctx context.Context, t *Turn, topic, name, value string) error {
	return t.World.Parts.Admin(func(admin *kadm.Client) error {
		replies, err := admin.AlterTopicConfigs(ctx, []kadm.AlterConfig{{Op: kadm.SetConfig, Name: name, Value: kadm.StringPtr(value)}}, topic)
		if err != nil {
			return err
		}
		for _, r := range replies {
			err = errors.Join(err, r.Err)
		}
		return err
	})
}

// deadLetters puts records into the log that must become dead letters while
// the topic for them takes none, so that the MySQL view waits with them.
func deadLetters(ctx context.Context, t *Turn) error {
	if err := setTopic(ctx, t, t.World.Parts.DeadLetters, "min.insync.replicas", "4"); err != nil {
		return err
	}
	client, err := kgo.NewClient(kgo.SeedBrokers(strings.Split(t.World.Parts.Kafka, ",")...), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err == nil {
		defer client.Close()
		for i := range 3 {
			partition := int32(t.Rand.IntN(12))
			err = errors.Join(err, client.ProduceSync(ctx, &kgo.Record{Topic: t.World.Parts.Commands, Partition: partition,
				Value: []byte(fmt.Sprintf("poison %d", i))}).FirstErr())
		}
	}
	t.Hold(ctx)
	ctx, cancel := undo(ctx)
	defer cancel()
	return errors.Join(err, setTopic(ctx, t, t.World.Parts.DeadLetters, "min.insync.replicas", "2"))
}

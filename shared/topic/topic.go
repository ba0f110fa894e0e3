package topic

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/segmentio/kafka-go"

	"chatlog/shared/fault"
	"chatlog/shared/kafkaconn"
)

// Topic is one topic's name and shape.
type Topic struct {
	Name        string `mapstructure:"name"`
	Partitions  int    `mapstructure:"partitions"`  // fixed when the topic is made
	Replication int    `mapstructure:"replication"` // copies; 3 in a cluster
	MinInSync   int    `mapstructure:"min_insync"`  // copies that must have a record before it is acked; 2 in a cluster
	MaxMessage  int    `mapstructure:"max_message"` // bytes of the largest batch
}

// Config is the section `topics`.
type Config struct {
	Commands    Topic     `mapstructure:"commands"`
	Imports     Alongside `mapstructure:"imports"` // commands of other systems, to be appended to the log
	DeadLetters Topic     `mapstructure:"deadletters"`
}

// Alongside is a topic with the partitions of `commands`: who owns a partition
// of the log takes what comes in by the same partition.
type Alongside struct {
	Name        string `mapstructure:"name"`
	Replication int    `mapstructure:"replication"`
	MinInSync   int    `mapstructure:"min_insync"`
	MaxMessage  int    `mapstructure:"max_message"`
}

// Inlet gives the topic of imports, whole.
func (c Config) Inlet() Topic {
	i := c.Imports
	return Topic{Name: i.Name, Partitions: c.Commands.Partitions, Replication: i.Replication, MinInSync: i.MinInSync, MaxMessage: i.MaxMessage}
}

// All gives the topics: the log, what is to be imported, the dead letters.
func (c Config) All() []Topic { return []Topic{c.Commands, c.Inlet(), c.DeadLetters} }

// Default gives the section's defaults: a single broker. In a cluster set
// replication 3 and min_insync 2.
func Default() Config {
	return Config{
		Commands:    Topic{Name: "chat.commands", Partitions: 12, Replication: 1, MinInSync: 1, MaxMessage: 1 << 20},
		Imports:     Alongside{Name: "chat.imports", Replication: 1, MinInSync: 1, MaxMessage: 1 << 20},
		DeadLetters: Topic{Name: "chat.deadletters", Partitions: 1, Replication: 1, MinInSync: 1, MaxMessage: 4 << 20},
	}
}

// Validate checks the section.
func (c Config) Validate() []error {
	var errs []error
	for i, t := range c.All() {
		section := [...]string{"commands", "imports", "deadletters"}[i]
		if t.Name == "" || len(t.Name) > 249 || strings.Trim(t.Name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") != "" {
			errs = append(errs, fmt.Errorf("%s.name: %q is not a topic name", section, t.Name))
		}
		if t.Partitions < 1 || t.Replication < 1 || t.MinInSync < 1 || t.MaxMessage < 512<<10 {
			errs = append(errs, fmt.Errorf("%s: partitions, replication and min_insync must be positive, max_message at least 524288", section))
		}
		if t.MinInSync > t.Replication {
			errs = append(errs, fmt.Errorf("%s.min_insync: %d copies can never be in sync when there are %d", section, t.MinInSync, t.Replication))
		}
	}
	if c.Commands.Name == c.DeadLetters.Name || c.Commands.Name == c.Imports.Name || c.Imports.Name == c.DeadLetters.Name {
		errs = append(errs, errors.New("commands.name, imports.name and deadletters.name: must differ"))
	}
	return errs
}

// settings are the topic's configs that the guarantees rest on. An existing
// topic with others is refused: with compaction or retention the log is no
// longer the truth, with another timestamp type one far-off clock stops writes.
func (t Topic) settings() map[string]string {
	return map[string]string{
		"cleanup.policy":                 "delete",
		"retention.ms":                   "-1",
		"retention.bytes":                "-1",
		"message.timestamp.type":         "LogAppendTime",
		"min.insync.replicas":            strconv.Itoa(t.MinInSync),
		"unclean.leader.election.enable": "false",
		"max.message.bytes":              strconv.Itoa(t.MaxMessage),
	}
}

// Ensure makes the topics that are missing and checks those that are there.
// A topic that is not as it must be gives a fault.Terminal that names every
// difference; a cluster that cannot be reached gives a fault.Transient.
func Ensure(ctx context.Context, conn *kafkaconn.Conn, topics ...Topic) error {
	if err := create(ctx, conn, topics); err != nil {
		return err
	}
	var wrong []error
	for _, t := range topics {
		differences, err := check(ctx, conn, t)
		if err != nil {
			return err
		}
		wrong = append(wrong, differences...)
	}
	if len(wrong) > 0 {
		return fault.Wrap(fault.Terminal, "Kafka topics are not as they must be", errors.Join(wrong...))
	}
	return nil
}

func create(ctx context.Context, conn *kafkaconn.Conn, topics []Topic) error {
	request := &kafka.CreateTopicsRequest{}
	for _, t := range topics {
		c := kafka.TopicConfig{Topic: t.Name, NumPartitions: t.Partitions, ReplicationFactor: t.Replication}
		settings := t.settings()
		for _, name := range slices.Sorted(maps.Keys(settings)) {
			c.ConfigEntries = append(c.ConfigEntries, kafka.ConfigEntry{ConfigName: name, ConfigValue: settings[name]})
		}
		request.Topics = append(request.Topics, c)
	}
	r, err := conn.Client().CreateTopics(ctx, request)
	if err != nil {
		return unavailable("create topics", err)
	}
	for name, err := range r.Errors {
		switch {
		case err == nil, errors.Is(err, kafka.TopicAlreadyExists), errors.Is(err, kafka.TopicAuthorizationFailed):
			// What is there is checked; who may not create may still use it.
		case errors.Is(err, kafka.InvalidReplicationFactor), errors.Is(err, kafka.PolicyViolation), errors.Is(err, kafka.InvalidConfiguration):
			return fault.Wrap(fault.Terminal, "Kafka refuses the topic's settings", fmt.Errorf("create topic %s: %w", name, err))
		default:
			return unavailable("create topic "+name, err)
		}
	}
	return nil
}

// check compares an existing topic with what it must be.
func check(ctx context.Context, conn *kafkaconn.Conn, t Topic) ([]error, error) {
	count, err := conn.Partitions(ctx, t.Name)
	if err != nil {
		return nil, err
	}
	var wrong []error
	if count != t.Partitions {
		wrong = append(wrong, fmt.Errorf("topic %s: has %d partitions and must have %d (their number is fixed for ever: set the configured number to it)", t.Name, count, t.Partitions))
	}
	if copies, err := conn.Replication(ctx, t.Name); err != nil {
		return nil, err
	} else if copies < t.Replication {
		wrong = append(wrong, fmt.Errorf("topic %s: has %d replicas and must have %d", t.Name, copies, t.Replication))
	}
	r, err := conn.Client().DescribeConfigs(ctx, &kafka.DescribeConfigsRequest{
		Resources: []kafka.DescribeConfigRequestResource{{ResourceType: kafka.ResourceTypeTopic, ResourceName: t.Name}}})
	if err != nil {
		return nil, unavailable("describe topic "+t.Name, err)
	}
	have := map[string]string{}
	for _, resource := range r.Resources {
		if resource.Error != nil {
			return nil, unavailable("describe topic "+t.Name, resource.Error)
		}
		for _, entry := range resource.ConfigEntries {
			have[entry.ConfigName] = entry.ConfigValue
		}
	}
	return append(wrong, differences(t, have)...), nil
}

// differences compares settings. min.insync.replicas and max.message.bytes may
// be greater than asked for: that takes nothing away from any guarantee.
func differences(t Topic, have map[string]string) []error {
	var wrong []error
	want := t.settings()
	for _, name := range slices.Sorted(maps.Keys(want)) {
		value, told := have[name]
		if !told || value == want[name] {
			continue
		}
		if name == "min.insync.replicas" || name == "max.message.bytes" {
			if n, err := strconv.Atoi(value); err == nil && strconv.Itoa(n) == value && n >= atoi(want[name]) {
				continue
			}
		}
		wrong = append(wrong, fmt.Errorf("topic %s: %s is %s and must be %s", t.Name, name, value, want[name]))
	}
	return wrong
}

func atoi(text string) int {
	n, _ := strconv.Atoi(text) // its own settings are numbers
	return n
}

func unavailable(what string, err error) error {
	return fault.Wrap(fault.Transient, "Temporarily unavailable", fmt.Errorf("kafka %s: %w", what, err))
}

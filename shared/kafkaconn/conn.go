// Package kafkaconn is the way to Kafka: explicit partitions, explicit offsets,
// one attempt per call. kafka-go's Writer and Reader are not used because they
// hide retries, batching, revocation and jumps over offsets, all of which the
// append rule and the sinks have to see.
package kafkaconn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/segmentio/kafka-go"

	"chatlog/shared/fault"
	"chatlog/shared/tlsconf"
)

// Config is the section `kafka`.
type Config struct {
	Brokers        []string      `mapstructure:"brokers"`         // host:port of some brokers of the cluster
	ClientID       string        `mapstructure:"client_id"`       // as brokers log it
	DialTimeout    time.Duration `mapstructure:"dial_timeout"`    // per connection
	RequestTimeout time.Duration `mapstructure:"request_timeout"` // per produce, fetch or list request
	// MetadataTTL is how old the client's picture of the cluster may be. After
	// a leader change requests fail for up to that long.
	MetadataTTL time.Duration  `mapstructure:"metadata_ttl"`
	TLS         tlsconf.Client `mapstructure:"tls"`
	SASL        SASL           `mapstructure:"sasl"`
}

// Default gives the section's defaults.
func Default() Config {
	return Config{Brokers: []string{"127.0.0.1:9092"}, ClientID: "chatlog", DialTimeout: 3 * time.Second,
		RequestTimeout: 5 * time.Second, MetadataTTL: time.Second}
}

// Validate checks the section.
func (c Config) Validate() []error {
	var errs []error
	if len(c.Brokers) == 0 {
		errs = append(errs, errors.New("brokers: at least one host:port is needed"))
	}
	for _, b := range c.Brokers {
		if _, _, err := net.SplitHostPort(b); err != nil {
			errs = append(errs, fmt.Errorf("brokers: %q is not host:port", b))
		}
	}
	for name, d := range map[string]time.Duration{"dial_timeout": c.DialTimeout, "request_timeout": c.RequestTimeout} {
		if d <= 0 {
			errs = append(errs, fmt.Errorf("%s: must be positive", name))
		}
	}
	if c.MetadataTTL <= 0 || c.MetadataTTL > 5*time.Second {
		errs = append(errs, errors.New("metadata_ttl: must be within 0s and 5s, or a leader change takes as long"))
	}
	return append(append(errs, c.TLS.Validate()...), c.SASL.validate(c.TLS.Enabled)...)
}

// Conn is a connection to a cluster. It connects when it is used and recovers
// by itself.
type Conn struct {
	cfg       Config
	transport *kafka.Transport
	client    *kafka.Client
	room      room
}

// Open makes a Conn; nothing is sent yet.
func Open(cfg Config) *Conn {
	w := cfg.way()
	t := &kafka.Transport{
		ClientID:    cfg.ClientID,
		DialTimeout: cfg.DialTimeout,
		MetadataTTL: cfg.MetadataTTL,
		IdleTimeout: 5 * time.Minute,
		Dial:        w.dial,
		TLS:         w.tls,
		SASL:        w.sasl,
	}
	return &Conn{cfg: cfg, transport: t,
		client: &kafka.Client{Addr: kafka.TCP(cfg.Brokers...), Timeout: cfg.RequestTimeout, Transport: t}}
}

// Client gives kafka-go's client for what this package does not wrap.
func (c *Conn) Client() *kafka.Client { return c.client }

// Config gives the section that it was opened with.
func (c *Conn) Config() Config { return c.cfg }

// Close ends idle connections and the metadata refresh.
func (c *Conn) Close() { c.transport.CloseIdleConnections() }

// transient gives an error of Kafka its kind. Everything that Kafka may say
// can pass; what cannot is told apart by its type before.
func transient(what string, err error) error {
	return fault.Wrap(fault.Transient, "Temporarily unavailable", fmt.Errorf("kafka %s: %w", what, err))
}

// Bounds are the first offset of a partition and its high watermark.
type Bounds struct{ Start, End int64 }

// Ends lists the bounds of partitions as of now: the answer is made by each
// partition's leader after the call began.
func (c *Conn) Ends(ctx context.Context, topic string, partitions ...int32) (map[int32]Bounds, error) {
	requests := make([]kafka.OffsetRequest, 0, 2*len(partitions))
	for _, p := range partitions {
		requests = append(requests, kafka.FirstOffsetOf(int(p)), kafka.LastOffsetOf(int(p)))
	}
	r, err := c.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: requests}})
	if err != nil {
		return nil, transient("list offsets", err)
	}
	out := make(map[int32]Bounds, len(partitions))
	for _, p := range r.Topics[topic] {
		if p.Error != nil {
			return nil, transient("list offsets", p.Error)
		}
		out[int32(p.Partition)] = Bounds{Start: p.FirstOffset, End: p.LastOffset}
	}
	for _, p := range partitions {
		if b, found := out[p]; !found || b.Start < 0 || b.End < 0 {
			return nil, transient("list offsets", fmt.Errorf("no answer for partition %d", p))
		}
	}
	return out, nil
}

// End lists one partition's high watermark as of now.
func (c *Conn) End(ctx context.Context, topic string, partition int32) (int64, error) {
	if err := ctx.Err(); err != nil { // kafka-go may or may not look
		return 0, transient("list offsets", err)
	}
	r, err := c.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{
		Topics: map[string][]kafka.OffsetRequest{topic: {kafka.LastOffsetOf(int(partition))}}})
	if err != nil {
		return 0, transient("list offsets", err)
	}
	for _, p := range r.Topics[topic] {
		if p.Partition == int(partition) && p.Error == nil && p.LastOffset >= 0 {
			return p.LastOffset, nil
		}
		err = p.Error
	}
	return 0, transient("list offsets", fmt.Errorf("no answer for partition %d: %w", partition, errors.Join(err)))
}

// Partitions gives a topic's number of partitions.
func (c *Conn) Partitions(ctx context.Context, topic string) (int, error) {
	partitions, err := c.describe(ctx, topic)
	return len(partitions), err
}

// Replication gives the number of replicas that each of a topic's partitions
// has at least, in sync or not.
func (c *Conn) Replication(ctx context.Context, topic string) (int, error) {
	partitions, err := c.describe(ctx, topic)
	if err != nil || len(partitions) == 0 {
		return 0, err
	}
	least := len(partitions[0].Replicas)
	for _, p := range partitions {
		least = min(least, len(p.Replicas))
	}
	return least, nil
}

func (c *Conn) describe(ctx context.Context, topic string) ([]kafka.Partition, error) {
	m, err := c.client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}})
	if err != nil {
		return nil, transient("metadata", err)
	}
	for _, t := range m.Topics {
		if t.Name == topic {
			if t.Error != nil {
				return nil, transient("metadata", t.Error)
			}
			return t.Partitions, nil
		}
	}
	return nil, transient("metadata", kafka.UnknownTopicOrPartition)
}

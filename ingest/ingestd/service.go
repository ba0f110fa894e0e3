package ingestd

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"

	"chatlog/ingest/internal/forward"
	"chatlog/ingest/internal/httpapi"
	"chatlog/ingest/internal/lease"
	"chatlog/ingest/internal/partition"
	"chatlog/shared/clock"
	"chatlog/shared/httpserve"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/lifecycle"
	"chatlog/shared/position"
	"chatlog/shared/prepare"
	"chatlog/shared/profile"
	"chatlog/shared/ratelimit"
	"chatlog/shared/redisconn"
	"chatlog/shared/relay"
	"chatlog/shared/schema/openapi"
	"chatlog/shared/sqlview"
	"chatlog/shared/telemetry"
	"chatlog/shared/topic"
	"chatlog/shared/tracing"
	"chatlog/shared/version"
)

// Parts are what the service is given. It closes none of them.
type Parts struct {
	Log     *slog.Logger
	Metrics *prometheus.Registry
	Rows    *sqlview.View    // where cold items are read from
	Needs   []telemetry.Part // what the program around it has to have, shown by /readyz
	// Refusing reports whether the log is known to take no writes for now; nil:
	// never. It is asked at every write and must be quick.
	Refusing func() bool
}

// Service is the ingest service as a component.
type Service struct {
	*lifecycle.Group
	server *httpserve.Server
}

// URL is the base URL of the service, once it is started.
func (s *Service) URL() string { return s.server.URL() }

// New makes the service; nothing happens before Start.
func New(cfg Config, parts Parts) (*Service, error) {
	conn := kafkaconn.Open(cfg.Kafka)
	client := redisconn.Open(cfg.Redis)
	logger := parts.Log.With("service", "ingest")
	logger.Info("starting", "build", version.Read())
	spans, err := tracing.New(cfg.Tracing, "chatlog-ingest", parts.Metrics, logger)
	if err != nil {
		return nil, err
	}
	set := newSet(cfg, parts, conn, spans, logger)
	ready := prepare.New("schema and topics", logger,
		prepare.Step{Name: "topics", Do: func(ctx context.Context) error {
			return topic.Ensure(ctx, conn, cfg.Topics.All()...)
		}},
		prepare.Step{Name: "schema", Do: parts.Rows.Migrate})

	var server *httpserve.Server
	instance := uuid.NewString()
	keeper := lease.NewKeeper(client, cfg.Redis.Prefix, cfg.Topics.Commands.Partitions, instance, func() string {
		return cmp.Or(cfg.Ingest.Advertise, server.URL())
	}, logger)
	seal := relay.NewSeal(cfg.Forward, clock.Now, relay.Refusals(parts.Metrics))
	sender, err := relay.NewSender(forward.By, cfg.Ingest.RequestTimeout+time.Second, seal, cfg.Forward.TLS)
	if err != nil {
		return nil, err
	}
	forwarder := forward.New(keeper, sender, forwardCounter(parts.Metrics))
	leaseGauges(parts.Metrics, keeper, cfg.Topics.Commands.Partitions)
	partitionOf := func(token string) int32 { return topic.PartitionOf([]byte(token), cfg.Topics.Commands.Partitions) }
	tokens := httpapi.NewTokens(cfg.Ingest.TokenSecret.List(), func(token string) bool { return keeper.Holds(partitionOf(token)) })

	router := httpserve.NewRouter(logger, httpserve.NewMetrics("ingest", parts.Metrics))
	router.Trace(spans)
	router.Admit(seal.Admit)
	gate := ratelimit.NewGate("ingest", ratelimit.Instances, cfg.Limits, cfg.Redis, logger, parts.Metrics)
	if gate != nil {
		router.Guard(gate)
	}
	httpapi.New(submitter(set, cfg, spans), forwarder, tokens, partitionOf, instance).Routes(router)
	router.Handle(http.MethodGet, "/openapi.yaml", openapi.Serve)
	importing, importHealth := newImports(cfg, conn, set, keeper, parts.Metrics, logger)
	router.Status(slices.Concat([]telemetry.Part{
		{Name: "partitions", Required: true, Check: set.Check},
		{Name: "preparation", Check: ready.Check},
		{Name: "kafka", Required: true, Check: func(ctx context.Context) error {
			_, err := conn.Partitions(ctx, cfg.Topics.Commands.Name)
			return err
		}},
		{Name: "mysql", Check: parts.Rows.Ready},
		{Name: "redis", Check: func(ctx context.Context) error { return client.Ping(ctx).Err() }},
		{Name: "leases", Check: keeper.Check},
	}, importHealth, parts.Needs), parts.Metrics)
	server = httpserve.NewServer("ingest http", cfg.Ingest.HTTP, router, logger)

	closing := lifecycle.Func{Title: "connections", OnStop: func(context.Context) error {
		forwarder.Close()
		conn.Close()
		return errors.Join(client.Close(), gate.Close())
	}}
	components := append([]lifecycle.Component{spans, profile.New(cfg.Profile), closing, ready, set, server, keeper}, importing...)
	return &Service{Group: lifecycle.NewGroup("ingest", components...), server: server}, nil
}

// submitter is the owners as requests reach them.
func submitter(set *partition.Set, cfg Config, spans *tracing.Tracing) httpapi.Submitter {
	if spans == nil {
		return set
	}
	return tracedSubmit{set, cfg.Topics.Commands.Name}
}

// hopeless is how long a write waits that the log is known to refuse: long enough
// for what needs no append, such as the reply to a repeated key; waiting for the
// whole time would hold clients, and a stop of the program, for nothing.
const hopeless = 500 * time.Millisecond

// newSet makes an owner for every partition, over the relational view.
func newSet(cfg Config, parts Parts, conn *kafkaconn.Conn, spans *tracing.Tracing, logger *slog.Logger) *partition.Set {
	owners := Owners(cfg, conn, func(number int32) partition.View { return rowsView{parts.Rows, number} }, parts.Metrics, spans, logger)
	return partition.NewSet(owners, func() time.Duration {
		if parts.Refusing != nil && parts.Refusing() {
			return min(hopeless, cfg.Ingest.RequestTimeout)
		}
		return cfg.Ingest.RequestTimeout
	}, clock.Now)
}

// Owners makes an owner for every partition of the log in Kafka, as the service
// has them, over a view that is given for each: so that what is measured without
// the service is what the service does. spans may be nil: off.
func Owners(cfg Config, conn *kafkaconn.Conn, view func(number int32) partition.View, metrics prometheus.Registerer, spans *tracing.Tracing, logger *slog.Logger) []*partition.Owner {
	m := newMetrics(metrics)
	count := cfg.Topics.Commands.Partitions
	owners := make([]*partition.Owner, count)
	for i := range owners {
		number := int32(i)
		machine := partition.New(machineConfig(cfg, number))
		var log partition.Log = &kafkaLog{conn: conn, topic: cfg.Topics.Commands.Name, partition: number, partitions: count}
		if spans != nil {
			log = tracedLog{log, spans, cfg.Topics.Commands.Name, number}
		}
		timeouts := partition.Timeouts{Append: cfg.Kafka.RequestTimeout, Read: 2 * cfg.Kafka.RequestTimeout, Load: cfg.MySQL.ReadTimeout}
		owners[i] = partition.NewOwner(machine, log, view(number), timeouts, clock.Now, logger.With("partition", number), m.observer(number))
	}
	return owners
}

func machineConfig(cfg Config, number int32) partition.Config {
	c := partition.Config{
		Partition:   number,
		PartitionOf: func(key []byte) int32 { return topic.PartitionOf(key, cfg.Topics.Commands.Partitions) },
		Limits: partition.Limits{Chats: cfg.Ingest.State.MaxChats, Messages: cfg.Ingest.State.MaxMessages,
			Unsunk: cfg.Ingest.State.MaxUnsunk},
		BatchRecords: cfg.Ingest.BatchRecords, BatchBytes: cfg.Ingest.BatchBytes, Queue: cfg.Ingest.Queue,
		Imports:  partition.Imports{Records: cfg.Ingest.Imports.BatchRecords, Ahead: cfg.Ingest.Imports.Ahead, Rate: cfg.Ingest.Imports.Rate},
		RetryMin: 5 * time.Millisecond, RetryMax: 2 * time.Second, ProgressEvery: 100 * time.Millisecond, CutPatience: 10 * time.Second, FarBehind: 20_000,
		Jitter: rand.Float64, NewID: func() string { return uuid.Must(uuid.NewV7()).String() },
	}
	if number == 0 {
		c.NewLog = position.NewLogID
	}
	return c
}

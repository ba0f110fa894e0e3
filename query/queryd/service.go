// Package queryd is the query service: it answers reads and searches, and
// passes writes on to ingest.
package queryd

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"chatlog/query/internal/forward"
	"chatlog/query/internal/freshness"
	"chatlog/query/internal/httpapi"
	"chatlog/query/internal/read"
	"chatlog/shared/clock"
	"chatlog/shared/directory"
	"chatlog/shared/httpserve"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/lifecycle"
	"chatlog/shared/mysqlconn"
	"chatlog/shared/profile"
	"chatlog/shared/ratelimit"
	"chatlog/shared/redisconn"
	"chatlog/shared/relay"
	"chatlog/shared/schema/openapi"
	"chatlog/shared/searchconn"
	"chatlog/shared/searchview"
	"chatlog/shared/sqlview"
	"chatlog/shared/telemetry"
	"chatlog/shared/topic"
	"chatlog/shared/tracing"
	"chatlog/shared/version"
)

// Config is the sections that the service reads.
type Config struct {
	Log           telemetry.LogConfig `mapstructure:"log"`
	Profile       profile.Config      `mapstructure:"profile"`
	Tracing       tracing.Config      `mapstructure:"tracing"`
	Kafka         kafkaconn.Config    `mapstructure:"kafka"`
	Topics        topic.Config        `mapstructure:"topics"`
	MySQL         mysqlconn.Config    `mapstructure:"mysql"`
	Redis         redisconn.Config    `mapstructure:"redis"`
	Elasticsearch searchconn.Config   `mapstructure:"elasticsearch"`
	Limits        ratelimit.Config    `mapstructure:"limits"`
	Forward       relay.Config        `mapstructure:"forward"`
	Query         Section             `mapstructure:"query"`
}

// Section is the section `query`.
type Section struct {
	HTTP           httpserve.Config `mapstructure:",squash"`
	FreshnessWait  time.Duration    `mapstructure:"freshness_wait"`  // the longest wait for a view to catch up
	ForwardWrites  bool             `mapstructure:"forward_writes"`  // pass POST, PUT and DELETE on to ingest
	ForwardTimeout time.Duration    `mapstructure:"forward_timeout"` // for ingest's answer
	IngestURLs     []string         `mapstructure:"ingest_urls"`     // used when Redis knows no ingest instance
}

// Default gives all defaults.
func Default() Config {
	return Config{Log: telemetry.DefaultLog(), Tracing: tracing.Default(), Kafka: kafkaconn.Default(), Topics: topic.Default(), MySQL: mysqlconn.Default(),
		Redis: redisconn.Default(), Limits: ratelimit.Default(), Elasticsearch: searchconn.Default(), Forward: relay.Default(), Query: DefaultSection()}
}

// Validate checks what the sections say of one another.
func (c Config) Validate() (errs []error) {
	for _, base := range c.Query.IngestURLs {
		if c.Query.ForwardWrites && c.Forward.TLS.Enabled && !strings.HasPrefix(base, "https://") {
			errs = append(errs, fmt.Errorf("query.ingest_urls: %q must be https with forward.tls.enabled", base))
		}
	}
	return errs
}

// DefaultSection gives the defaults of the section `query`.
func DefaultSection() Section {
	return Section{HTTP: httpserve.Default("127.0.0.1:3001"), FreshnessWait: 2 * time.Second, ForwardWrites: true,
		ForwardTimeout: 8 * time.Second, IngestURLs: []string{"http://127.0.0.1:8000"}}
}

// Validate checks the section.
func (s Section) Validate() []error {
	errs := s.HTTP.Validate()
	if s.FreshnessWait <= 0 || s.FreshnessWait >= s.HTTP.ReplyTimeout {
		errs = append(errs, errors.New("freshness_wait: must be positive and shorter than reply_timeout"))
	}
	if s.ForwardTimeout <= 0 || s.ForwardTimeout >= s.HTTP.ReplyTimeout {
		errs = append(errs, errors.New("forward_timeout: must be positive and shorter than reply_timeout"))
	}
	for _, text := range s.IngestURLs {
		if u, err := url.Parse(text); err != nil || u.Host == "" {
			errs = append(errs, fmt.Errorf("ingest_urls: %q is not a base URL", text))
		}
	}
	return errs
}

// Parts are what the service is given. It closes none of them.
type Parts struct {
	Log     *slog.Logger
	Metrics *prometheus.Registry
	Rows    *sqlview.View
	Index   searchview.Index
	Needs   []telemetry.Part // what the program around it has to have, shown by /readyz
}

// Service is the query service as a component.
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
	logger := parts.Log.With("service", "query")
	logger.Info("starting", "build", version.Read())
	spans, err := tracing.New(cfg.Tracing, "chatlog-query", parts.Metrics, logger)
	if err != nil {
		return nil, err
	}
	m := newMetrics(parts.Metrics)
	partitionOf := func(key []byte) int32 { return topic.PartitionOf(key, cfg.Topics.Commands.Partitions) }

	// With another number of partitions than the topic has, an application would
	// be looked for at the end of a partition that is not its own.
	var rightCount atomic.Bool
	count := func(ctx context.Context) error {
		err := topic.Counted(ctx, conn, cfg.Topics.Commands)
		rightCount.Store(err == nil)
		return err
	}
	ends := freshness.NewShared(func(ctx context.Context, partition int32) (int64, error) {
		ctx, cancel := context.WithTimeout(ctx, cfg.Query.FreshnessWait)
		defer cancel()
		if !rightCount.Load() {
			if err := count(ctx); err != nil {
				return 0, err
			}
		}
		return conn.End(ctx, cfg.Topics.Commands.Name, partition)
	})
	refresh := freshness.NewShared(func(ctx context.Context, _ struct{}) (struct{}, error) {
		ctx, cancel := context.WithTimeout(ctx, cfg.Elasticsearch.Timeout)
		defer cancel()
		return struct{}{}, parts.Index.Refresh(ctx)
	})
	rowsWatch, indexWatch := freshness.NewWatcher(parts.Rows.Progresses), freshness.NewWatcher(parts.Index.Progresses)
	on := storesOf(parts, ends, refresh, spans != nil)
	waits := func(view string, w *freshness.Watcher) *read.Freshness {
		m.waiting(parts.Metrics, view, w)
		return &read.Freshness{Waiter: on.waiter(view, w), Ends: on.ends, Limit: cfg.Query.FreshnessWait, Count: func(outcome string) { m.waits.WithLabelValues(view, outcome).Inc() }}
	}
	reader := read.NewReader(on.rows, waits("mysql", rowsWatch), partitionOf)
	searcher := read.NewSearcher(reader, on.index, waits("search", indexWatch), on.refresh)

	router := httpserve.NewRouter(logger, httpserve.NewMetrics("query", parts.Metrics))
	router.Trace(spans)
	gate := ratelimit.NewGate("query", ratelimit.Clients, cfg.Limits, cfg.Redis, logger, parts.Metrics)
	if gate != nil {
		router.Guard(gate)
	}
	httpapi.New(reader, searcher).Routes(router)
	router.Handle(http.MethodGet, "/openapi.yaml", openapi.Serve)
	seal := relay.NewSeal(cfg.Forward, clock.Now, relay.Refusals(parts.Metrics))
	router.Admit(seal.Admit)
	sender, err := relay.NewSender("query", cfg.Query.ForwardTimeout, seal, cfg.Forward.TLS)
	if err != nil {
		return nil, err
	}
	forwarder := forward.New(directory.New(client, cfg.Redis.Prefix).Lookup, cfg.Query.IngestURLs, sender, logger,
		func(outcome string) { m.forwarded.WithLabelValues(outcome).Inc() })
	if cfg.Query.ForwardWrites {
		httpapi.Writes(router, forwarder)
	}
	router.Status(append([]telemetry.Part{
		{Name: "mysql", Required: true, Check: parts.Rows.Ready},
		{Name: "search", Check: parts.Index.Ready},
		{Name: "kafka", Check: count},
		{Name: "redis", Check: func(ctx context.Context) error { return client.Ping(ctx).Err() }},
	}, parts.Needs...), parts.Metrics)
	server := httpserve.NewServer("query http", cfg.Query.HTTP, router, logger)
	closing := lifecycle.Func{Title: "connections", OnStop: func(context.Context) error {
		rowsWatch.Stop()
		indexWatch.Stop()
		forwarder.Close()
		conn.Close()
		return errors.Join(client.Close(), gate.Close())
	}}
	return &Service{Group: lifecycle.NewGroup("query", spans, profile.New(cfg.Profile), closing, server), server: server}, nil
}

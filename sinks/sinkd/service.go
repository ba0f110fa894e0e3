package sinkd

import (
	"context"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"

	"chatlog/shared/clock"
	"chatlog/shared/command"
	"chatlog/shared/deadletter"
	"chatlog/shared/fault"
	"chatlog/shared/httpserve"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/lifecycle"
	"chatlog/shared/prepare"
	"chatlog/shared/profile"
	"chatlog/shared/searchview"
	"chatlog/shared/sqlview"
	"chatlog/shared/telemetry"
	"chatlog/shared/topic"
	"chatlog/shared/tracing"
	"chatlog/shared/version"
	"chatlog/sinks/internal/consume"
	"chatlog/sinks/internal/mysqlsink"
	"chatlog/sinks/internal/searchsink"
)

// Parts are what the service is given. It closes none of them. A view that is
// nil is not kept by this process.
type Parts struct {
	Log     *slog.Logger
	Metrics *prometheus.Registry
	Rows    *sqlview.View
	Index   searchview.Index
}

// Service is the sinks service as a component.
type Service struct {
	*lifecycle.Group
	server *httpserve.Server
}

// Addr is the address of health and metrics, once the service is started.
func (s *Service) Addr() string { return s.server.Addr() }

// New makes the service; nothing happens before Start.
func New(cfg Config, parts Parts) (*Service, error) {
	logger := parts.Log.With("service", "sinks")
	spans, err := tracing.New(cfg.Tracing, "chatlog-sinks", parts.Metrics, logger)
	if err != nil {
		return nil, err
	}
	b := builder{cfg: cfg, conn: kafkaconn.Open(cfg.Kafka), logger: logger, spans: spans,
		metrics: consume.Metrics(parts.Metrics), letters: deadletter.NewCounter(parts.Metrics)}
	b.logger.Info("starting", "build", version.Read())
	b.components = append(b.components, spans, profile.New(cfg.Profile), lifecycle.Func{Title: "connections", OnStop: func(context.Context) error {
		b.conn.Close()
		return nil
	}})
	ready := prepare.New("topics", b.logger, prepare.Step{Name: "topics", Do: func(ctx context.Context) error {
		return topic.Ensure(ctx, b.conn, cfg.Topics.Commands, cfg.Topics.DeadLetters)
	}})
	b.components = append(b.components, ready)
	b.health = append(b.health, telemetry.Part{Name: "preparation", Check: ready.Check},
		telemetry.Part{Name: "kafka", Required: true, Check: func(ctx context.Context) error {
			_, err := b.conn.Partitions(ctx, cfg.Topics.Commands.Name)
			return err
		}})
	open := newOpenLetters(deadletter.NewSettler(b.conn, cfg.Topics.DeadLetters.Name), []string{mysqlsink.Name, searchsink.Name}, parts.Metrics, b.logger)
	b.components = append(b.components, lifecycle.Loop("open dead letters", open.run))
	if parts.Rows != nil {
		// Exactly one view tells of records that are not ours.
		b.add(cfg.Sinks.MySQL, mysqlsink.New(parts.Rows), parts.Rows.Engine(), true)
	}
	if parts.Index != nil {
		b.add(cfg.Sinks.Search, searchsink.New(parts.Index), parts.Index.Engine(), false)
	}
	router := httpserve.NewRouter(b.logger, httpserve.NewMetrics("sinks", parts.Metrics))
	router.Status(b.health, parts.Metrics)
	server := httpserve.NewServer("sinks http", cfg.Sinks.HTTP, router, b.logger)
	return &Service{Group: lifecycle.NewGroup("sinks", append(b.components, server)...), server: server}, nil
}

// builder gathers the service's components.
type builder struct {
	cfg        Config
	conn       *kafkaconn.Conn
	logger     *slog.Logger
	metrics    *consume.MetricSet
	letters    *prometheus.CounterVec
	spans      *tracing.Tracing // nil: off
	components []lifecycle.Component
	health     []telemetry.Part
}

// sink is what a view's workers need.
func (b *builder) sink(section ViewSection, v consume.View, tells bool) consume.Sink {
	commands := b.cfg.Topics.Commands
	classes := []string{deadletter.Rejected, command.Invalid.String()}
	if tells {
		classes = append(classes, command.Unmarked.String(), command.Foreign.String())
	}
	return consume.Sink{
		View: v, Log: consume.KafkaLog{Conn: b.conn, Topic: commands.Name, Bytes: b.cfg.Sinks.FetchBytes},
		Letters: func(partition int32) consume.Letters {
			return deadletter.NewWriter(deadletter.Config{View: v.Name(), Source: commands.Name, Topic: b.cfg.Topics.DeadLetters.Name, Classes: classes},
				b.conn, partition, b.letters)
		},
		Limits:      consume.Limits{Records: section.BatchRecords, Bytes: section.BatchBytes, Gather: section.Gather},
		Tells:       tells,
		PartitionOf: func(key []byte) int32 { return topic.PartitionOf(key, commands.Partitions) },
	}
}

// add makes a view's group of workers. engine is what keeps the view.
func (b *builder) add(section ViewSection, v consume.View, engine string, tells bool) {
	logger := b.logger.With("view", v.Name())
	status := consume.NewStatus(v.Name(), b.metrics, clock.Now)
	commands := b.cfg.Topics.Commands
	if b.spans != nil {
		v = &consume.TracedView{View: v, Tracing: b.spans, Engine: engine, Topic: commands.Name, Group: section.Group, Clock: clock.Now}
	}
	group := consume.GroupConfig{ID: section.Group, Brokers: b.cfg.Kafka.Brokers, Dialer: b.cfg.Kafka.Dialer(), Topic: commands.Name, Ready: func(ctx context.Context) error {
		return topic.Counted(ctx, b.conn, commands)
	}}
	b.components = append(b.components, consume.NewGroup(group, b.sink(section, v, tells), status, logger))
	b.health = append(b.health, telemetry.Part{Name: v.Name(), Required: true, Check: func(ctx context.Context) error {
		if err := status.Check(ctx); err != nil {
			return err
		}
		if _, err := v.Progress(ctx, 0); err != nil {
			return fault.Wrap(fault.Transient, "cannot be reached", err)
		}
		return nil
	}})
}

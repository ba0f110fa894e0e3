package tracing

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/google/uuid"
	"github.com/prometheus/client_golang/prometheus"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"
)

// scope is what spans say that they are made by.
const scope = "chatlog"

// Tracing makes spans and brings them to the collector, as a component: start it
// before all others, so that it is stopped after them. A nil Tracing is off.
type Tracing struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	out      *outlet
}

const (
	exportTime = 5 * time.Second  // of one request to the collector
	retryTime  = 20 * time.Second // for which a batch that was not taken is sent again
	collect    = time.Second      // after which a batch goes out that is not full
	batchSpans = 512              // most spans of one request
	// flushTime is what a stop leaves for what is not sent yet: a collector that is
	// away must not hold the program.
	flushTime = 2 * time.Second
)

// New makes the tracing of a service; nil if c has no endpoint. c must be valid.
func New(c Config, service string, metrics prometheus.Registerer, logger *slog.Logger) (*Tracing, error) {
	if c.Endpoint == "" {
		return nil, nil
	}
	client, err := c.client()
	if err != nil {
		return nil, fmt.Errorf("tracing.%w", err)
	}
	about := resource.NewSchemaless(semconv.ServiceNamespace("chatlog"), semconv.ServiceName(service), semconv.ServiceInstanceID(uuid.NewString()))
	exporter, err := otlptrace.New(context.Background(), client) // over HTTP this reaches out to nobody yet
	if err != nil {
		return nil, fmt.Errorf("tracing.endpoint: %w", err)
	}
	out := newOutlet(exporter, metrics, logger)
	provider := sdktrace.NewTracerProvider(sdktrace.WithResource(about), sdktrace.WithSpanProcessor(out),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(c.SampleRatio))))
	return &Tracing{provider: provider, tracer: provider.Tracer(scope), out: out}, nil
}

// client makes the way to the collector. Everything is said, so that no variable
// of OpenTelemetry's own changes it.
func (c Config) client() (otlptrace.Client, error) {
	base, err := url.Parse(c.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("endpoint: %w", err)
	}
	headers, err := c.headers()
	if err != nil {
		return nil, err
	}
	trusted, err := c.tls()
	if err != nil {
		return nil, err
	}
	options := []otlptracehttp.Option{otlptracehttp.WithEndpointURL(base.JoinPath("v1/traces").String()), otlptracehttp.WithHeaders(headers),
		otlptracehttp.WithCompression(otlptracehttp.GzipCompression), otlptracehttp.WithTimeout(exportTime),
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{Enabled: true, InitialInterval: time.Second, MaxInterval: 5 * time.Second, MaxElapsedTime: retryTime})}
	if trusted != nil && base.Scheme == "https" {
		options = append(options, otlptracehttp.WithTLSClientConfig(trusted))
	}
	return otlptracehttp.NewClient(options...), nil
}

// Name gives the component's name.
func (t *Tracing) Name() string { return "tracing" }

// Start does nothing: what there is to send begins to be sent by itself.
func (t *Tracing) Start(context.Context) error { return nil }

// Stop sends what is not sent yet, for as long as a stop can wait. What is left
// then is counted as dropped, and no error: nothing else hangs on it.
func (t *Tracing) Stop(ctx context.Context) error {
	if t == nil {
		return nil
	}
	bounded, cancel := context.WithTimeout(ctx, flushTime)
	defer cancel()
	defer context.AfterFunc(bounded, t.out.end)()
	// Not bounded itself, it would leave its goroutine behind; each of its exports is
	// over once the outlet has ended.
	return t.provider.Shutdown(context.WithoutCancel(ctx))
}

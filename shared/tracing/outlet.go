package tracing

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// queueSpans bounds the spans that wait to be sent: about 8 MB. More are dropped.
const queueSpans = 8192

// outlet is a bounded queue before a collector. OpenTelemetry's own drops what it
// has no room for without a word to our metrics; so the spans in it are counted
// here, and it never gets more than it has room for.
type outlet struct {
	sdktrace.SpanProcessor
	waiting  atomic.Int64 // spans in the queue, or in a request that is under way
	exporter sdktrace.SpanExporter
	ended    context.Context
	end      context.CancelFunc
	sent     prometheus.Counter
	dropped  *prometheus.CounterVec
	logger   *slog.Logger
	failing  bool // used by the one goroutine that exports
}

func newOutlet(exporter sdktrace.SpanExporter, metrics prometheus.Registerer, logger *slog.Logger) *outlet {
	o := &outlet{exporter: exporter, logger: logger,
		sent: prometheus.NewCounter(prometheus.CounterOpts{Name: "chatlog_trace_spans_sent_total", Help: "Spans that the collector has taken."}),
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "chatlog_trace_spans_dropped_total",
			Help: "Spans that were lost, by reason: full (too many waited), failed (the collector did not take them in time)."}, []string{"reason"})}
	o.ended, o.end = context.WithCancel(context.Background())
	metrics.MustRegister(o.sent, o.dropped)
	o.dropped.WithLabelValues("full")
	o.dropped.WithLabelValues("failed")
	// Its queue has room for all that may wait, so it never drops by itself.
	o.SpanProcessor = sdktrace.NewBatchSpanProcessor(exporting{o}, sdktrace.WithMaxQueueSize(queueSpans),
		sdktrace.WithMaxExportBatchSize(batchSpans), sdktrace.WithBatchTimeout(collect), sdktrace.WithExportTimeout(retryTime+exportTime))
	return o
}

// OnEnd takes a span that is over. It never blocks.
func (o *outlet) OnEnd(s sdktrace.ReadOnlySpan) {
	if !s.SpanContext().IsSampled() {
		return
	}
	if o.waiting.Add(1) > queueSpans {
		o.waiting.Add(-1)
		o.dropped.WithLabelValues("full").Inc()
		return
	}
	o.SpanProcessor.OnEnd(s)
}

// exporting is the outlet's far end.
type exporting struct{ *outlet }

// maxTold bounds what is told of a failure, in bytes: a collector's answer is part
// of it.
const maxTold = 300

// ExportSpans sends spans. That it failed is counted, and told once: with the
// collector away for a day, a line for every batch would drown the rest.
func (e exporting) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	defer e.waiting.Add(-int64(len(spans)))
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.ended, cancel)()
	err := e.ended.Err()
	if err == nil {
		err = e.exporter.ExportSpans(ctx, spans)
	}
	if err == nil {
		e.sent.Add(float64(len(spans)))
		if e.failing {
			e.failing = false
			e.logger.Info("traces are taken again")
		}
		return nil
	}
	e.dropped.WithLabelValues("failed").Add(float64(len(spans)))
	if !e.failing {
		e.failing = true
		e.logger.Warn("traces are not taken and dropped", "error", fmt.Sprintf("%.*s", maxTold, err.Error()))
	}
	return nil // told already; OpenTelemetry would print it once more
}

// Shutdown ends the exporter.
func (e exporting) Shutdown(ctx context.Context) error { return e.exporter.Shutdown(ctx) }

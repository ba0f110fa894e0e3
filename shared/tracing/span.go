package tracing

import (
	"context"
	"net/http"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"chatlog/shared/fault"
)

// Header is the HTTP header that a trace comes and goes with (W3C Trace Context).
const Header = "Traceparent"

var w3c propagation.TraceContext

// Serve begins the span of a request that has come in, below the one that its
// traceparent names. A malformed traceparent, or more than one, is as none.
func (t *Tracing) Serve(r *http.Request) (context.Context, trace.Span) {
	ctx := r.Context()
	if len(r.Header.Values(Header)) == 1 {
		ctx = w3c.Extract(ctx, propagation.HeaderCarrier(r.Header))
	}
	return t.tracer.Start(ctx, "HTTP", trace.WithSpanKind(trace.SpanKindServer))
}

// Served ends the span of a request that was answered. Neither path nor query are
// told: tokens are secrets, and so are the words that somebody looks for.
func Served(span trace.Span, method, route string, status int, requestID string, err error) {
	name := method
	if route != "" {
		name = method + " " + route
		span.SetAttributes(semconv.HTTPRoute(route))
	}
	span.SetName(name)
	span.SetAttributes(semconv.HTTPRequestMethodKey.String(method), semconv.HTTPResponseStatusCode(status), attribute.String("chatlog.request_id", requestID))
	if status >= http.StatusInternalServerError {
		span.SetAttributes(semconv.ErrorTypeKey.String(strconv.Itoa(status)))
		span.SetStatus(codes.Error, http.StatusText(status))
		Fail(span, err) // says more, where an error is known
	}
	span.End()
}

// On reports whether there is a span in ctx, sampled or not. Who is asked for every
// request asks this first: the making of a span costs memory even without one.
func On(ctx context.Context) bool { return trace.SpanContextFromContext(ctx).IsValid() }

// Begin begins a span below the one in ctx. Without one there is none, and the
// span does nothing.
func Begin(ctx context.Context, name string, kind trace.SpanKind, attributes ...attribute.KeyValue) (context.Context, trace.Span) {
	return trace.SpanFromContext(ctx).TracerProvider().Tracer(scope).Start(ctx, name, trace.WithSpanKind(kind), trace.WithAttributes(attributes...))
}

// Fail says in a span that what it tells of has failed. That something is not
// there, or was asked for wrongly, is no failure.
func Fail(span trace.Span, err error) {
	if err == nil || !span.IsRecording() {
		return
	}
	kind := fault.KindOf(err)
	span.SetAttributes(semconv.ErrorTypeKey.String(kind.String()))
	if kind == fault.Transient || kind == fault.Terminal {
		span.SetStatus(codes.Error, err.Error())
	}
}

// Done ends a span with what came of it.
func Done(span trace.Span, err error) {
	Fail(span, err)
	span.End()
}

// Inject makes the headers of a request that goes out carry the span in ctx, in
// place of what they carry now. Without a span they stay as they are.
func Inject(ctx context.Context, to http.Header) {
	if !On(ctx) {
		return
	}
	to.Del(Header)
	to.Del("Tracestate")
	w3c.Inject(ctx, propagation.HeaderCarrier(to))
}

// ID gives the id of the trace in ctx; empty if there is none.
func ID(ctx context.Context) string {
	if at := trace.SpanContextFromContext(ctx); at.IsValid() {
		return at.TraceID().String()
	}
	return ""
}

// Traceparent gives the span in ctx as a record's header carries it; empty if it
// is not sampled.
func Traceparent(ctx context.Context) string {
	if !trace.SpanContextFromContext(ctx).IsSampled() {
		return ""
	}
	carrier := propagation.MapCarrier{}
	w3c.Inject(ctx, carrier)
	return carrier["traceparent"]
}

// Continue begins a span below the one that a record's traceparent names; false if
// it names none, or one that is not sampled.
func (t *Tracing) Continue(ctx context.Context, traceparent, name string, kind trace.SpanKind, attributes ...attribute.KeyValue) (context.Context, trace.Span, bool) {
	if traceparent == "" {
		return ctx, nil, false
	}
	ctx = w3c.Extract(trace.ContextWithSpanContext(ctx, trace.SpanContext{}), propagation.MapCarrier{"traceparent": traceparent})
	if !trace.SpanContextFromContext(ctx).IsSampled() {
		return ctx, nil, false
	}
	ctx, span := t.tracer.Start(ctx, name, trace.WithSpanKind(kind), trace.WithAttributes(attributes...))
	return ctx, span, true
}

package consume

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"chatlog/shared/tracing"
	"chatlog/shared/view"
)

// TracedView tells of the sampled records that a view takes, each in the trace that
// its write began: one trace shows a write from its POST to every view. A batch has
// no span of its own. It would lie in a trace of its own, with links that few look at.
type TracedView struct {
	View
	Tracing *tracing.Tracing
	Engine  string // that keeps the view
	Topic   string
	Group   string
	Clock   func() time.Time

	mutex  sync.Mutex
	failed map[int32]int64 // where the batch began that failed last, by partition
}

// traceFor is how old a write may be to be told of: a view that is built anew reads
// records of years, whose traces nobody looks at any more.
const traceFor = time.Hour

// entrySpan is a record and the span that tells of it.
type entrySpan struct {
	offset     int64
	take, call trace.Span
}

// Apply takes a batch.
func (v *TracedView) Apply(ctx context.Context, b view.Batch) ([]view.Rejection, error) {
	spans := v.begin(ctx, b)
	if len(spans) == 0 {
		return v.View.Apply(ctx, b)
	}
	rejections, err := v.View.Apply(ctx, b)
	if !v.worth(b, err) {
		return rejections, err // spans that do not end are told to nobody
	}
	refused := map[int64]string{}
	for _, r := range rejections {
		refused[r.Offset] = r.Reason
	}
	for _, s := range spans {
		tracing.Done(s.call, err)
		if reason, is := refused[s.offset]; is {
			s.take.SetStatus(codes.Error, reason)
		}
		tracing.Done(s.take, err)
	}
	return rejections, err
}

// begin begins the spans of a batch: for each record one that takes it, and below
// that the call of the store, which the records of the batch share.
func (v *TracedView) begin(ctx context.Context, b view.Batch) (spans []entrySpan) {
	oldest := v.Clock().Add(-traceFor)
	for _, e := range b.Entries {
		if e.Trace == "" || e.Command.Time.Before(oldest) {
			continue
		}
		within, take, sampled := v.Tracing.Continue(ctx, e.Trace, "process "+v.Topic, trace.SpanKindConsumer, semconv.MessagingSystemKafka,
			semconv.MessagingDestinationName(v.Topic), semconv.MessagingOperationName("process"), semconv.MessagingOperationTypeProcess,
			semconv.MessagingConsumerGroupName(v.Group), semconv.MessagingDestinationPartitionID(strconv.Itoa(int(b.To.Partition))),
			semconv.MessagingKafkaOffset(int(e.Offset)), semconv.MessagingBatchMessageCount(len(b.Entries)), semconv.MessagingMessageID(e.Command.ID),
			attribute.String("chatlog.view", v.Name()))
		if !sampled {
			continue
		}
		_, call := tracing.Begin(within, "apply "+v.Engine, trace.SpanKindClient, semconv.DBSystemNameKey.String(v.Engine),
			semconv.DBOperationName("apply"), semconv.DBOperationBatchSize(len(b.Entries)))
		spans = append(spans, entrySpan{e.Offset, take, call})
	}
	return spans
}

// worth reports whether what came of a batch is worth telling: that it failed is,
// once. A store that is away for a day is tried thousands of times, and each would
// be a span in every trace of the batch.
func (v *TracedView) worth(b view.Batch, err error) bool {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	at, again := v.failed[b.To.Partition]
	switch {
	case err == nil:
		delete(v.failed, b.To.Partition)
		return true
	case errors.Is(err, context.Canceled), again && at == b.From:
		return false
	}
	if v.failed == nil {
		v.failed = map[int32]int64{}
	}
	v.failed[b.To.Partition] = b.From
	return true
}

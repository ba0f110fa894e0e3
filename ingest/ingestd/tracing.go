package ingestd

import (
	"context"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"chatlog/ingest/internal/httpapi"
	"chatlog/ingest/internal/partition"
	"chatlog/shared/position"
	"chatlog/shared/tracing"
)

// tracedSubmit tells of every sampled write from its queueing to its append. The
// record goes on with that span: what sinks do with it is below it.
type tracedSubmit struct {
	httpapi.Submitter
	topic string
}

// Submit brings a request to its owner.
func (s tracedSubmit) Submit(ctx context.Context, r partition.Request) (partition.Reply, position.Token, error) {
	ctx, span := tracing.Begin(ctx, "append "+s.topic, trace.SpanKindProducer, semconv.MessagingSystemKafka, semconv.MessagingDestinationName(s.topic),
		semconv.MessagingOperationName("append"), semconv.MessagingOperationTypeCreate, semconv.MessagingMessageID(r.ID), attribute.String("chatlog.operation", string(r.Op)))
	r.Trace = tracing.Traceparent(ctx)
	reply, token, err := s.Submitter.Submit(ctx, r)
	if err == nil {
		span.SetAttributes(partitionOf(token.Partition), semconv.MessagingKafkaOffset(int(token.Offset)))
	}
	tracing.Done(span, err)
	return reply, token, err
}

func partitionOf(number int32) attribute.KeyValue {
	return semconv.MessagingDestinationPartitionID(strconv.Itoa(int(number)))
}

// tracedLog tells of every try to append, once for each sampled write in the batch:
// a span in one trace alone would be missing in the others. A batch without any is
// not told of.
type tracedLog struct {
	partition.Log
	tracing *tracing.Tracing
	topic   string
	number  int32
}

// misplaced is told in spans alone: the owner reads on and tries again.
const misplaced = "lies at another offset than it was written for: somebody else has appended"

// Append produces one batch.
func (l tracedLog) Append(ctx context.Context, records []partition.Record) partition.AppendResult {
	spans := map[int]trace.Span{}
	for i, r := range records {
		_, span, sampled := l.tracing.Continue(ctx, string(r.Trace), "produce "+l.topic, trace.SpanKindClient, semconv.MessagingSystemKafka,
			semconv.MessagingDestinationName(l.topic), semconv.MessagingOperationName("produce"), semconv.MessagingOperationTypeSend,
			partitionOf(l.number), semconv.MessagingBatchMessageCount(len(records)))
		if sampled {
			spans[i] = span
		}
	}
	result := l.Log.Append(ctx, records)
	for i, span := range spans {
		told(span, i, records[i], result)
	}
	return result
}

// told ends the span of a batch's record with what came of the batch.
func told(span trace.Span, i int, r partition.Record, result partition.AppendResult) {
	if result.Err == nil {
		offset := result.Base + int64(i)
		span.SetAttributes(semconv.MessagingKafkaOffset(int(offset)))
		if at, err := position.ParseAt(r.At); err != nil || at.Offset != offset {
			span.SetStatus(codes.Error, misplaced)
		}
	}
	tracing.Done(span, result.Err)
}

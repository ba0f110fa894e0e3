// Package traced tells, in the span of a read, of what the read waits for: stores,
// the log's end, and a view that is behind. It stands around what it tells of, so
// that without tracing nothing of it is there.
package traced

import (
	"context"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"chatlog/query/internal/read"
	"chatlog/shared/searchview"
	"chatlog/shared/sqlview"
	"chatlog/shared/tracing"
	"chatlog/shared/view"
)

// store begins the span of a call of a store.
func store(ctx context.Context, engine, operation, collection string) (context.Context, trace.Span) {
	return tracing.Begin(ctx, operation+" "+collection, trace.SpanKindClient, semconv.DBSystemNameKey.String(engine),
		semconv.DBOperationName(operation), semconv.DBCollectionName(collection))
}

// Rows tells of reads of the relational view.
type Rows struct {
	Rows   read.Rows
	Engine string
}

// Application reads an application.
func (r Rows) Application(ctx context.Context, partition int32, token string) (view.Application, bool, view.Progress, error) {
	ctx, span := store(ctx, r.Engine, "read", "application")
	row, found, p, err := r.Rows.Application(ctx, partition, token)
	return row, found, p, seen(span, p, err)
}

// Chat reads a chat.
func (r Rows) Chat(ctx context.Context, partition int32, application string, number int64) (view.Chat, bool, view.Progress, error) {
	ctx, span := store(ctx, r.Engine, "read", "chat")
	row, found, p, err := r.Rows.Chat(ctx, partition, application, number)
	return row, found, p, seen(span, p, err)
}

// Message reads a message.
func (r Rows) Message(ctx context.Context, partition int32, k view.MessageKey) (view.Message, bool, view.Progress, error) {
	ctx, span := store(ctx, r.Engine, "read", "message")
	row, found, p, err := r.Rows.Message(ctx, partition, k)
	return row, found, p, seen(span, p, err)
}

// Messages reads a page of messages.
func (r Rows) Messages(ctx context.Context, partition int32, chat view.ChatKey, page sqlview.Page) ([]view.Message, bool, view.Progress, error) {
	ctx, span := store(ctx, r.Engine, "list", "message")
	list, found, p, err := r.Rows.Messages(ctx, partition, chat, page)
	return list, found, p, seen(span, p, err)
}

// Chats reads a page of chats.
func (r Rows) Chats(ctx context.Context, partition int32, application string, page sqlview.Page) ([]view.Chat, bool, view.Progress, error) {
	ctx, span := store(ctx, r.Engine, "list", "chat")
	list, found, p, err := r.Rows.Chats(ctx, partition, application, page)
	return list, found, p, seen(span, p, err)
}

// seen ends a span with how far the view was that was read.
func seen(span trace.Span, p view.Progress, err error) error {
	span.SetAttributes(attribute.Int64("chatlog.view.next", p.Next))
	tracing.Done(span, err)
	return err
}

// Index tells of searches.
type Index struct{ searchview.Index }

// Search finds messages.
func (x Index) Search(ctx context.Context, q searchview.Query) ([]searchview.Hit, error) {
	ctx, span := store(ctx, x.Engine(), "search", "message")
	hits, err := x.Index.Search(ctx, q)
	span.SetAttributes(semconv.DBResponseReturnedRows(len(hits)))
	tracing.Done(span, err)
	return hits, err
}

// Standing reads how far which index is.
func (x Index) Standing(ctx context.Context, partition int32) (searchview.Standing, error) {
	ctx, span := store(ctx, x.Engine(), "read", "progress")
	at, err := x.Index.Standing(ctx, partition)
	return at, seen(span, at.Progress, err)
}

// Refresh tells of waiting until the index shows what it has.
type Refresh struct{ read.Refresh }

// Do waits for a refresh that begins now.
func (r Refresh) Do(ctx context.Context, key struct{}) (struct{}, error) {
	ctx, span := tracing.Begin(ctx, "wait for a refresh", trace.SpanKindInternal)
	_, err := r.Refresh.Do(ctx, key)
	tracing.Done(span, err)
	return struct{}{}, err
}

// Waiter tells of waiting for a view.
type Waiter struct {
	Waiter read.Waiter
	View   string
}

// Wait waits until the view is so far.
func (w Waiter) Wait(ctx context.Context, partition int32, next int64) error {
	ctx, span := tracing.Begin(ctx, "wait for "+w.View, trace.SpanKindInternal, semconv.MessagingDestinationPartitionID(strconv.Itoa(int(partition))),
		attribute.Int64("chatlog.view.next", next))
	err := w.Waiter.Wait(ctx, partition, next)
	tracing.Done(span, err)
	return err
}

// Ends tells of looks at the log's end.
type Ends struct{ read.Ends }

// Do gives the log's end as of now.
func (e Ends) Do(ctx context.Context, partition int32) (int64, error) {
	ctx, span := tracing.Begin(ctx, "look at the log's end", trace.SpanKindInternal, semconv.MessagingSystemKafka,
		semconv.MessagingDestinationPartitionID(strconv.Itoa(int(partition))))
	end, err := e.Ends.Do(ctx, partition)
	tracing.Done(span, err)
	return end, err
}

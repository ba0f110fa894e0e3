package read

import (
	"context"

	"chatlog/shared/command"
	"chatlog/shared/fault"
	"chatlog/shared/position"
	"chatlog/shared/sqlview"
	"chatlog/shared/view"
)

// Rows reads the relational view: every row with the progress it was read at.
type Rows interface {
	Application(ctx context.Context, partition int32, token string) (view.Application, bool, view.Progress, error)
	Chat(ctx context.Context, partition int32, application string, number int64) (view.Chat, bool, view.Progress, error)
	Message(ctx context.Context, partition int32, k view.MessageKey) (view.Message, bool, view.Progress, error)
	Messages(ctx context.Context, partition int32, chat view.ChatKey, page sqlview.Page) ([]view.Message, bool, view.Progress, error)
	Chats(ctx context.Context, partition int32, application string, page sqlview.Page) ([]view.Chat, bool, view.Progress, error)
}

// Reader answers reads.
type Reader struct {
	rows        Rows
	freshness   *Freshness
	partitionOf func(key []byte) int32
}

// NewReader makes a reader.
func NewReader(rows Rows, f *Freshness, partitionOf func([]byte) int32) *Reader {
	return &Reader{rows: rows, freshness: f, partitionOf: partitionOf}
}

// The contract's words for what is not there.
var (
	ErrApplication = fault.New(fault.NotFound, "Application not found")
	ErrChat        = fault.New(fault.NotFound, "Chat not found")
	ErrMessage     = fault.New(fault.NotFound, "Message not found")
)

func (r *Reader) want(application string, token *position.Token) Want {
	return Want{Partition: r.partitionOf([]byte(application)), Token: token}
}

// Application reads an application.
func (r *Reader) Application(ctx context.Context, token string, after *position.Token) (view.Application, error) {
	if !command.ValidToken(token) {
		return view.Application{}, ErrApplication
	}
	w := r.want(token, after)
	a, found, err := Settle(ctx, r.freshness, w, func(ctx context.Context) (view.Application, bool, view.Progress, error) {
		return r.rows.Application(ctx, w.Partition, token)
	})
	return a, missing(found, err, ErrApplication)
}

// Chat reads a chat.
func (r *Reader) Chat(ctx context.Context, k view.ChatKey, after *position.Token) (view.Chat, error) {
	if !command.ValidToken(k.Application) || k.Number < 1 {
		return view.Chat{}, ErrChat
	}
	w := r.want(k.Application, after)
	c, found, err := Settle(ctx, r.freshness, w, func(ctx context.Context) (view.Chat, bool, view.Progress, error) {
		return r.rows.Chat(ctx, w.Partition, k.Application, k.Number)
	})
	return c, missing(found, err, ErrChat)
}

// Message reads a message. One that was deleted is not found, and that is
// final: nobody has to wait for it.
func (r *Reader) Message(ctx context.Context, k view.MessageKey, after *position.Token) (view.Message, error) {
	if !command.ValidToken(k.Application) || k.Chat < 1 || k.Number < 1 {
		return view.Message{}, ErrMessage
	}
	w := r.want(k.Application, after)
	m, found, err := Settle(ctx, r.freshness, w, func(ctx context.Context) (view.Message, bool, view.Progress, error) {
		return r.rows.Message(ctx, w.Partition, k)
	})
	return m, missing(found && !m.Deleted, err, ErrMessage)
}

// Messages reads a page of a chat's messages.
func (r *Reader) Messages(ctx context.Context, k view.ChatKey, page sqlview.Page, after *position.Token) ([]view.Message, error) {
	if !command.ValidToken(k.Application) || k.Number < 1 {
		return nil, ErrChat
	}
	w := r.want(k.Application, after)
	list, found, err := Settle(ctx, r.freshness, w, func(ctx context.Context) ([]view.Message, bool, view.Progress, error) {
		return r.rows.Messages(ctx, w.Partition, k, page)
	})
	return list, missing(found, err, ErrChat)
}

// Chats reads a page of an application's chats.
func (r *Reader) Chats(ctx context.Context, token string, page sqlview.Page, after *position.Token) ([]view.Chat, error) {
	if !command.ValidToken(token) {
		return nil, ErrApplication
	}
	w := r.want(token, after)
	list, found, err := Settle(ctx, r.freshness, w, func(ctx context.Context) ([]view.Chat, bool, view.Progress, error) {
		return r.rows.Chats(ctx, w.Partition, token, page)
	})
	return list, missing(found, err, ErrApplication)
}

func missing(found bool, err error, missing *fault.Error) error {
	if err == nil && !found {
		return missing
	}
	return err
}

package verify

import (
	"context"

	"chatlog/shared/searchview"
	"chatlog/shared/sqlview"
	"chatlog/shared/view"
	"chatlog/sinks/internal/mysqlsink"
	"chatlog/sinks/internal/searchsink"
)

// Rows is the relational view.
type Rows struct {
	mysqlsink.Sink
	rows *sqlview.View
}

// NewRows makes the relational view to be audited.
func NewRows(rows *sqlview.View) Rows { return Rows{mysqlsink.New(rows), rows} }

// Look reads the rows of a batch's keys in one snapshot.
func (r Rows) Look(ctx context.Context, partition int32, c view.Changes) (Found, error) {
	var k sqlview.Keys
	for _, a := range c.Applications {
		k.Applications = append(k.Applications, a.Token)
	}
	for _, chat := range c.Chats {
		k.Chats = append(k.Chats, view.ChatKey{Application: chat.Application, Number: chat.Number})
	}
	k.Messages = keys(c)
	for _, command := range c.Keyed {
		k.Commands = append(k.Commands, command.ID)
	}
	s, err := r.rows.LoadWhole(ctx, partition, k)
	return Found{s.Applications, s.Chats, s.Messages, s.Commands}, err
}

// Index is the search view.
type Index struct{ searchsink.Sink }

// NewIndex makes the search view to be audited.
func NewIndex(index searchview.Index) Index { return Index{searchsink.New(index)} }

// Look reads the documents of a batch's keys.
func (x Index) Look(ctx context.Context, _ int32, c view.Changes) (Found, error) {
	messages, err := x.Messages(ctx, keys(c))
	return Found{Messages: messages}, err
}

func keys(c view.Changes) (all []view.MessageKey) {
	for _, m := range c.Messages {
		all = append(all, view.MessageKey{Application: m.Application, Chat: m.Chat, Number: m.Number})
	}
	return all
}

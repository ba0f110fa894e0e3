package verify

import (
	"context"
	"time"

	"chatlog/shared/fault"
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

// scanPage is how many rows are listed at once.
const scanPage = 2000

// Tables are all.
func (Rows) Tables() []Table { return []Table{Keyed, Messages, Chats, Applications} }

// Scan lists a table in the order of its keys.
func (r Rows) Scan(ctx context.Context, t Table, visit func([]Item) error) error {
	switch t {
	case Keyed:
		return pages(ctx, r.rows.ScanKeyed, visit, func(k view.KeyedCommand) (string, Item) {
			return k.ID, Item{Key: Key{Table: Keyed, Application: k.Application, ID: k.ID}, Version: k.Offset}
		})
	case Messages:
		return pages(ctx, r.rows.ScanMessages, visit, func(m view.Message) (view.MessageKey, Item) {
			return view.MessageKey{Application: m.Application, Chat: m.Chat, Number: m.Number},
				Item{Key: Key{Table: Messages, Application: m.Application, Chat: m.Chat, Number: m.Number}, Version: m.Version}
		})
	case Chats:
		return pages(ctx, r.rows.ScanChats, visit, func(c sqlview.ChatRow) (view.ChatKey, Item) {
			return view.ChatKey{Application: c.Application, Number: c.Number},
				Item{Key: Key{Table: Chats, Application: c.Application, Chat: c.Number}, Version: c.Version, Count: c.Messages, Bare: c.Bare}
		})
	}
	return pages(ctx, r.rows.ScanApplications, visit, func(a sqlview.ApplicationRow) (string, Item) {
		return a.Token, Item{Key: Key{Table: Applications, Application: a.Token}, Version: a.Version, Count: a.Chats, Bare: a.Bare}
	})
}

func pages[K, R any](ctx context.Context, scan func(context.Context, *K, int) ([]R, error), visit func([]Item) error, item func(R) (K, Item)) error {
	var after *K
	for {
		rows, err := scan(ctx, after, scanPage)
		if err != nil {
			return err
		}
		items := make([]Item, 0, len(rows))
		for _, row := range rows {
			key, i := item(row)
			after, items = &key, append(items, i)
		}
		if err := visit(items); err != nil {
			return err
		}
		if len(rows) < scanPage {
			return nil
		}
	}
}

// Correct makes rows what the log says up to the view's progress, while that is
// held: were a count put right without what the sink has counted meanwhile, an
// owner that reads it could give a number again.
func (r Rows) Correct(ctx context.Context, t *truth, wrong []Item) error {
	err := r.rows.Correct(ctx, t.partition, func(ctx context.Context, p view.Progress) ([]sqlview.Correction, error) {
		if p.Next < t.at || p.Log != t.log.ID { // it was set back just now
			return nil, nil
		}
		if err := t.advance(ctx, p.Next); err != nil {
			return nil, err
		}
		want := t.want()
		all := make([]sqlview.Correction, 0, len(wrong))
		for _, i := range wrong {
			all = append(all, correction(i, want))
		}
		return all, nil
	})
	if fault.Is(err, fault.Invalid) {
		return nil // the log says what can never be stored: it stays a difference
	}
	return err
}

func correction(i Item, want Found) sqlview.Correction {
	_, known := want.item(i.Key)
	c := sqlview.Correction{Version: i.Version, Count: i.Count, Remove: !known}
	switch i.Table {
	case Keyed:
		c.Keyed = &view.KeyedCommand{ID: i.ID}
	case Messages:
		m := want.Messages[view.MessageKey{Application: i.Application, Chat: i.Chat, Number: i.Number}]
		m.Application, m.Chat, m.Number = i.Application, i.Chat, i.Number
		c.Message = &m
	case Chats:
		chat := want.Chats[view.ChatKey{Application: i.Application, Number: i.Chat}]
		chat.Application, chat.Number = i.Application, i.Chat
		c.Chat = &chat
	case Applications:
		a := want.Applications[i.Application]
		a.Token = i.Application
		c.Application = &a
	}
	return c
}

// Tables are messages alone.
func (Index) Tables() []Table { return []Table{Messages} }

// Scan lists the documents.
func (x Index) Scan(ctx context.Context, _ Table, visit func([]Item) error) error {
	return x.Index.Scan(ctx, func(page []searchview.Document) error {
		items := make([]Item, 0, len(page))
		for _, d := range page {
			items = append(items, Item{Key: Key{Table: Messages, Application: d.Key.Application, Chat: d.Key.Chat, Number: d.Key.Number},
				Version: d.Version, Stray: d.Stray, Place: Place{d.ID, d.Routing}})
		}
		return visit(items)
	})
}

// refusal is how long an index may refuse the log's version of a document after
// a later one was removed: Elasticsearch does for index.gc_deletes, which is a
// minute where an index was made by somebody else.
const refusal = 70 * time.Second

// Correct removes documents and applies what the log says of them, until the
// index has it. The sink's own writes may be refused meanwhile, too, so the log
// is read to its end each time, and once more after.
func (x Index) Correct(ctx context.Context, t *truth, wrong []Item) error {
	var documents []searchview.Document
	var wanted []view.MessageKey
	for _, i := range wrong {
		key := view.MessageKey{Application: i.Application, Chat: i.Chat, Number: i.Number}
		documents = append(documents, searchview.Document{ID: i.Place.ID, Routing: i.Place.Routing, Key: key, Version: i.Version})
		wanted = append(wanted, key)
	}
	if err := x.Remove(ctx, documents); err != nil {
		return err
	}
	for deadline := time.Now().Add(refusal); ; {
		if err := t.end(ctx); err != nil {
			return err
		}
		done, err := x.again(ctx, t, wanted)
		if err != nil {
			return err
		}
		if done || time.Now().After(deadline) {
			break
		}
		select {
		case <-time.After(200 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if err := t.end(ctx); err != nil {
		return err
	}
	_, err := x.again(ctx, t, wanted)
	return err
}

// again applies what the log says of documents, and reports whether the index
// has it.
func (x Index) again(ctx context.Context, t *truth, wanted []view.MessageKey) (bool, error) {
	rejections, err := x.Apply(ctx, t.batch())
	if err != nil || len(rejections) > 0 { // what can never be stored stays a difference
		return true, err
	}
	got, err := x.Messages(ctx, wanted)
	if err != nil {
		return false, err
	}
	want := t.want().Messages
	for _, key := range wanted {
		if m, known := want[key]; known && got[key].Version < m.Version {
			return false, nil
		}
	}
	return true, nil
}

package verify

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"chatlog/shared/command"
	"chatlog/shared/view"
)

// truth is what one partition's log says of some items, up to an offset.
type truth struct {
	source    Log
	log       command.Log
	partition int32
	at        int64
	items     map[Key]*said
}

// said is the commands that an item is known by.
type said struct {
	last *view.Entry // that made it what it is
	top  *view.Entry // that gave the greatest number counted in it
}

func newTruth(source Log, log command.Log, partition int32, items []Item) *truth {
	t := &truth{source: source, log: log, partition: partition, items: map[Key]*said{}}
	for _, i := range items {
		t.items[i.Key] = &said{}
	}
	return t
}

// advance reads on up to an offset, which lies within the log.
func (t *truth) advance(ctx context.Context, to int64) error {
	for t.at < to {
		page, err := t.source.Fetch(ctx, t.partition, t.at, time.Second)
		if err != nil {
			return err
		}
		for i := range page.Records {
			r := &page.Records[i]
			if r.Offset >= to {
				break
			}
			if reading := command.Read(t.log, r); reading.Verdict == command.Counts {
				t.take(view.Entry{Offset: r.Offset, Command: reading.Command})
			}
		}
		t.at = min(page.Next, to)
	}
	return nil
}

// end reads on to the log's end as of now.
func (t *truth) end(ctx context.Context) error {
	bounds, err := t.source.Bounds(ctx, t.partition)
	if err != nil {
		return err
	}
	return t.advance(ctx, bounds.End)
}

func (t *truth) take(e view.Entry) {
	for _, key := range makes(&e.Command) {
		item := t.items[key]
		switch {
		case item == nil:
		case item.last == nil, key.Table == Messages && item.last.Command.Op != command.MessageDelete: // which is final
			item.last = &e
		}
	}
	key, number := counts(&e.Command)
	if item := t.items[key]; item != nil && number > 0 {
		item.top = &e
	}
}

// batch gives the commands that make the items what they are, to be applied
// again: it lies before any progress and moves none.
func (t *truth) batch() view.Batch {
	entries := map[int64]view.Entry{}
	for _, item := range t.items {
		for _, e := range []*view.Entry{item.last, item.top} {
			if e != nil && item.last != nil {
				entries[e.Offset] = *e
			}
		}
	}
	return view.Batch{Entries: slices.SortedFunc(maps.Values(entries), func(a, b view.Entry) int { return cmp.Compare(a.Offset, b.Offset) }),
		To: view.Progress{Partition: t.partition, Log: t.log.ID, Generation: t.log.Generation, LastOffset: -1}}
}

// want gives what the items must be; one that the log does not know is not there.
func (t *truth) want() Found {
	f := Found{map[string]view.Application{}, map[view.ChatKey]view.Chat{}, map[view.MessageKey]view.Message{}, map[string]view.KeyedCommand{}}
	c := view.Fold(t.log.Generation, t.batch().Entries)
	known := func(k Key) bool { return t.items[k] != nil && t.items[k].last != nil }
	for _, a := range c.Applications {
		if known(Key{Table: Applications, Application: a.Token}) {
			f.Applications[a.Token] = a
		}
	}
	for _, chat := range c.Chats {
		if known(Key{Table: Chats, Application: chat.Application, Chat: chat.Number}) {
			f.Chats[view.ChatKey{Application: chat.Application, Number: chat.Number}] = chat
		}
	}
	for _, m := range c.Messages {
		if known(Key{Table: Messages, Application: m.Application, Chat: m.Chat, Number: m.Number}) {
			f.Messages[view.MessageKey{Application: m.Application, Chat: m.Chat, Number: m.Number}] = m
		}
	}
	for _, k := range c.Keyed {
		if known(Key{Table: Keyed, ID: k.ID, Application: k.Application}) {
			f.Keyed[k.ID] = k
		}
	}
	return f
}

// item gives an item as f has it.
func (f Found) item(k Key) (i Item, there bool) {
	i.Key = k
	switch k.Table {
	case Keyed:
		row, found := f.Keyed[k.ID]
		i.Version, there = row.Offset, found && row.Application == k.Application
	case Messages:
		row, found := f.Messages[view.MessageKey{Application: k.Application, Chat: k.Chat, Number: k.Number}]
		i.Version, there = row.Version, found
	case Chats:
		row, found := f.Chats[view.ChatKey{Application: k.Application, Number: k.Chat}]
		i.Version, i.Count, there = row.Version, row.Messages, found
	case Applications:
		row, found := f.Applications[k.Application]
		i.Version, i.Count, there = row.Version, row.Chats, found
	}
	return i, there
}

// judgeExtra compares an item that a view has with what the log says of it.
// What a view lacks of it was told when the log was read.
func judgeExtra(got Item, want Found) (Kind, string) {
	right, known := want.item(got.Key)
	switch {
	case got.Stray, !known:
		return Extra, fmt.Sprintf("version %d, the log does not know it", got.Version)
	case got.Version > right.Version && got.Table != Keyed:
		return Ahead, fmt.Sprintf("version %d, must be %d", got.Version, right.Version)
	case got.Count > right.Count:
		return Over, fmt.Sprintf("%d are counted, must be %d", got.Count, right.Count)
	}
	return "", ""
}

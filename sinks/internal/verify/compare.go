// Package verify audits a view against the log while the system runs, in bounded
// memory and in both directions.
//
// Forth, it needs one batch of commands at a time: a row at the version of a
// command must say what the command says, one at an older version has missed it,
// and one at a newer version is judged when the newer command is reached. Back,
// it lists the view, and what is not from the command that its version names is
// compared with all that the log says of it.
package verify

import (
	"fmt"

	"chatlog/shared/view"
)

// Kind says how a row or document differs.
type Kind string

// The kinds of differences.
const (
	Missing Kind = "missing" // the log has it, the view does not
	Stale   Kind = "stale"   // the view has an older version of it
	Altered Kind = "altered" // the view has this version of it, but with other values
	Count   Kind = "count"   // fewer numbers were counted than were given
	Lagging Kind = "lagging" // the view has not come to the log's end
	Extra   Kind = "extra"   // the view has it, the log does not
	Ahead   Kind = "ahead"   // the view has a version of it that is beyond the log's
	Over    Kind = "over"    // more numbers were counted than were given
)

// Difference is one row or document that is not as the log says.
type Difference struct {
	View      string
	Kind      Kind
	Partition int32
	Offset    int64  // of the command that says so
	What      string // the row's kind and key
	Detail    string
	Mended    bool
	undone    *Item // a deleted message that the view has again, at a later version
}

// String gives a line for people.
func (d Difference) String() string {
	mended := ""
	if d.Mended {
		mended = ", mended"
	}
	return fmt.Sprintf("%s: %s: %s, by partition %d offset %d: %s%s", d.View, d.Kind, d.What, d.Partition, d.Offset, d.Detail, mended)
}

// Found is what a view has of a batch's keys. A nil map says that the view
// keeps no such rows.
type Found struct {
	Applications map[string]view.Application
	Chats        map[view.ChatKey]view.Chat
	Messages     map[view.MessageKey]view.Message
	Keyed        map[string]view.KeyedCommand
}

const offsetMask = 1<<44 - 1 // of a version: its offset

// compare gives the differences between a batch's changes and what a view has.
func compare(c view.Changes, f Found) (all []Difference) {
	if f.Applications != nil {
		all = append(all, compareApplications(c.Applications, f)...)
	}
	if f.Chats != nil {
		all = append(all, compareChats(c.Chats, f)...)
	}
	if f.Messages != nil {
		all = append(all, compareMessages(c.Messages, f)...)
	}
	if f.Keyed != nil {
		all = append(all, compareKeyed(c.Keyed, f)...)
	}
	return all
}

func difference(kind Kind, version int64, k Key, format string, args ...any) Difference {
	return Difference{Kind: kind, Offset: version & offsetMask, What: Item{Key: k}.String(), Detail: fmt.Sprintf(format, args...)}
}

func compareApplications(rows []view.Application, f Found) (all []Difference) {
	for _, want := range rows {
		got, there := f.Applications[want.Token]
		key := Key{Table: Applications, Application: want.Token}
		if kind := judge(there, want.Version, got.Version, want.Username == got.Username && want.Created.Equal(got.Created)); kind != "" && want.Version != 0 {
			all = append(all, difference(kind, want.Version, key, "%q, must be %q", got.Username, want.Username))
		} else if there && got.Chats < want.Chats {
			all = append(all, difference(Count, want.Version, key, "%d chats, must be at least %d", got.Chats, want.Chats))
		}
	}
	return all
}

func compareChats(rows []view.Chat, f Found) (all []Difference) {
	for _, want := range rows {
		got, there := f.Chats[view.ChatKey{Application: want.Application, Number: want.Number}]
		key := Key{Table: Chats, Application: want.Application, Chat: want.Number}
		if kind := judge(there, want.Version, got.Version, want.Created.Equal(got.Created)); kind != "" && want.Version != 0 {
			all = append(all, difference(kind, want.Version, key, "created %s, must be %s", got.Created, want.Created))
		} else if there && got.Messages < want.Messages {
			all = append(all, difference(Count, want.Version, key, "%d messages, must be at least %d", got.Messages, want.Messages))
		}
	}
	return all
}

func compareMessages(rows []view.Message, f Found) (all []Difference) {
	for _, want := range rows {
		got, there := f.Messages[view.MessageKey{Application: want.Application, Chat: want.Chat, Number: want.Number}]
		same := want.Text == got.Text && want.Created.Equal(got.Created) && want.Edited.Equal(got.Edited) && want.Deleted == got.Deleted
		key := Key{Table: Messages, Application: want.Application, Chat: want.Chat, Number: want.Number}
		kind := judge(there, want.Version, got.Version, same)
		undone := kind == "" && there && want.Deleted && !got.Deleted
		if undone {
			kind = Altered // a tombstone is final
		}
		if kind == "" {
			continue
		}
		d := difference(kind, want.Version, key, "version %d, deleted %v, %.40q; must be version %d, deleted %v, %.40q",
			got.Version, got.Deleted, got.Text, want.Version, want.Deleted, want.Text)
		if undone {
			d.undone = &Item{Key: key, Version: got.Version}
		}
		all = append(all, d)
	}
	return all
}

func compareKeyed(rows []view.KeyedCommand, f Found) (all []Difference) {
	for _, want := range rows {
		key := Key{Table: Keyed, Application: want.Application, ID: want.ID}
		if got, there := f.Keyed[want.ID]; !there {
			all = append(all, difference(Missing, want.Offset, key, "not there"))
		} else if got != want {
			all = append(all, difference(Altered, want.Offset, key, "%+v, must be %+v", got, want))
		}
	}
	return all
}

// judge compares versions, and values where the versions are the same.
func judge(there bool, want, got int64, same bool) Kind {
	switch {
	case !there:
		return Missing
	case got < want:
		return Stale
	case got == want && !same:
		return Altered
	}
	return ""
}

// confirm adds what a view has at the very version of a batch's changes.
func (s Sums) confirm(c view.Changes, f Found) {
	add := func(k Key, version int64) {
		if i, there := f.item(k); there && i.Version == version {
			s.add(i)
		}
	}
	for _, r := range c.Applications {
		if r.Version != 0 { // it was created, not merely counted in
			add(Key{Table: Applications, Application: r.Token}, r.Version)
		}
	}
	for _, r := range c.Chats {
		if r.Version != 0 {
			add(Key{Table: Chats, Application: r.Application, Chat: r.Number}, r.Version)
		}
	}
	for _, r := range c.Messages {
		add(Key{Table: Messages, Application: r.Application, Chat: r.Chat, Number: r.Number}, r.Version)
	}
	for _, r := range c.Keyed {
		add(Key{Table: Keyed, Application: r.Application, ID: r.ID}, r.Offset)
	}
}

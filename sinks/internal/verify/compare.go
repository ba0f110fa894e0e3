// Package verify audits a view against the log while the system runs. It needs
// memory for one batch of commands at a time: a row at the version of a command
// must say what the command says, one at an older version has missed it, and one
// at a newer version is judged when the newer command is reached.
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
	found := func(kind Kind, version int64, what, format string, args ...any) {
		all = append(all, Difference{Kind: kind, Offset: version & offsetMask, What: what, Detail: fmt.Sprintf(format, args...)})
	}
	for _, want := range c.Applications {
		if f.Applications == nil {
			break
		}
		got, there := f.Applications[want.Token]
		what := "application " + want.Token
		if kind := judge(there, want.Version, got.Version, want.Username == got.Username && want.Created.Equal(got.Created)); kind != "" && want.Version != 0 {
			found(kind, want.Version, what, "%q, must be %q", got.Username, want.Username)
		} else if there && got.Chats < want.Chats {
			found(Count, want.Version, what, "%d chats, must be at least %d", got.Chats, want.Chats)
		}
	}
	for _, want := range c.Chats {
		if f.Chats == nil {
			break
		}
		got, there := f.Chats[view.ChatKey{Application: want.Application, Number: want.Number}]
		what := fmt.Sprintf("chat %d of %s", want.Number, want.Application)
		if kind := judge(there, want.Version, got.Version, want.Created.Equal(got.Created)); kind != "" && want.Version != 0 {
			found(kind, want.Version, what, "created %s, must be %s", got.Created, want.Created)
		} else if there && got.Messages < want.Messages {
			found(Count, want.Version, what, "%d messages, must be at least %d", got.Messages, want.Messages)
		}
	}
	for _, want := range c.Messages {
		if f.Messages == nil {
			break
		}
		got, there := f.Messages[view.MessageKey{Application: want.Application, Chat: want.Chat, Number: want.Number}]
		same := want.Text == got.Text && want.Created.Equal(got.Created) && want.Edited.Equal(got.Edited) && want.Deleted == got.Deleted
		kind := judge(there, want.Version, got.Version, same)
		if kind == "" && there && want.Deleted && !got.Deleted {
			kind = Altered // a tombstone is final
		}
		if kind != "" {
			found(kind, want.Version, fmt.Sprintf("message %d of chat %d of %s", want.Number, want.Chat, want.Application),
				"version %d, deleted %v, %.40q; must be version %d, deleted %v, %.40q", got.Version, got.Deleted, got.Text, want.Version, want.Deleted, want.Text)
		}
	}
	for _, want := range c.Keyed {
		if f.Keyed == nil {
			break
		}
		if got, there := f.Keyed[want.ID]; !there {
			found(Missing, want.Offset, "keyed command "+want.ID, "not there")
		} else if got != want {
			found(Altered, want.Offset, "keyed command "+want.ID, "%+v, must be %+v", got, want)
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

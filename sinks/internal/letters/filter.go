// Package letters is the desk at which dead letters are settled: which ones are
// meant, what can be done about each, and what is told of it. It knows no Kafka and
// no store.
package letters

import (
	"encoding/json"
	"strings"
	"time"

	"chatlog/shared/deadletter"
)

// Item is a letter and what has become of it.
type Item struct {
	ID int64 // its offset in the topic of dead letters
	deadletter.Letter
	State      deadletter.State
	Settlement *deadletter.Settlement // of a settled letter, where it was asked for
}

// Filter says which letters are meant. Empty fields say nothing.
type Filter struct {
	View, Class string
	Partition   int32     // of the record; negative: any
	Application string    // the record's key, or what its value names; of a truncated letter the key alone
	Since       time.Time // when the letter was told; the first included, the last not
	Until       time.Time
	State       string // Open, Settled or All
	Reason      string // a part of it, in whatever case
}

// The states that can be asked for.
const (
	Open    = "open"
	Settled = "settled"
	All     = "all"
)

// Matches reports whether a letter is meant.
func (f Filter) Matches(i Item) bool {
	told, err := time.Parse(time.RFC3339Nano, i.Time)
	return err == nil && // a letter that is read has a time
		(f.View == "" || f.View == i.View) &&
		(f.Class == "" || f.Class == i.Class) &&
		(f.Partition < 0 || f.Partition == i.Partition) &&
		(f.Application == "" || f.Application == string(i.Key) || f.Application == ApplicationOf(i.Value)) &&
		(f.Since.IsZero() || !told.Before(f.Since)) &&
		(f.Until.IsZero() || told.Before(f.Until)) &&
		(f.State == All || (f.State == Open) == (i.State == deadletter.Open)) &&
		strings.Contains(strings.ToLower(i.Reason), strings.ToLower(f.Reason))
}

// ApplicationOf gives the application that a record's value names, if it can be
// read so far.
func ApplicationOf(value []byte) string {
	var c struct {
		Application string `json:"application"`
	}
	if json.Unmarshal(value, &c) != nil {
		return ""
	}
	return c.Application
}

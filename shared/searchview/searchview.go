// Package searchview is the search view of the log behind one narrow interface:
// messages by their words and parts of words. Elasticsearch and bleve implement
// it, and give the same answers.
package searchview

import (
	"context"
	"time"

	"chatlog/shared/analysis"
	"chatlog/shared/view"
)

// Index is the view in one engine. It is safe for concurrent use. Errors are
// fault.Transient unless said otherwise.
type Index interface {
	// Engine names what keeps the index, as OpenTelemetry's db.system.name does.
	Engine() string
	// Prepare makes the index where it is missing and checks one that is there.
	Prepare(ctx context.Context) error
	// Progress is how far the index is in a partition, as of now. found is
	// false when the index knows nothing of the partition, or the progress was
	// written for another index (a deleted and re-made one starts over).
	Progress(ctx context.Context, partition int32) (p view.Progress, found bool, err error)
	// Progresses is the same for all partitions.
	Progresses(ctx context.Context) (map[int32]view.Progress, error)
	// Standing is a partition's progress together with which index it is of.
	Standing(ctx context.Context, partition int32) (Standing, error)
	// Apply takes a batch. Applying it again changes nothing, except that it
	// mends documents that are missing. view.ErrHole and view.ErrOtherLog as in
	// package view. When there are rejections, documents may have been written
	// but the progress was not moved.
	Apply(ctx context.Context, b view.Batch) ([]view.Rejection, error)
	// Refresh makes everything that was applied before the call visible to
	// searches that begin after it.
	Refresh(ctx context.Context) error
	// Messages gives documents by their keys, tombstones included, in real time.
	Messages(ctx context.Context, keys []view.MessageKey) (map[view.MessageKey]view.Message, error)
	// Scan visits all documents of messages, a page at a time, as of some moment
	// after the call began.
	Scan(ctx context.Context, visit func([]Document) error) error
	// Remove deletes documents that still are at the version they were found at.
	Remove(ctx context.Context, found []Document) error
	// Search finds messages.
	Search(ctx context.Context, q Query) ([]Hit, error)
	// Ready reports whether the engine answers and the index is there.
	Ready(ctx context.Context) error
	Close() error
}

// Standing is how far which index is. What one index has is not what another one
// shows that has taken its place, however far both are.
type Standing struct {
	Index    string // another one after the index was made anew or replaced
	Progress view.Progress
}

// Document is a document as it is listed.
type Document struct {
	ID      string
	Routing string          // in an engine that has such a thing
	Key     view.MessageKey // of the message that it says it is
	Version int64
	Stray   bool // it lies where no such message is looked for
}

// Query says what to find.
type Query struct {
	Application string
	Chat        int64 // 0: all chats of the application
	Clauses     []analysis.Clause
	Newest      bool      // the newest first, however well they meet the clauses
	From, To    time.Time // when the message was created: not before From, before To, to the microsecond; zero: whenever
	After       *Place    // only what comes after it in the order of the answers; nil: from the first on
	Limit       int       // most hits, up to MaxHits
}

// MaxHits is the most hits that one search gives. Elasticsearch gives no more
// than 10,000.
const MaxHits = 5000

// Patience is how long an engine may look. What it has by then is refused as
// fault.Transient: part of an answer is not passed off as the whole. It is what
// bounds a search: the words that are near a word are not counted, because those
// of other applications would count, too, and hide an application's own.
const Patience = 5 * time.Second

// Micros is a time as views keep it. A part of a microsecond counts as a whole
// one, so that a bound keeps its meaning: what is kept has no such parts.
func Micros(t time.Time) int64 {
	n := t.UnixMicro()
	if t.Nanosecond()%1000 != 0 {
		n++
	}
	return n
}

// Hit is a message that was found.
type Hit struct {
	Application string
	Chat        int64
	Number      int64
	Text        string
	Created     time.Time
	Edited      time.Time      // zero: never edited
	Class       analysis.Class // how well it meets the clauses; None when the newest were asked for
}

// Place is where a hit stands among the answers. Answers come by class, the best
// first; then by time, number and chat, the greatest first. No two hits have one
// place, and a place stays where it is when messages come and go.
type Place struct {
	Class   analysis.Class
	Created int64 // microseconds since 1970
	Number  int64
	Chat    int64
}

// Place tells where the hit stands.
func (h Hit) Place() Place {
	return Place{Class: h.Class, Created: h.Created.UnixMicro(), Number: h.Number, Chat: h.Chat}
}

// Package bleve is the search view in a folder on the disk, for the embedded run.
package bleve

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/blevesearch/bleve/v2"
	index "github.com/blevesearch/bleve_index_api"

	"chatlog/shared/analysis"
	"chatlog/shared/fault"
	"chatlog/shared/searchview"
	"chatlog/shared/view"
)

// Index is the index in one folder.
type Index struct {
	index bleve.Index
	mutex sync.Mutex // one batch at a time
}

var _ searchview.Index = (*Index)(nil)

// Open opens the index at path or makes it.
func Open(path string) (*Index, error) {
	x, err := open(path)
	if errors.Is(err, bleve.ErrorIndexPathDoesNotExist) || errors.Is(err, bleve.ErrorIndexMetaMissing) {
		if err := create(path); err != nil {
			return nil, err
		}
		x, err = open(path)
	}
	if err != nil {
		return nil, fmt.Errorf("bleve: %w", err)
	}
	if old, err := outdated(x); old || err != nil {
		if err = errors.Join(err, x.Close()); err == nil {
			err = create(path)
		}
		if err != nil {
			return nil, fmt.Errorf("bleve: %w", err)
		}
		return Open(path)
	}
	return &Index{index: x}, nil
}

// stored is what is kept of a message beside its tokens, as JSON.
type stored struct {
	Version int64  `json:"version"`
	Created int64  `json:"created"`
	Edited  int64  `json:"edited,omitempty"`
	Deleted bool   `json:"deleted,omitempty"`
	Message string `json:"message,omitempty"`
}

// buries reports whether the message was deleted before it was edited.
func (s *stored) buries(m view.Message) bool {
	return s.Deleted && s.Version < m.Version && !m.Deleted && !m.Edited.IsZero()
}

// Prepare does nothing: the index was made when it was opened.
func (x *Index) Prepare(context.Context) error { return nil }

// Refresh does nothing: what was applied is visible at once.
func (x *Index) Refresh(context.Context) error { return nil }

// Engine names the engine.
func (x *Index) Engine() string { return "bleve" }

// Ready reports whether the index is open.
func (x *Index) Ready(context.Context) error {
	if _, err := x.index.DocCount(); err != nil {
		return transient(err)
	}
	return nil
}

// Close closes the files.
func (x *Index) Close() error { return x.index.Close() }

func transient(err error) error {
	return fault.Wrap(fault.Transient, "Temporarily unavailable", fmt.Errorf("bleve: %w", err))
}

func progressKey(partition int32) []byte { return fmt.Appendf(nil, "progress:%d", partition) }

// Progress gives how far the index is in a partition.
func (x *Index) Progress(_ context.Context, partition int32) (view.Progress, bool, error) {
	p := view.Progress{Partition: partition, LastOffset: -1}
	raw, err := x.index.GetInternal(progressKey(partition))
	if err != nil {
		return p, false, transient(err)
	}
	if raw == nil {
		return p, false, nil
	}
	if err := json.Unmarshal(raw, &p); err != nil {
		return p, false, fault.Wrap(fault.Terminal, "The search index is damaged: delete it and restart", err)
	}
	return p, true, nil
}

// partitionsKey lists the partitions that have a progress.
var partitionsKey = []byte("partitions")

// Progresses gives how far the index is in all partitions.
func (x *Index) Progresses(ctx context.Context) (map[int32]view.Progress, error) {
	numbers, err := x.known()
	if err != nil {
		return nil, err
	}
	out := map[int32]view.Progress{}
	for _, n := range numbers {
		if out[n], _, err = x.Progress(ctx, n); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (x *Index) known() (numbers []int32, err error) {
	raw, err := x.index.GetInternal(partitionsKey)
	if err == nil && raw != nil {
		err = json.Unmarshal(raw, &numbers)
	}
	if err != nil {
		return nil, transient(err)
	}
	return numbers, nil
}

// Apply writes documents and progress in one batch, which is on the disk when
// it returns.
func (x *Index) Apply(ctx context.Context, b view.Batch) ([]view.Rejection, error) {
	x.mutex.Lock()
	defer x.mutex.Unlock()
	old, found, err := x.Progress(ctx, b.To.Partition)
	if err != nil {
		return nil, err
	}
	switch {
	case b.From > old.Next:
		return nil, fmt.Errorf("%w: %d, progress %d", view.ErrHole, b.From, old.Next)
	case old.Log != "" && old.Log != b.To.Log:
		return nil, fmt.Errorf("%w: %s, batch %s", view.ErrOtherLog, old.Log, b.To.Log)
	}
	batch := x.index.NewBatch()
	for _, m := range view.Fold(b.To.Generation, b.Entries).Messages {
		// What lies beyond the progress is newer than anything in the index: only
		// a replay, and an edit of what may be deleted, have to look before they write.
		if b.From < old.Next || !m.Edited.IsZero() {
			if has, err := x.read(documentID(m)); err != nil {
				return nil, err
			} else if has != nil && (has.Version > m.Version || has.buries(m)) {
				continue
			}
		}
		if err := add(batch, m); err != nil {
			return nil, transient(err)
		}
	}
	if b.To.Next > old.Next {
		raw, err := json.Marshal(b.To)
		if err != nil {
			return nil, err
		}
		batch.SetInternal(progressKey(b.To.Partition), raw)
		if !found {
			if err := x.addPartition(batch, b.To.Partition); err != nil {
				return nil, err
			}
		}
	}
	if err := commit(ctx, x.index, batch); err != nil {
		return nil, transient(err)
	}
	return nil, nil
}

func (x *Index) addPartition(batch *bleve.Batch, partition int32) error {
	numbers, err := x.known()
	if err != nil {
		return err
	}
	raw, err := json.Marshal(append(numbers, partition))
	if err != nil {
		return err
	}
	batch.SetInternal(partitionsKey, raw)
	return nil
}

func documentID(m view.Message) string {
	return m.Application + ":" + strconv.FormatInt(m.Chat, 10) + ":" + strconv.FormatInt(m.Number, 10)
}

// add puts a message into a batch. A tombstone has no tokens and is of no
// application, so that nothing finds it.
func add(batch *bleve.Batch, m view.Message) error {
	s := stored{Version: m.Version, Created: m.Created.UnixMicro(), Deleted: m.Deleted, Message: m.Text}
	if !m.Edited.IsZero() {
		s.Edited = m.Edited.UnixMicro()
	}
	raw, err := json.Marshal(s)
	if err != nil {
		return err
	}
	d := map[string]any{"stored": string(raw)}
	if !m.Deleted {
		fields := analysis.Index(m.Text)
		d["application"], d["chat"] = m.Application, chatKey(m.Application, m.Chat)
		d["created"], d["number"], d["place"] = float64(s.Created), float64(m.Number), float64(m.Chat)
		d["words"], d["grams"] = fields.Words, fields.Grams
	}
	return batch.Index(documentID(m), d)
}

func chatKey(application string, chat int64) string {
	return application + ":" + strconv.FormatInt(chat, 10)
}

// read gives what is kept of a document, nil if there is none.
func (x *Index) read(id string) (*stored, error) {
	d, err := x.index.Document(id)
	if err != nil {
		return nil, transient(err)
	}
	if d == nil {
		return nil, nil
	}
	var s stored
	d.VisitFields(func(f index.Field) {
		if f.Name() == "stored" {
			err = json.Unmarshal(f.Value(), &s)
		}
	})
	if err != nil {
		return nil, transient(err)
	}
	return &s, nil
}

// Messages gives documents by their keys.
func (x *Index) Messages(_ context.Context, keys []view.MessageKey) (map[view.MessageKey]view.Message, error) {
	out := map[view.MessageKey]view.Message{}
	for _, k := range keys {
		m := view.Message{Application: k.Application, Chat: k.Chat, Number: k.Number}
		s, err := x.read(documentID(m))
		if err != nil {
			return nil, err
		}
		if s == nil {
			continue
		}
		m.Text, m.Created, m.Deleted, m.Version = s.Message, time.UnixMicro(s.Created).UTC(), s.Deleted, s.Version
		if s.Edited != 0 {
			m.Edited = time.UnixMicro(s.Edited).UTC()
		}
		out[k] = m
	}
	return out, nil
}

// parseID takes a document's id apart.
func parseID(id string) (application string, chat, number int64, err error) {
	parts := strings.Split(id, ":")
	if len(parts) != 3 {
		return "", 0, 0, fmt.Errorf("bleve: document id %q", id)
	}
	chat, err = strconv.ParseInt(parts[1], 10, 64)
	if err == nil {
		number, err = strconv.ParseInt(parts[2], 10, 64)
	}
	return parts[0], chat, number, err
}

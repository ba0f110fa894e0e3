package bleve

import (
	"context"
	"encoding/json"
	"errors"

	index "github.com/blevesearch/bleve_index_api"

	"chatlog/shared/searchview"
	"chatlog/shared/view"
)

// scanPage is how many documents are visited at once.
const scanPage = 2000

// Scan visits all documents of one snapshot.
func (x *Index) Scan(ctx context.Context, visit func([]searchview.Document) error) (err error) {
	engine, err := x.index.Advanced()
	if err != nil {
		return transient(err)
	}
	snapshot, err := engine.Reader()
	if err != nil {
		return transient(err)
	}
	defer func() { err = errors.Join(err, snapshot.Close()) }()
	ids, err := snapshot.DocIDReaderAll()
	if err != nil {
		return transient(err)
	}
	defer func() { err = errors.Join(err, ids.Close()) }()
	var page []searchview.Document
	for {
		internal, err := ids.Next()
		if err != nil {
			return transient(err)
		}
		if internal != nil {
			d, err := list(snapshot, internal)
			if err != nil {
				return transient(err)
			}
			page = append(page, d)
		}
		if len(page) == scanPage || internal == nil {
			if err := errors.Join(ctx.Err(), visit(page)); err != nil {
				return err
			}
			page = page[:0]
		}
		if internal == nil {
			return nil
		}
	}
}

func list(snapshot index.IndexReader, internal index.IndexInternalID) (searchview.Document, error) {
	id, err := snapshot.ExternalID(internal)
	if err != nil {
		return searchview.Document{}, err
	}
	d, err := snapshot.Document(id)
	if err != nil {
		return searchview.Document{}, err
	}
	var s stored
	if d != nil {
		d.VisitFields(func(f index.Field) {
			if f.Name() == "stored" {
				err = json.Unmarshal(f.Value(), &s)
			}
		})
	}
	application, chat, number, broken := parseID(id)
	return searchview.Document{ID: id, Key: view.MessageKey{Application: application, Chat: chat, Number: number}, Version: s.Version,
		Stray: broken != nil || documentID(view.Message{Application: application, Chat: chat, Number: number}) != id}, err
}

// Remove deletes documents that still are at the version they were found at.
func (x *Index) Remove(ctx context.Context, found []searchview.Document) error {
	x.mutex.Lock()
	defer x.mutex.Unlock()
	batch := x.index.NewBatch()
	for _, d := range found {
		switch has, err := x.read(d.ID); {
		case err != nil:
			return err
		case has != nil && has.Version == d.Version:
			batch.Delete(d.ID)
		}
	}
	if err := commit(ctx, x.index, batch); err != nil {
		return transient(err)
	}
	return nil
}

// Standing gives the progress; the index of a folder stays the same one while it
// is open.
func (x *Index) Standing(ctx context.Context, partition int32) (searchview.Standing, error) {
	p, _, err := x.Progress(ctx, partition)
	return searchview.Standing{Progress: p}, err
}

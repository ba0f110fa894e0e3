package elastic

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"chatlog/shared/view"
)

// Messages gives documents by their keys, in real time.
func (x *Index) Messages(ctx context.Context, keys []view.MessageKey) (map[view.MessageKey]view.Message, error) {
	return x.messages(ctx, keys)
}

// alive leaves out edits of messages that the index knows to be deleted. Ingest
// writes none, but versions alone would let one bring a deleted text back.
func (x *Index) alive(ctx context.Context, messages []view.Message) ([]view.Message, error) {
	var edited []view.MessageKey
	for _, m := range messages {
		if !m.Deleted && !m.Edited.IsZero() {
			edited = append(edited, keyOf(m))
		}
	}
	known, err := x.messages(ctx, edited, "deleted")
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(messages, func(m view.Message) bool {
		has := known[keyOf(m)]
		return !m.Deleted && has.Deleted && has.Version < m.Version // at the same version it is no tombstone of the log's, and mended
	}), nil
}

func keyOf(m view.Message) view.MessageKey {
	return view.MessageKey{Application: m.Application, Chat: m.Chat, Number: m.Number}
}

// messages reads documents, or some fields of them.
func (x *Index) messages(ctx context.Context, keys []view.MessageKey, fields ...string) (map[view.MessageKey]view.Message, error) {
	out := map[view.MessageKey]view.Message{}
	if len(keys) == 0 {
		return out, nil
	}
	type wanted struct {
		ID      string `json:"_id"`
		Routing string `json:"routing"`
	}
	var body struct {
		Docs []wanted `json:"docs"`
	}
	for _, k := range keys {
		body.Docs = append(body.Docs, wanted{documentID(view.Message{Application: k.Application, Chat: k.Chat, Number: k.Number}), k.Application})
	}
	encoded, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Docs []struct {
			Found   bool            `json:"found"`
			Version int64           `json:"_version"`
			Source  document        `json:"_source"`
			Error   json.RawMessage `json:"error"`
		} `json:"docs"`
	}
	realtime := true
	if err := x.do(ctx, "read documents", esapi.MgetRequest{Index: x.cfg.Alias, Body: bytes.NewReader(encoded), Realtime: &realtime, SourceIncludes: fields}, &answer); err != nil {
		return nil, err
	}
	if len(answer.Docs) != len(keys) {
		return nil, transient("read documents", fmt.Errorf("%d answers for %d documents", len(answer.Docs), len(keys)))
	}
	for i, d := range answer.Docs {
		if d.Error != nil {
			return nil, transient("read documents", fmt.Errorf("%s", d.Error))
		}
		if !d.Found {
			continue
		}
		m := view.Message{Application: d.Source.Application, Chat: d.Source.Chat, Number: d.Source.Number, Text: d.Source.Message,
			Created: time.UnixMicro(d.Source.Created).UTC(), Deleted: d.Source.Deleted, Version: d.Version}
		if d.Source.Edited != 0 {
			m.Edited = time.UnixMicro(d.Source.Edited).UTC()
		}
		out[keys[i]] = m
	}
	return out, nil
}

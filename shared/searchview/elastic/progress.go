package elastic

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"chatlog/shared/position"
	"chatlog/shared/searchview"
	"chatlog/shared/view"
)

// progressDocument is how far the index is in one partition. It lives in the
// index that it describes and carries that index's UUID: a deleted index takes
// its progress with it, and one that was copied from elsewhere has none.
type progressDocument struct {
	Progress storedProgress `json:"progress"`
}

type storedProgress struct {
	Partition  int32          `json:"partition"`
	Log        position.LogID `json:"log"`
	Generation uint32         `json:"generation"`
	Next       int64          `json:"next"`
	LastID     string         `json:"last_id"`
	LastOffset int64          `json:"last_offset"`
	Index      string         `json:"index_uuid"`
}

func (s storedProgress) progress() view.Progress {
	return view.Progress{Partition: s.Partition, Log: s.Log, Generation: s.Generation, Next: s.Next, LastID: s.LastID, LastOffset: s.LastOffset}
}

// counts reports whether it is the progress of that partition in that index: a
// document that was copied from elsewhere, or altered, is none.
func (s storedProgress) counts(partition int32, index string) bool {
	return index != "" && s.Index == index && s.Partition == partition && s.Next >= 0 && s.LastOffset >= -1 &&
		(s.Log == "" || s.Log.Valid())
}

func progressID(partition int32) string { return fmt.Sprintf("progress:%d", partition) }

// progressRouting puts all progress documents into one shard.
const progressRouting = "progress"

// held is a progress together with what is needed to replace exactly it.
type held struct {
	progress view.Progress
	found    bool
	exists   bool // there is a document, even if it does not count
	seqNo    int
	term     int
	index    string // UUID of the index that was there before the progress was read
}

// Progress reads a partition's progress in real time.
func (x *Index) Progress(ctx context.Context, partition int32) (view.Progress, bool, error) {
	h, err := x.lookedUp(ctx, partition)
	return h.progress, h.found, err
}

// Standing is a partition's progress in real time, and the UUID of the index that
// it was read from.
func (x *Index) Standing(ctx context.Context, partition int32) (searchview.Standing, error) {
	h, err := x.lookedUp(ctx, partition)
	return searchview.Standing{Index: h.index, Progress: h.progress}, err
}

// lookedUp reads a partition's progress from the index that is behind the alias now.
func (x *Index) lookedUp(ctx context.Context, partition int32) (held, error) {
	if err := x.lookup(ctx); err != nil {
		return held{}, err
	}
	list, err := x.current(ctx, partition)
	if err != nil {
		return held{}, err
	}
	return list[0], nil
}

// Progresses reads the progress of all partitions in real time.
func (x *Index) Progresses(ctx context.Context) (map[int32]view.Progress, error) {
	all := make([]int32, x.partitions)
	for i := range all {
		all[i] = int32(i)
	}
	if x.indexUUID() == "" {
		if err := x.lookup(ctx); err != nil {
			return nil, err
		}
	}
	list, err := x.current(ctx, all...)
	if err != nil {
		return nil, err
	}
	out := map[int32]view.Progress{}
	for _, h := range list {
		if h.found {
			out[h.progress.Partition] = h.progress
		}
	}
	return out, nil
}

// current reads progress, and looks the index up again where a document names
// another one: the alias may point elsewhere since the last look, and the progress
// of the index that is behind it now would pass for none.
func (x *Index) current(ctx context.Context, partitions ...int32) ([]held, error) {
	list, err := x.readProgress(ctx, partitions...)
	if err != nil || !slices.ContainsFunc(list, func(h held) bool { return h.exists && !h.found }) {
		return list, err
	}
	if err := x.lookup(ctx); err != nil {
		return nil, err
	}
	if x.indexUUID() == list[0].index { // it is a copy of a document from elsewhere
		return list, nil
	}
	return x.readProgress(ctx, partitions...)
}

func (x *Index) readProgress(ctx context.Context, partitions ...int32) ([]held, error) {
	type wanted struct {
		ID      string `json:"_id"`
		Routing string `json:"routing"`
	}
	var body struct {
		Docs []wanted `json:"docs"`
	}
	for _, p := range partitions {
		body.Docs = append(body.Docs, wanted{progressID(p), progressRouting})
	}
	encoded, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	var answer struct {
		Docs []struct {
			Found  bool             `json:"found"`
			SeqNo  int              `json:"_seq_no"`
			Term   int              `json:"_primary_term"`
			Source progressDocument `json:"_source"`
			Error  json.RawMessage  `json:"error"`
		} `json:"docs"`
	}
	uuid, realtime := x.indexUUID(), true
	if err := x.do(ctx, "read progress", esapi.MgetRequest{Index: x.cfg.Alias, Body: bytes.NewReader(encoded), Realtime: &realtime}, &answer); err != nil {
		return nil, err
	}
	if len(answer.Docs) != len(partitions) {
		return nil, transient("read progress", fmt.Errorf("%d answers for %d partitions", len(answer.Docs), len(partitions)))
	}
	list := make([]held, len(partitions))
	for i, d := range answer.Docs {
		if d.Error != nil {
			return nil, transient("read progress", fmt.Errorf("%s", d.Error))
		}
		list[i] = held{progress: view.Progress{Partition: partitions[i], LastOffset: -1}, exists: d.Found, seqNo: d.SeqNo, term: d.Term, index: uuid}
		if d.Found && d.Source.Progress.counts(partitions[i], uuid) {
			list[i].progress, list[i].found = d.Source.Progress.progress(), true
		}
	}
	return list, nil
}

// writeProgress replaces exactly the progress that was read. Somebody else's
// progress, or an index that was made anew meanwhile, gives view.ErrHole: the
// worker reads again how far the index really is. It is the progress of the index
// that the batch began with: one that was made anew within the batch lacks what
// was written before, and a progress that names the old one does not count there.
// Should one be written over that of an index which has just taken the other's
// place, because both were at one sequence number, that partition is read anew.
func (x *Index) writeProgress(ctx context.Context, old held, p view.Progress) error {
	encoded, err := json.Marshal(progressDocument{storedProgress{Partition: p.Partition, Log: p.Log, Generation: p.Generation,
		Next: p.Next, LastID: p.LastID, LastOffset: p.LastOffset, Index: old.index}})
	if err != nil {
		return err
	}
	alias := true
	r := esapi.IndexRequest{Index: x.cfg.Alias, DocumentID: progressID(p.Partition), Routing: progressRouting, Body: bytes.NewReader(encoded), RequireAlias: &alias}
	if old.exists {
		r.IfSeqNo, r.IfPrimaryTerm = &old.seqNo, &old.term
	} else {
		r.OpType = "create"
	}
	err = x.do(ctx, "write progress", r, nil)
	if isStatus(err, http.StatusConflict) {
		return fmt.Errorf("%w: the progress of partition %d was changed by somebody else", view.ErrHole, p.Partition)
	}
	return err
}

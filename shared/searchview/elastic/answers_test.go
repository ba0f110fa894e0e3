package elastic

import (
	"encoding/json"
	"net/http"
	"testing"

	"chatlog/shared/analysis"
	"chatlog/shared/fault"
	"chatlog/shared/searchview"
	"chatlog/shared/view"
)

// FuzzVerdicts: whatever a _bulk is answered, documents are done only if each of
// them has a verdict of its own that says so; anything else is tried again.
func FuzzVerdicts(f *testing.F) {
	for _, seed := range []string{
		`{"items":[{"index":{"status":201}},{"index":{"status":200}}]}`,
		`{"items":[{"index":{"status":409,"error":{"type":"version_conflict_engine_exception","reason":"[a:1:1]: version conflict"}}},{"index":{"status":201}}]}`,
		`{"items":[{"index":{"status":400,"error":{"type":"document_parsing_exception","reason":"[1:9] failed to parse","caused_by":{"reason":"x"}}}},{"index":{"status":200}}]}`,
		`{"items":[{"index":{"status":429,"error":{"type":"es_rejected_execution_exception","reason":"rejected"}}},{"index":{"status":200}}]}`,
		`{"items":[{},{}]}`, `{"items":[{"index":{}},{"index":{"status":201}}]}`, `{"items":[null,null]}`, `{"items":[{"index":{"status":201},"create":{"status":500}},{"index":{"status":201}}]}`,
		`{"items":[{"index":{"status":201}}]}`, `{}`, `null`, `{"errors":false}`,
	} {
		f.Add([]byte(seed))
	}
	messages := []view.Message{{Application: "a", Chat: 1, Number: 1, Version: 7}, {Application: "a", Chat: 1, Number: 2, Version: 1<<44 | 8}}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var answer bulkAnswer
		if json.Unmarshal(raw, &answer) != nil {
			return
		}
		rejections, err := verdicts(answer, messages)
		var told struct {
			Items []map[string]struct{ Status int } `json:"items"`
		}
		if json.Unmarshal(raw, &told) != nil {
			t.Fatalf("%s is read, and is not", raw)
		}
		done, refused := 0, 0
		for _, item := range told.Items {
			for _, v := range item {
				switch {
				case len(item) == 1 && (v.Status/100 == 2 || v.Status == http.StatusConflict):
					done++
				case len(item) == 1 && v.Status == http.StatusBadRequest:
					refused++
				}
			}
		}
		switch {
		case err != nil && !fault.Is(err, fault.Transient):
			t.Fatalf("%s: %v", raw, err)
		case err == nil && (len(told.Items) != len(messages) || done+len(rejections) != len(messages) || len(rejections) > refused):
			t.Fatalf("%s says that %d of %d documents are done and %d refused", raw, done, len(messages), len(rejections))
		case err != nil && done == len(messages) && len(told.Items) == len(messages):
			t.Fatalf("%s says that all are done: %v", raw, err)
		}
		for _, r := range rejections {
			if r.Offset != 7 && r.Offset != 8 {
				t.Fatalf("%s refuses the offset %d", raw, r.Offset)
			}
		}
	})
}

// FuzzHits: a search that is not answered whole is not answered, and what it
// finds are messages, each with a class that there is.
func FuzzHits(f *testing.F) {
	for _, seed := range []string{
		`{"timed_out":false,"_shards":{"failed":0},"hits":{"hits":[{"_score":2,"_source":{"chat":5,"number":3,"message":"hello","created":1764000000000000,"edited":1764000000000001}}]}}`,
		`{"timed_out":false,"_shards":{"failed":0},"hits":{"hits":[{"_score":null,"_source":{"chat":5,"number":3,"message":"hello","created":1764000000000000}}]}}`,
		`{"timed_out":false,"_shards":{"failed":0}}`, `{"timed_out":true,"_shards":{"failed":0}}`, `{"timed_out":false,"_shards":{"failed":1}}`, `{}`, `{"timed_out":false}`, `{"_shards":{"failed":0}}`,
		`{"timed_out":false,"_shards":{"failed":0},"hits":{"hits":[{"_score":1e300,"_source":{"chat":1,"number":1,"message":"x"}}]}}`,
		`{"timed_out":false,"_shards":{"failed":0},"hits":{"hits":[{"_score":1}]}}`, `{"timed_out":false,"_shards":{"failed":0},"hits":{"hits":[null]}}`,
	} {
		f.Add([]byte(seed), false)
		f.Add([]byte(seed), true)
	}
	f.Fuzz(func(t *testing.T, raw []byte, newest bool) {
		var answer found
		if json.Unmarshal(raw, &answer) != nil {
			return
		}
		hits, err := hitsOf(searchview.Query{Application: "a", Newest: newest}, answer)
		if err != nil {
			if !fault.Is(err, fault.Transient) || hits != nil {
				t.Fatalf("%s: %v %v", raw, hits, err)
			}
			return
		}
		var told struct {
			TimedOut any `json:"timed_out"`
			Shards   struct {
				Failed any `json:"failed"`
			} `json:"_shards"`
		}
		if err := json.Unmarshal(raw, &told); err != nil || told.TimedOut != false || told.Shards.Failed != 0.0 || len(hits) != len(answer.Hits.Hits) {
			t.Fatalf("%s passes for a whole answer", raw)
		}
		for i, h := range hits {
			source := answer.Hits.Hits[i].Source
			if h.Application != "a" || h.Chat < 1 || h.Number < 1 || h.Text == "" || h.Text != source.Message || h.Edited.IsZero() != (source.Edited == 0) ||
				(h.Class == analysis.None) != newest || h.Class < analysis.None || h.Class > analysis.Exact {
				t.Fatalf("%s gives %+v", raw, h)
			}
		}
	})
}

// FuzzProgress: a document is the progress of a partition only if it says so, and
// what counts survives being written again.
func FuzzProgress(f *testing.F) {
	for _, seed := range []string{
		`{"progress":{"partition":3,"log":"00000000000000a1","generation":1,"next":12,"last_id":"x","last_offset":11,"index_uuid":"here"}}`,
		`{"progress":{"partition":3,"log":"","next":2,"last_offset":-1,"index_uuid":"here"}}`,
		`{"progress":{"partition":4,"log":"00000000000000a1","next":12,"last_offset":11,"index_uuid":"here"}}`,
		`{"progress":{"partition":3,"log":"00000000000000a1","next":12,"last_offset":11,"index_uuid":"elsewhere"}}`,
		`{"progress":{"partition":3,"log":"a1","next":-12,"last_offset":11,"index_uuid":"here"}}`, `{"progress":{"partition":3}}`, `{}`, `null`,
	} {
		f.Add([]byte(seed), "here")
		f.Add([]byte(seed), "")
	}
	f.Fuzz(func(t *testing.T, raw []byte, index string) {
		var d progressDocument
		if json.Unmarshal(raw, &d) != nil || !d.Progress.counts(3, index) {
			return
		}
		p := d.Progress.progress()
		if p.Partition != 3 || p.Next < 0 || p.LastOffset < -1 || d.Progress.Index != index || index == "" || p.Log != "" && !p.Log.Valid() {
			t.Fatalf("%s counts as %+v", raw, p)
		}
		again, err := json.Marshal(d)
		if err != nil {
			t.Fatal(err)
		}
		var read progressDocument
		if err := json.Unmarshal(again, &read); err != nil || read != d {
			t.Fatalf("%+v became %+v: %v", d, read, err)
		}
	})
}

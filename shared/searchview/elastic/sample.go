package elastic

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"

	"github.com/elastic/go-elasticsearch/v8/esapi"

	"chatlog/shared/view"
)

// Count is the number of messages that are not deleted, as of the last refresh.
func (x *Index) Count(ctx context.Context) (int64, error) {
	body, err := json.Marshal(object{"query": object{"term": object{"deleted": false}}})
	if err != nil {
		return 0, err
	}
	var answer struct {
		Count  int64 `json:"count"`
		Shards struct {
			Failed int `json:"failed"`
		} `json:"_shards"`
	}
	err = x.do(ctx, "count", esapi.CountRequest{Index: []string{x.cfg.Alias}, Body: bytes.NewReader(body)}, &answer)
	if err == nil && answer.Shards.Failed > 0 { // part of an index is not passed off as the whole
		err = transient("count", errors.New("incomplete"))
	}
	return answer.Count, err
}

// Sample gives some messages, tombstones included, as of the last refresh: the
// same ones for one seed while the index does not change.
func (x *Index) Sample(ctx context.Context, seed int32, size int) ([]view.MessageKey, error) {
	body, err := json.Marshal(object{"size": size, "track_total_hits": false, "_source": []string{"application", "chat", "number"},
		"query": object{"function_score": object{
			"query":        object{"terms": object{"deleted": []bool{true, false}}}, // what is no progress
			"random_score": object{"seed": seed, "field": "_seq_no"},
			"boost_mode":   "replace"}}})
	if err != nil {
		return nil, err
	}
	var answer found
	partial := false
	err = x.do(ctx, "sample", esapi.SearchRequest{Index: []string{x.cfg.Alias}, Body: bytes.NewReader(body), AllowPartialSearchResults: &partial}, &answer)
	if err == nil && !answer.whole() {
		err = transient("sample", errors.New("incomplete"))
	}
	if err != nil {
		return nil, err
	}
	keys := make([]view.MessageKey, 0, len(answer.Hits.Hits))
	for _, h := range answer.Hits.Hits {
		keys = append(keys, view.MessageKey{Application: h.Source.Application, Chat: h.Source.Chat, Number: h.Source.Number})
	}
	return keys, nil
}

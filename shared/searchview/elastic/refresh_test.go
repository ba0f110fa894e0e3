package elastic

import (
	"net/http"
	"testing"
)

func TestARefreshThatFailedOnAShard(t *testing.T) {
	x := opened(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Elastic-Product", "Elasticsearch")
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"_shards":{"total":2,"successful":1,"failed":1,"failures":[{"shard":0,"index":"i","status":"INTERNAL_SERVER_ERROR","reason":{"type":"x","reason":"y"}}]}}`))
	}))
	if err := x.Refresh(t.Context()); err == nil {
		t.Error("a refresh that failed on a shard passes for one")
	}
}

package elastic

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"chatlog/shared/searchconn"
)

func TestARefreshThatFailedOnAShard(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Elastic-Product", "Elasticsearch")
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"_shards":{"total":2,"successful":1,"failed":1,"failures":[{"shard":0,"index":"i","status":"INTERNAL_SERVER_ERROR","reason":{"type":"x","reason":"y"}}]}}`))
	}))
	defer s.Close()
	cfg := searchconn.Default()
	cfg.Addresses = []string{s.URL}
	x, err := Open(cfg, 1)
	if err != nil {
		t.Fatal(err)
	}
	if err := x.Refresh(t.Context()); err == nil {
		t.Error("a refresh that failed on a shard passes for one")
	}
}

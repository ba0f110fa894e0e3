package elastic

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"chatlog/shared/searchconn"
)

// opened is an index of one partition whose Elasticsearch is a handler.
func opened(t *testing.T, h http.Handler) *Index {
	t.Helper()
	at := httptest.NewServer(h)
	t.Cleanup(at.Close)
	cfg := searchconn.Default()
	cfg.Addresses = []string{at.URL}
	x, err := Open(cfg, 1)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { x.Close() }) // tells nothing
	return x
}

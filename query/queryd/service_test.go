package queryd

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"chatlog/shared/relay"
	"chatlog/shared/searchview/bleve"
	"chatlog/shared/sqlview/sqlite"
)

// Nobody passes requests on to query. Without a secret whoever comes from this machine,
// a proxy say, is believed to: that must not free him of limits. Neither Kafka nor
// Redis is there; what is asked for is no token, so nobody needs them.
func TestLimitsHoldForWhoSaysHeWasPassedOn(t *testing.T) {
	rows, err := sqlite.Open(filepath.Join(t.TempDir(), "rows"))
	if err != nil {
		t.Fatal(err)
	}
	index, err := bleve.Open(filepath.Join(t.TempDir(), "index"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(rows.Close(), index.Close()); err != nil {
			t.Error(err)
		}
	})
	cfg := Default()
	cfg.Limits.Address = 1e-3 // 1 at once
	cfg.Query.HTTP.Listen, cfg.Redis.Address, cfg.Kafka.Brokers = "127.0.0.1:0", "127.0.0.1:1", []string{"127.0.0.1:1"}
	s, err := New(cfg, Parts{Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry(), Rows: rows, Index: index})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for i, want := range []int{http.StatusNotFound, http.StatusTooManyRequests, http.StatusTooManyRequests} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL()+"/application/no-token", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set(relay.Guard, "query")
		response, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("request %d is answered with %d, must be %d", i+1, response.StatusCode, want)
		}
	}
}

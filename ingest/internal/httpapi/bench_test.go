package httpapi

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"chatlog/ingest/internal/forward"
	"chatlog/ingest/internal/partition"
	"chatlog/shared/httpserve"
	"chatlog/shared/position"
)

// numbered answers at once.
type numbered struct{}

func (numbered) Submit(context.Context, partition.Request) (partition.Reply, position.Token, error) {
	return partition.Reply{Chat: 1, Number: 1, Offset: 7}, position.Token{Log: "0000000000000001", Offset: 7}, nil
}

// thrownAway is a reply that nobody reads.
type thrownAway struct{ header http.Header }

func (t thrownAway) Header() http.Header       { return t.header }
func (thrownAway) Write(b []byte) (int, error) { return len(b), nil }
func (thrownAway) WriteHeader(int)             {}

// BenchmarkPost is a POST of a message between net/http and the owner: routing,
// decoding, the command's id, the reply, and what is told of the request.
func BenchmarkPost(b *testing.B) {
	logger := slog.New(slog.NewJSONHandler(io.Discard, nil))
	router := httpserve.NewRouter(logger, httpserve.NewMetrics("x", prometheus.NewRegistry()))
	f := forward.New(holderOf{}, sender(b, time.Second), func(string) {})
	New(numbered{}, f, NewTokens(nil, nil), func(string) int32 { return 0 }, "an instance").Routes(router)
	body := `{"message":"` + strings.Repeat("x", 200) + `"}`
	target, err := url.Parse("/application/9f86d081884c7d659a2feaa0c55ad015/chat/1/message")
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		r := &http.Request{Method: http.MethodPost, URL: target, Header: http.Header{"Content-Type": {"application/json"}},
			Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), RemoteAddr: "127.0.0.1:1"}
		router.ServeHTTP(thrownAway{http.Header{}}, r)
	}
}

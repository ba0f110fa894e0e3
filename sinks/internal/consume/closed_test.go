package consume

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"chatlog/shared/parts"
	"chatlog/shared/searchconn"
	"chatlog/shared/searchview/elastic"
	"chatlog/shared/view"
	"chatlog/sinks/internal/searchsink"
)

// TestRealIndexClosedForAMoment: an operator closes the index to change its
// settings and opens it again. That is no verdict on any document.
func TestRealIndexClosedForAMoment(t *testing.T) {
	base := parts.Elasticsearch(t)
	cfg := searchconn.Default()
	cfg.Alias, cfg.Shards = fmt.Sprintf("closed-test-%d", time.Now().UnixNano()), 1
	call := func(method, path string) {
		r, _ := http.NewRequest(method, base+"/"+cfg.Alias+"-000002"+path, nil)
		if a, err := http.DefaultClient.Do(r); err == nil {
			a.Body.Close()
		}
	}
	defer call("DELETE", "")
	u, _ := url.Parse(base)
	proxy := httputil.NewSingleHostReverseProxy(u)
	var armed, once atomic.Bool
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if armed.Load() && strings.HasSuffix(r.URL.Path, "/_bulk") && once.CompareAndSwap(false, true) {
			call("POST", "/_close") // _close, change settings, _open
			proxy.ServeHTTP(w, r)
			time.AfterFunc(300*time.Millisecond, func() { call("POST", "/_open") })
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	defer s.Close()
	cfg.Addresses = []string{s.URL}
	x, err := elastic.Open(cfg, 1)
	if err != nil {
		t.Fatal(err)
	}
	st := newStand(t, nowhere(), conversation(20)...)
	st.worker.view = searchsink.New(x)
	armed.Store(true)
	end := st.run(-1)
	for i := 0; i < 100; i++ {
		time.Sleep(100 * time.Millisecond)
		if p, _, err := x.Progress(context.Background(), 0); err == nil && p.Next == 20 {
			break
		}
	}
	end()
	p, _, err := x.Progress(t.Context(), 0)
	t.Log(p.Next, err, len(st.letters.all()), "letters")
	for _, l := range st.letters.all()[:min(1, len(st.letters.all()))] {
		t.Log(l.Reason)
	}
	var keys []view.MessageKey
	for _, r := range conversation(20) {
		_ = r
	}
	for n := int64(0); n <= 20; n++ {
		for c := int64(1); c <= 3; c++ {
			keys = append(keys, view.MessageKey{Application: app, Chat: c, Number: n + 1})
		}
	}
	m, err := x.Messages(t.Context(), keys)
	t.Log(len(m), "documents", err)
	if len(m) == 0 {
		t.Error("progress is at the end and no document is there")
	}
}

package elastic

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"chatlog/shared/command"
	"chatlog/shared/fault"
	"chatlog/shared/view"
)

// server is as much of Elasticsearch as one batch needs. It answers each
// document of a _bulk with the status that the test gives it.
type server struct {
	mutex    sync.Mutex
	status   int    // of document 2; the others succeed
	kind     string // of its error
	bulks    int
	progress json.RawMessage // as it was written last
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	w.Header().Set("X-Elastic-Product", "Elasticsearch")
	w.Header().Set("Content-Type", "application/json")
	body, err := io.ReadAll(r.Body)
	switch {
	case err != nil:
		w.WriteHeader(http.StatusBadRequest)
	case strings.HasSuffix(r.URL.Path, "/_mget"):
		fmt.Fprint(w, `{"docs":[{"found":false}]}`)
	case strings.HasSuffix(r.URL.Path, "/_bulk"):
		s.bulks++
		var items []string
		for i := range strings.Count(string(body), `{"index":`) {
			status, failure := 201, ""
			if i == 1 && s.status != 0 {
				status, failure = s.status, fmt.Sprintf(`,"error":{"type":%q,"reason":"because"}`, s.kind)
			}
			items = append(items, fmt.Sprintf(`{"index":{"status":%d%s}}`, status, failure))
		}
		fmt.Fprintf(w, `{"items":[%s]}`, strings.Join(items, ","))
	case strings.Contains(r.URL.Path, "progress:0"):
		s.progress = body
		fmt.Fprint(w, `{}`)
	default:
		w.WriteHeader(http.StatusNotImplemented)
	}
}

// TestVerdicts: an item's verdict decides whether the progress may move past
// it. One that may succeed later, as 429 says, is never done.
func TestVerdicts(t *testing.T) {
	var b view.Batch
	for n := int64(1); n <= 3; n++ {
		b.Entries = append(b.Entries, view.Entry{Offset: n, Command: command.Command{Op: command.MessageCreate, Application: "a", Chat: 1, Number: n, Message: "m"}})
	}
	b.To = view.Progress{Log: "00000000000000a1", Generation: 1, Next: 4, LastID: "x", LastOffset: 3}
	for _, c := range []struct {
		status   int
		kind     string
		done     bool
		rejected bool
	}{
		{0, "", true, false},
		{http.StatusConflict, "version_conflict_engine_exception", true, false},
		{http.StatusTooManyRequests, "es_rejected_execution_exception", false, false},
		{http.StatusTooManyRequests, "circuit_breaking_exception", false, false},
		{http.StatusServiceUnavailable, "unavailable_shards_exception", false, false},
		{http.StatusInternalServerError, "exception", false, false},
		{http.StatusForbidden, "cluster_block_exception", false, false},
		{http.StatusNotFound, "index_not_found_exception", false, false},
		{http.StatusBadRequest, "index_closed_exception", false, false},
		{http.StatusBadRequest, "document_parsing_exception", false, true},
	} {
		t.Run(fmt.Sprint(c.status, " ", c.kind), func(t *testing.T) {
			s := &server{status: c.status, kind: c.kind}
			x := opened(t, s)
			rejections, err := x.Apply(t.Context(), b)
			if (err == nil) != (c.done || c.rejected) || err != nil && !fault.Is(err, fault.Transient) {
				t.Errorf("got %v", err)
			}
			if (len(rejections) == 1 && rejections[0].Offset == 2) != c.rejected {
				t.Errorf("rejections %v", rejections)
			}
			if (s.progress != nil) != c.done || s.bulks == 0 {
				t.Errorf("after %d bulks the progress is %s", s.bulks, s.progress)
			}
			if c.done {
				return
			}
			s.mutex.Lock()
			s.status = 0
			s.mutex.Unlock()
			if _, err := x.Apply(t.Context(), b); err != nil || s.progress == nil {
				t.Errorf("tried again: %v, progress %s", err, s.progress)
			}
		})
	}
}

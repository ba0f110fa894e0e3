package elastic

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"chatlog/shared/command"
	"chatlog/shared/view"
)

// TestMadeAnewWithinABatch: the index is deleted and made anew after a batch's
// documents were written and before its progress is. Another partition's worker
// of the same process has looked at the new one already.
func TestMadeAnewWithinABatch(t *testing.T) {
	var uuid, progress atomic.Value
	uuid.Store("old")
	progress.Store("")
	var x *Index
	x = opened(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Elastic-Product", "Elasticsearch")
		w.Header().Set("Content-Type", "application/json")
		body, _ := io.ReadAll(r.Body)
		switch {
		case strings.HasSuffix(r.URL.Path, "/_mget"):
			if written := progress.Load().(string); written != "" {
				fmt.Fprintf(w, `{"docs":[{"found":true,"_source":%s}]}`, written)
				return
			}
			fmt.Fprint(w, `{"docs":[{"found":false}]}`)
		case strings.HasSuffix(r.URL.Path, "/_bulk"):
			uuid.Store("new")
			if err := x.Ready(r.Context()); err != nil {
				t.Error(err)
			}
			fmt.Fprint(w, `{"items":[{"index":{"status":201}}]}`)
		case strings.Contains(r.URL.Path, "progress:0"):
			progress.Store(string(body))
			fmt.Fprint(w, `{}`)
		default:
			fmt.Fprintf(w, `{"it":{"settings":{"index":{"uuid":%q}},"mappings":{"_meta":{"version":1000}}}}`, uuid.Load())
		}
	}))
	if err := x.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	b := view.Batch{To: view.Progress{Log: "00000000000000a1", Generation: 1, Next: 2, LastID: "x", LastOffset: 1},
		Entries: []view.Entry{{Offset: 1, Command: command.Command{Op: command.MessageCreate, Application: "a", Chat: 1, Number: 1, Message: "m"}}}}
	_, err := x.Apply(t.Context(), b)
	p, found, err2 := x.Progress(t.Context(), 0)
	if err2 != nil || found || p.Next != 0 {
		t.Errorf("an index without a document is at %+v (%v), after %v", p, err2, err)
	}
	if written := progress.Load().(string); !json.Valid([]byte(written)) {
		t.Errorf("no progress was written (%q), so this test shows nothing", written)
	}
}

package elastic

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"chatlog/shared/command"
	"chatlog/shared/parts"
	"chatlog/shared/searchconn"
	"chatlog/shared/view"
)

// TestAnIndexOfAnOlderVersion is replaced by an empty one, which knows no
// progress, by exactly one of those that try; it stays then.
func TestAnIndexOfAnOlderVersion(t *testing.T) {
	base := parts.Elasticsearch(t)
	cfg := searchconn.Default()
	cfg.Addresses, cfg.Alias, cfg.Shards = []string{base}, fmt.Sprintf("version-%d", time.Now().UnixNano()), 1
	ask := func(method, path, body string) string {
		r, err := http.NewRequestWithContext(t.Context(), method, base+path, bytes.NewReader([]byte(body)))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		a, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Body.Close()
		answer, err := io.ReadAll(a.Body)
		if err != nil || a.StatusCode > 299 {
			t.Fatal(a.StatusCode, string(answer), err)
		}
		return string(answer)
	}
	old := strings.Replace(string(mapping), fmt.Sprintf(`"_meta": {"version": %d},`, version), "", 1)
	old = strings.Replace(old, `"settings"`, `"aliases": {"`+cfg.Alias+`": {}}, "settings"`, 1)
	ask("PUT", "/"+cfg.Alias+"-000001", old)
	current := fmt.Sprintf("%s-%06d", cfg.Alias, version)
	t.Cleanup(func() {
		if r, err := http.NewRequest("DELETE", base+"/"+current, nil); err == nil {
			if a, err := http.DefaultClient.Do(r); err == nil {
				a.Body.Close()
			}
		}
	})
	x, err := Open(cfg, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	if err := x.Ready(t.Context()); err == nil {
		t.Error("an index of an older version passes for ready")
	}
	var group sync.WaitGroup
	for range 5 {
		group.Go(func() {
			y, err := Open(cfg, 1)
			if err == nil {
				defer y.Close()
				err = y.Prepare(t.Context())
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if list := ask("GET", "/_cat/indices/"+cfg.Alias+"-*?h=index", ""); strings.TrimSpace(list) != current {
		t.Fatalf("there are %q", list)
	}
	if err := x.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	b := view.Batch{To: view.Progress{Log: "00000000000000a1", Generation: 1, Next: 1, LastID: "x"},
		Entries: []view.Entry{{Command: command.Command{Op: command.MessageCreate, Application: "a", Chat: 1, Number: 1, Message: "m"}}}}
	if _, err := x.Apply(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if err := x.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	if p, there, err := x.Progress(t.Context(), 0); err != nil || !there || p.Next != 1 {
		t.Errorf("it was replaced again: %+v %v", p, err)
	}
}

// TestTheVersionIsInTheMapping: what Prepare looks for is what it writes.
func TestTheVersionIsInTheMapping(t *testing.T) {
	if !strings.Contains(string(mapping), fmt.Sprintf(`"_meta": {"version": %d}`, version)) {
		t.Error("the mapping says another version")
	}
}

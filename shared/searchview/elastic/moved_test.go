package elastic

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"chatlog/shared/command"
	"chatlog/shared/view"
)

// movable is an alias that two indices are behind, one after the other: each has
// come to an offset of partition 0.
type movable struct {
	mutex   sync.Mutex
	now     string           // UUID of the one behind the alias
	next    map[string]int64 // how far they are; none: no progress
	written string           // the progress that was written last
	bulks   int
}

func (m *movable) move(to string) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.now = to
}

func (m *movable) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	w.Header().Set("X-Elastic-Product", "Elasticsearch")
	w.Header().Set("Content-Type", "application/json")
	body, _ := io.ReadAll(r.Body)
	switch {
	case strings.HasSuffix(r.URL.Path, "/_mget"):
		next, found := m.next[m.now]
		fmt.Fprintf(w, `{"docs":[{"found":%t,"_source":{"progress":{"log":"00000000000000a1","generation":1,"next":%d,"index_uuid":%q}}}]}`, found, next, m.now)
	case strings.HasSuffix(r.URL.Path, "/_bulk"):
		m.bulks++
		fmt.Fprintf(w, `{"items":[%s]}`, strings.Repeat(`{"index":{"status":200}},`, strings.Count(string(body), `{"index":`)-1)+`{"index":{"status":200}}`)
	case strings.Contains(r.URL.Path, "progress:0"):
		m.written = string(body)
		fmt.Fprint(w, `{}`)
	default:
		fmt.Fprintf(w, `{"it":{"settings":{"index":{"uuid":%q}},"mappings":{"_meta":{"version":%d}}}}`, m.now, version)
	}
}

// TestTheAliasMoves: nobody has to be told. What was known of the index that was
// behind the alias is not taken for what the one that is there now has.
func TestTheAliasMoves(t *testing.T) {
	m := &movable{now: "one", next: map[string]int64{"one": 10, "two": 7}}
	x := opened(t, m)
	before, err := x.Standing(t.Context(), 0)
	if err != nil || before.Index != "one" || before.Progress.Next != 10 {
		t.Fatal(before, err)
	}
	m.move("two")
	if all, err := x.Progresses(t.Context()); err != nil || all[0].Next != 7 {
		t.Errorf("who waits for the index is told %v %v", all, err)
	}
	m.move("one")
	b := func(from, to int64) view.Batch {
		return view.Batch{From: from, To: view.Progress{Log: "00000000000000a1", Generation: 1, Next: to, LastID: "x", LastOffset: to - 1},
			Entries: []view.Entry{{Offset: from, Command: command.Command{Op: command.MessageCreate, Application: "a", Chat: 1, Number: 1, Message: "m"}}}}
	}
	if _, err := x.Apply(t.Context(), b(10, 11)); err != nil || !strings.Contains(m.written, `"index_uuid":"one"`) {
		t.Errorf("%v, wrote %s", err, m.written)
	}
	m.move("two")
	bulks := m.bulks
	if _, err := x.Apply(t.Context(), b(11, 12)); !errors.Is(err, view.ErrHole) || m.bulks != bulks {
		t.Errorf("a batch from beyond the progress of the index that is there now: %v", err)
	}
	if _, err := x.Apply(t.Context(), b(7, 8)); err != nil || !strings.Contains(m.written, `"index_uuid":"two"`) {
		t.Errorf("the batch that is next: %v, wrote %s", err, m.written)
	}
	after, err := x.Standing(t.Context(), 0)
	if err != nil || after.Index != "two" || after.Progress.Next != 7 {
		t.Error(after, err)
	}
}

// TestABatchFromTheBeginning: without a look at the index that is there now, its
// progress would be replaced by one that does not count there.
func TestABatchFromTheBeginning(t *testing.T) {
	m := &movable{now: "one", next: map[string]int64{"two": 7}}
	x := opened(t, m)
	if p, there, err := x.Progress(t.Context(), 0); err != nil || there {
		t.Fatal(p, err)
	}
	m.move("two")
	b := view.Batch{To: view.Progress{Log: "00000000000000a1", Generation: 1, Next: 1, LastID: "x"}}
	if _, err := x.Apply(t.Context(), b); err != nil || m.written != "" {
		t.Errorf("%v, wrote %s over a progress of 7", err, m.written)
	}
}

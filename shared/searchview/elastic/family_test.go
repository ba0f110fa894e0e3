package elastic

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"chatlog/shared/command"
	"chatlog/shared/fault"
	"chatlog/shared/parts"
	"chatlog/shared/searchconn"
	"chatlog/shared/view"
)

func withAliases(version int, aliases ...string) (d described) {
	d.Mappings.Meta.Version = version
	d.Aliases = map[string]json.RawMessage{}
	for _, a := range aliases {
		d.Aliases[a] = nil
	}
	return d
}

func TestFamilyOf(t *testing.T) {
	for name, c := range map[string]struct {
		found map[string]described
		want  Family
		bad   bool
	}{
		"nothing":          {nil, Family{Free: "a-000003"}, false},
		"one":              {map[string]described{"a-000002": withAliases(2, "a")}, Family{Current: "a-000002", Free: "a-000003"}, false},
		"of another name":  {map[string]described{"other": withAliases(2, "a")}, Family{Current: "other", Free: "a-000003"}, false},
		"an older mapping": {map[string]described{"a-000001": withAliases(1, "a")}, Family{Current: "a-000001", Free: "a-000003"}, false},
		"one is built": {map[string]described{"a-000002": withAliases(2, "a"), "a-000007": withAliases(2, "a-next")},
			Family{Current: "a-000002", Next: "a-000007", Free: "a-000008"}, false},
		"by another version": {map[string]described{"a-000002": withAliases(2, "a"), "a-000003": withAliases(3, "a-next")},
			Family{Current: "a-000002", Next: "a-000003", Foreign: true, Free: "a-000004"}, false},
		"one is kept": {map[string]described{"a-000012": withAliases(2, "a"), "a-000002": withAliases(2, "a-old")},
			Family{Current: "a-000012", Kept: "a-000002", Free: "a-000013"}, false},
		"the kept one is back": {map[string]described{"a-000002": withAliases(2, "a", "a-old")}, Family{Current: "a-000002", Kept: "a-000002", Free: "a-000003"}, false},
		"somebody else's": {map[string]described{"a-000002": withAliases(2, "a"), "a-b-000009": withAliases(2, "a-b"), "a-": {}, "a-x": {}},
			Family{Current: "a-000002", Free: "a-000003"}, false},
		"one without an alias": {map[string]described{"a-000002": withAliases(2, "a"), "a-000003": {}}, Family{Current: "a-000002", Free: "a-000004"}, false},
		"two":                  {map[string]described{"a-000002": withAliases(2, "a"), "a-000003": withAliases(2, "a")}, Family{}, true},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := familyOf("a", c.found)
			if c.bad != (err != nil) || !c.bad && got != c.want {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

// TestTakenAsItIs: what is behind the alias of an index that is taken as it is is
// neither made nor replaced.
func TestTakenAsItIs(t *testing.T) {
	there, asked := true, []string{}
	at := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.Path)
		w.Header().Set("X-Elastic-Product", "Elasticsearch")
		w.Header().Set("Content-Type", "application/json")
		if !there {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		fmt.Fprintf(w, `{"it":{"settings":{"index":{"uuid":"u"}},"mappings":{"_meta":{"version":%d}}}}`, version-1)
	}))
	defer at.Close()
	cfg := searchconn.Default()
	cfg.Addresses, cfg.Alias = []string{at.URL}, "a"
	x, err := Open(cfg, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	if err := x.Ready(t.Context()); err == nil {
		t.Error("an index with an older mapping passes for ready")
	}
	for _, y := range []*Index{x.Current(), x.Next()} {
		if err := y.Prepare(t.Context()); err != nil {
			t.Error(err)
		}
	}
	there = false
	if err := x.Next().Prepare(t.Context()); !fault.Is(err, fault.Terminal) {
		t.Errorf("the index is gone: %v", err)
	}
	if got := strings.Join(asked, ", "); got != "GET /a, GET /a, GET /a-next, GET /a-next" {
		t.Error(got)
	}
}

// TestRealFamily builds an index beside another one and puts it in its place, on a
// real Elasticsearch.
func TestRealFamily(t *testing.T) {
	base := parts.Elasticsearch(t)
	cfg := searchconn.Default()
	cfg.Addresses, cfg.Alias, cfg.Shards = []string{base}, fmt.Sprintf("family-%d", time.Now().UnixNano()), 1
	x, err := Open(cfg, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	t.Cleanup(func() {
		for number := 2; number <= 4; number++ {
			if r, err := http.NewRequest(http.MethodDelete, fmt.Sprintf("%s/%s-%06d", base, cfg.Alias, number), nil); err == nil {
				if a, err := http.DefaultClient.Do(r); err == nil {
					io.Copy(io.Discard, a.Body)
					a.Body.Close()
				}
			}
		}
	})
	family := func(want Family) Family {
		t.Helper()
		got, err := x.Family(t.Context())
		if err != nil || got != want {
			t.Fatalf("%+v %v, want %+v", got, err, want)
		}
		return got
	}
	name := func(number int) string { return fmt.Sprintf("%s-%06d", cfg.Alias, number) }
	f := family(Family{Free: name(3)})
	if err := x.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	batch := func(from, to int64) (b view.Batch) {
		for n := from; n < to; n++ {
			c := command.Command{Op: command.MessageCreate, Application: "a", Chat: 1, Number: n + 1, Message: "m"}
			if n == 1 {
				c = command.Command{Op: command.MessageDelete, Application: "a", Chat: 1, Number: 1}
			}
			b.Entries = append(b.Entries, view.Entry{Offset: n, Command: c})
		}
		b.From, b.To = from, view.Progress{Log: "00000000000000a1", Generation: 1, Next: to, LastID: "x", LastOffset: to - 1}
		return b
	}
	apply := func(y *Index, b view.Batch) {
		t.Helper()
		if rejections, err := y.Apply(t.Context(), b); err != nil || len(rejections) > 0 {
			t.Fatal(rejections, err)
		}
	}
	counts := func(y *Index, live int64, sampled int) {
		t.Helper()
		if err := y.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		n, err := y.Count(t.Context())
		keys, err2 := y.Sample(t.Context(), 7, 100)
		if err != nil || err2 != nil || n != live || len(keys) != sampled {
			t.Fatal(n, len(keys), err, err2)
		}
	}
	if _, err := x.Standing(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	apply(x, batch(0, 8))
	counts(x.Current(), 6, 7)
	f = family(Family{Current: name(2), Free: f.Free})
	for range 2 { // by somebody else, too
		if err := x.Begin(t.Context(), f.Free); err != nil {
			t.Fatal(err)
		}
	}
	f = family(Family{Current: name(2), Next: name(3), Free: name(4)})
	next := x.Next()
	if err := next.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	apply(next, batch(0, 5))
	counts(next, 3, 4)
	if err := x.Swap(t.Context(), Family{Current: name(4), Next: name(3)}); err == nil {
		t.Fatal("an index that is not behind the alias was swapped")
	}
	family(f)
	if err := x.Swap(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	f = family(Family{Current: name(3), Kept: name(2), Free: name(4)})
	if all, err := x.Progresses(t.Context()); err != nil || all[0].Next != 5 {
		t.Fatal(all, err)
	}
	apply(x, batch(5, 8))
	counts(x, 6, 7)
	if err := x.Swap(t.Context(), Family{Current: name(2), Next: name(3)}); err == nil {
		t.Fatal("it was swapped again")
	}
	family(f)
	if err := x.Drop(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	family(Family{Current: name(3), Free: name(4)})
	counts(x, 6, 7)
}

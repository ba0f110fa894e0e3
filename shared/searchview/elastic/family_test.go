package elastic

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"chatlog/shared/fault"
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
		"nothing":          {nil, Family{Free: "a-000004"}, false},
		"one":              {map[string]described{"a-000003": withAliases(3, "a")}, Family{Current: "a-000003", Free: "a-000004"}, false},
		"of another name":  {map[string]described{"other": withAliases(3, "a")}, Family{Current: "other", Free: "a-000004"}, false},
		"an older mapping": {map[string]described{"a-000002": withAliases(2, "a")}, Family{Current: "a-000002", Free: "a-000004"}, false},
		"one is built": {map[string]described{"a-000003": withAliases(3, "a"), "a-000008": withAliases(3, "a-next")},
			Family{Current: "a-000003", Next: "a-000008", Free: "a-000009"}, false},
		"by another version": {map[string]described{"a-000003": withAliases(3, "a"), "a-000004": withAliases(4, "a-next")},
			Family{Current: "a-000003", Next: "a-000004", Foreign: true, Free: "a-000005"}, false},
		"one is kept": {map[string]described{"a-000013": withAliases(3, "a"), "a-000003": withAliases(3, "a-old")},
			Family{Current: "a-000013", Kept: "a-000003", Free: "a-000014"}, false},
		"the kept one is back": {map[string]described{"a-000003": withAliases(3, "a", "a-old")}, Family{Current: "a-000003", Kept: "a-000003", Free: "a-000004"}, false},
		"somebody else's": {map[string]described{"a-000003": withAliases(3, "a"), "a-b-000010": withAliases(3, "a-b"), "a-": {}, "a-x": {}},
			Family{Current: "a-000003", Free: "a-000004"}, false},
		"one without an alias": {map[string]described{"a-000003": withAliases(3, "a"), "a-000004": {}}, Family{Current: "a-000003", Free: "a-000005"}, false},
		"two":                  {map[string]described{"a-000003": withAliases(3, "a"), "a-000004": withAliases(3, "a")}, Family{}, true},
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
	x := opened(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.Method+" "+r.URL.Path)
		w.Header().Set("X-Elastic-Product", "Elasticsearch")
		w.Header().Set("Content-Type", "application/json")
		if !there {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		fmt.Fprintf(w, `{"it":{"settings":{"index":{"uuid":"u"}},"mappings":{"_meta":{"version":%d}}}}`, version-1)
	}))
	x.cfg.Alias = "a"
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

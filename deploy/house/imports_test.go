package house

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path"
	"slices"
	"strings"
	"testing"
)

type listed struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
	Deps                               []string
	GoFiles, TestGoFiles               []string
}

func list(t *testing.T, args ...string) (all []listed) {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", append([]string{"list", "-json"}, args...)...)
	command.Dir = "../.."
	out, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	decoder := json.NewDecoder(strings.NewReader(string(out)))
	for {
		var p listed
		if err := decoder.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// room is the first folder of a package of ours; "" for others.
func room(path string) string {
	rest, ours := strings.CutPrefix(path, "chatlog/")
	if !ours {
		return ""
	}
	first, _, _ := strings.Cut(rest, "/")
	return first
}

// TestImports keeps the rooms apart: shared knows nobody, services know only
// shared, deploy knows all.
func TestImports(t *testing.T) {
	allowed := map[string][]string{"shared": {"shared"}, "ingest": {"ingest", "shared"}, "sinks": {"sinks", "shared"},
		"query": {"query", "shared"}, "deploy": {"deploy", "ingest", "sinks", "query", "shared"}}
	packages := list(t, "./...")
	if len(packages) < 30 {
		t.Fatal("only these were listed: ", packages)
	}
	for _, p := range packages {
		for _, imported := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			if to := room(imported); to != "" && !slices.Contains(allowed[room(p.ImportPath)], to) {
				t.Errorf("%s imports %s", p.ImportPath, imported)
			}
		}
	}
}

// TestServicesCarryNoEmbeddedParts keeps what only the all-in-one needs out of
// the services' programs.
func TestServicesCarryNoEmbeddedParts(t *testing.T) {
	for _, p := range list(t, "./ingest", "./sinks", "./query") {
		for _, dependency := range p.Deps {
			for _, part := range []string{"github.com/twmb/franz-go", "github.com/blevesearch", "modernc.org/sqlite", "github.com/alicebob/miniredis"} {
				if strings.HasPrefix(dependency, part) {
					t.Errorf("%s depends on %s", p.ImportPath, dependency)
				}
			}
		}
	}
}

// TestGivenPackages wants every given package used, and by those it is for.
func TestGivenPackages(t *testing.T) {
	used := map[string][]string{}
	for _, p := range list(t, "./...") {
		for _, imported := range p.Imports {
			used[imported] = append(used[imported], p.ImportPath)
		}
	}
	for _, given := range []string{"github.com/segmentio/kafka-go", "github.com/julienschmidt/httprouter", "github.com/redis/go-redis/v9",
		"github.com/go-sql-driver/mysql", "github.com/elastic/go-elasticsearch/v8", "github.com/spf13/viper"} {
		if len(used[given]) == 0 {
			t.Errorf("%s is not used", given)
		}
	}
	for _, user := range used["github.com/twmb/franz-go/pkg/kgo"] {
		if room(user) != "deploy" {
			t.Errorf("%s speaks to Kafka by another client than kafka-go", user)
		}
	}
}

// TestNames refuses names that say nothing.
func TestNames(t *testing.T) {
	for _, p := range list(t, "./...") {
		for _, name := range append(slices.Concat(p.GoFiles, p.TestGoFiles), p.ImportPath) {
			switch strings.TrimSuffix(strings.TrimSuffix(path.Base(name), ".go"), "_test") {
			case "util", "utils", "common", "helper", "helpers", "manager", "base", "misc":
				t.Errorf("%s: %s is no name", p.ImportPath, name)
			}
		}
	}
}

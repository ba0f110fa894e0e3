// Package contract lets schemathesis try the running services against the OpenAPI
// document that they serve: it makes up requests of every kind, right and wrong,
// follows the document's links, and compares every reply with the document.
// schemathesis.toml says what is tried, hooks.py what it has to be told.
package contract

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"chatlog/deploy/client"
	"chatlog/deploy/system"
	"chatlog/shared/parts"
)

// bin is where the programs under test were built.
var bin string

func TestMain(m *testing.M) {
	os.Exit(system.RunTests(m, &bin, "chatlog/ingest", "chatlog/sinks", "chatlog/query", "chatlog/deploy/local"))
}

// TestTheDocumentIsStrictlyValid asks a second validator, which is written in
// another language after the standard's own schemas.
func TestTheDocumentIsStrictlyValid(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), filepath.Join(tools(t), "openapi-spec-validator"),
		"--schema", "3.1", "--validation-errors", "all", "../../shared/schema/openapi/openapi.yaml").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func TestEmbeddedContract(t *testing.T) {
	at := tools(t)
	s, err := system.Embedded(bin, t.TempDir(), "CHATLOG_INGEST_TOKEN_SECRET="+strings.Repeat("5", 64))
	if err != nil {
		t.Fatal(err)
	}
	start(t, s)
	t.Run("mistakes are seen", func(t *testing.T) { seesMistakes(t, at, s) })
	t.Run("query", func(t *testing.T) { try(t, at, "query", s.Reads, usual, 1500, 40) })
	t.Run("ingest", func(t *testing.T) { try(t, at, "ingest", s.Writes, usual, 800, 10) })
}

// TestRealContract is about what depends on the parts: shorter than the embedded
// one unless CONTRACT_EXAMPLES says more.
func TestRealContract(t *testing.T) {
	db := parts.MySQL(t)
	p := system.Parts{Kafka: parts.Kafka(t), MySQL: db.Address, User: db.User, Password: db.Password.Reveal(),
		Elasticsearch: parts.Elasticsearch(t), Redis: parts.Redis(t)}.Of(system.UniqueName("contract"))
	at := tools(t)
	if err := p.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := p.Remove(ctx); err != nil {
			t.Error("cleaning up:", err)
		}
	})
	s, err := system.Real(bin, filepath.Join(t.TempDir(), "logs"), p)
	if err != nil {
		t.Fatal(err)
	}
	start(t, s)
	try(t, at, "query", s.Reads, 3, 1000, 10)
	if os.Getenv("CONTRACT_EXAMPLES") != "" {
		try(t, at, "ingest", s.Writes, 3, 500, 10)
	}
}

// start starts the system, stops it at the test's end, and wants that nothing
// has panicked.
func start(t *testing.T, s *system.System) {
	t.Cleanup(func() {
		if err := s.Stop(); err != nil {
			t.Error("stopping:", err)
		}
		for _, p := range s.Programs {
			log, err := os.ReadFile(p.Log)
			if err != nil || strings.Contains(string(log), "panic") {
				t.Errorf("%s panicked, or has no log: %v", p.Name, err)
			}
		}
	})
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	furnish(t, s)
}

// key gives, with the secret of the systems here, the application that
// schemathesis.toml names.
const key = "0d9ac2f4-3b1e-4c57-9a80-6f21b7e5d3c4"

// furnish makes the application that schemathesis.toml names, two chats, and
// three messages in each.
func furnish(t *testing.T, s *system.System) {
	c := client.New(s.Writes, 1)
	defer c.Close()
	config, err := os.ReadFile("schemathesis.toml")
	if err != nil {
		t.Fatal(err)
	}
	application, err := c.CreateApplication(t.Context(), "Shetewi", client.Headers{"Idempotency-Key", key})
	if err != nil || !strings.Contains(string(config), application) {
		t.Fatalf("schemathesis.toml does not have the application %s: %v", application, err)
	}
	for range 2 {
		chat, err := c.CreateChat(t.Context(), application, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			if _, _, err := c.CreateMessage(t.Context(), application, chat, fmt.Sprint("hello ", i), nil); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// try lets schemathesis try one service. It must have made at least so many
// requests, and followed at least so many of the document's links.
func try(t *testing.T, at, service, base string, examples, cases, links int) {
	t.Helper()
	if text := os.Getenv("CONTRACT_EXAMPLES"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			t.Fatalf("CONTRACT_EXAMPLES: %q", text)
		}
		examples = n
	}
	began := time.Now()
	told, out, err := run(t, at, service, base, served(t, base), examples)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	found := linked.FindStringSubmatch(out)
	if found == nil {
		t.Fatalf("no links were followed:\n%s", out)
	}
	t.Logf("%s: schemathesis tried %d operations with %d requests and %s of %s links in %.0f s, seed %s: %d failures; %d refusals that are beyond schemas",
		service, told.Operations.Tested, told.TestCases.Generated, found[1], found[2], time.Since(began).Seconds(), seed(), len(told.Failures), told.Filtered)
	covered, err := strconv.Atoi(found[1])
	if err != nil || covered < links || told.TestCases.Generated < cases {
		t.Errorf("too little was tried: %d links of %d, %d requests of %d", covered, links, told.TestCases.Generated, cases)
	}
	if len(told.Failures)+len(told.Errors)+told.TestCases.WithFailures+told.TestCases.Errored+told.Operations.Errored > 0 ||
		!told.Complete || told.Operations.Tested != told.Operations.Selected {
		t.Errorf("it is not content: %+v\n%s", told, out)
	}
	for _, phase := range []string{"examples", "coverage", "fuzzing", "stateful"} {
		if told.Phases[phase].Status != "success" {
			t.Errorf("the phase %s: %q", phase, told.Phases[phase].Status)
		}
	}
}

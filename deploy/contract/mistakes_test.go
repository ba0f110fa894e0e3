package contract

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"chatlog/deploy/system"
)

// mistakes are changes of the document, each with the kind of failure that must
// come of it.
var mistakes = map[string][2]string{
	"Response violates schema":          {"required: [Application, Username]\n", "required: [Application, Username, Email]\n"},
	"Missing required response headers": {"Consistency-Token: {$ref: '#/components/headers/ConsistencyToken'}", "Token: {$ref: '#/components/headers/ConsistencyToken'}"},
	"Undocumented status code":          {"'400': {$ref: '#/components/responses/BadApplication'}", "'499': {$ref: '#/components/responses/BadApplication'}"},
	"Schema-valid request rejected":     {"maxLength: 255\n    Text:", "maxLength: 300\n    Text:"},
	"Schema-violating request accepted": {"description: 1 to 255 characters, kept as they are.\n      minLength: 1\n", "minLength: 5\n"},
}

// seesMistakes makes sure that a document that is wrong about the service does
// not pass, whatever is wrong.
func seesMistakes(t *testing.T, at string, s *system.System) {
	content, err := os.ReadFile("../../shared/schema/openapi/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	document := string(content)
	for kind, change := range mistakes {
		if !strings.Contains(document, change[0]) {
			t.Fatalf("%s: the document has no %q", kind, change[0])
		}
		document = strings.Replace(document, change[0], change[1], 1)
	}
	wrong := filepath.Join(t.TempDir(), "openapi.yaml")
	if err := os.WriteFile(wrong, []byte(document), 0o600); err != nil {
		t.Fatal(err)
	}
	told, out, err := run(t, at, "ingest", s.Writes, wrong, usual, "--include-operation-id", "createApplication", "--phases", "coverage")
	if _, ended := errors.AsType[*exec.ExitError](err); !ended || !told.Complete {
		t.Fatalf("it has not come to its end, or is content: %v\n%s", err, out)
	}
	for kind := range mistakes {
		if !slices.ContainsFunc(told.Failures, func(f failure) bool { return f.Title == kind }) {
			t.Errorf("%s: not seen, but %+v", kind, told.Failures)
		}
	}
}

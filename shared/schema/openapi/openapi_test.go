package openapi

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"

	"chatlog/shared/httpserve"
)

// load reads the document as it is served and checks it and its examples
// against OpenAPI 3.1.
func load(t *testing.T) *openapi3.T {
	t.Helper()
	value, err := Serve(nil, nil, httpserve.Params{})
	raw, ok := value.(httpserve.Raw)
	if err != nil || !ok || raw.ContentType != "application/yaml" {
		t.Fatalf("served as %T %q: %v", value, raw.ContentType, err)
	}
	doc, err := openapi3.NewLoader().LoadFromData(raw.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context(), openapi3.EnableMultiError(), openapi3.EnableExamplesValidation(), openapi3.EnableSchemaFormatValidation()); err != nil {
		t.Fatal(err)
	}
	return doc
}

func TestTheDocumentIsValid(t *testing.T) {
	if doc := load(t); !doc.IsOpenAPI31OrLater() || !strings.HasPrefix(doc.OpenAPI, "3.1.") {
		t.Errorf("it is OpenAPI %s", doc.OpenAPI)
	}
}

// TestTheCheckSeesMistakes makes sure that a document with mistakes would not
// pass as valid.
func TestTheCheckSeesMistakes(t *testing.T) {
	for name, change := range map[string][2]string{
		"an example of the wrong type": {"MessageID: 3,", "MessageID: x,"},
		"an example without a field":   {"value: {error: 'Not found'}", "value: {err: 'Not found'}"},
		"a reference to nothing":       {"schemas/Count'", "schemas/Nothing'"},
		"a parameter that is missing":  {"/chat/{chat}/messages:", "/chat/{other}/messages:"},
		"an unknown field":             {"operationId: getHealth", "operationID: getHealth"},
		"a pattern that is none":       {"(0|[1-9][0-9]*)$", "(0|[1-9][0-9]*$"},
	} {
		changed := strings.Replace(string(document), change[0], change[1], 1)
		if changed == string(document) {
			t.Errorf("%s: the document has no %q", name, change[0])
			continue
		}
		doc, err := openapi3.NewLoader().LoadFromData([]byte(changed))
		if err == nil {
			err = doc.Validate(t.Context(), openapi3.EnableExamplesValidation())
		}
		if err == nil {
			t.Errorf("%s is not noticed", name)
		}
	}
}

// each calls do with every operation.
func each(doc *openapi3.T, do func(method, path string, item *openapi3.PathItem, o *openapi3.Operation)) {
	for path, item := range doc.Paths.Map() {
		for method, o := range item.Operations() {
			do(method, path, item, o)
		}
	}
}

func TestEveryOperation(t *testing.T) {
	doc := load(t)
	ids := map[string]bool{}
	each(doc, func(method, path string, item *openapi3.PathItem, o *openapi3.Operation) {
		name := method + " " + path
		if o.OperationID == "" || ids[o.OperationID] {
			t.Errorf("%s: its id %q is empty or not its own", name, o.OperationID)
		}
		ids[o.OperationID] = true
		if o.Summary == "" || len(o.Tags) != 1 || doc.Tags.Get(o.Tags[0]) == nil {
			t.Errorf("%s has no summary or no known tag", name)
		}
		if o.Responses.Value("200") == nil || o.Responses.Default() != nil {
			t.Errorf("%s: 200 must be told, and so must every other status", name)
		}
		parameters := slices.Concat(item.Parameters, o.Parameters)
		if parameters.GetByInAndName("header", "X-Request-Id") == nil {
			t.Errorf("%s takes no X-Request-Id", name)
		}
		if !strings.HasPrefix(path, "/application") {
			return
		}
		write := method != http.MethodGet
		if got := parameters.GetByInAndName("header", "Idempotency-Key") != nil; got != write {
			t.Errorf("%s takes an Idempotency-Key: %v", name, got)
		}
		if got := parameters.GetByInAndName("header", "Consistency-Token") != nil; got == write {
			t.Errorf("%s takes a Consistency-Token: %v", name, got)
		}
		if o.Responses.Value("200").Value.Headers["Consistency-Token"] != nil != write {
			t.Errorf("%s: a write gives a Consistency-Token, a read does not", name)
		}
		for _, status := range []string{"400", "429", "500", "503"} {
			if o.Responses.Value(status) == nil {
				t.Errorf("%s has no %s", name, status)
			}
		}
	})
}

func TestEveryReply(t *testing.T) {
	doc := load(t)
	each(doc, func(method, path string, _ *openapi3.PathItem, o *openapi3.Operation) {
		for status, reply := range o.Responses.Map() {
			name := method + " " + path + " " + status
			if id := reply.Value.Headers["X-Request-Id"]; id == nil || !id.Value.Required {
				t.Errorf("%s has no X-Request-Id", name)
			}
			if wait := reply.Value.Headers["Retry-After"]; (wait != nil && wait.Value.Required) != (status == "429" || status == "503") {
				t.Errorf("%s: Retry-After belongs to 429 and 503", name)
			}
			body := reply.Value.Content["application/json"]
			switch {
			case body == nil && strings.HasPrefix(path, "/application"):
				t.Errorf("%s is not JSON", name)
			case body == nil:
			case body.Example == nil && len(body.Examples) == 0:
				t.Errorf("%s has no example", name)
			case status >= "400" && path != "/readyz" && body.Schema.Ref != "#/components/schemas/Error":
				t.Errorf("%s is not an error as all others: %s", name, body.Schema.Ref)
			}
		}
	})
}

// TestEveryLink makes sure that each link leads to a call and gives it all parts
// of its path, and nothing that it does not take.
func TestEveryLink(t *testing.T) {
	doc := load(t)
	calls := map[string]openapi3.Parameters{}
	each(doc, func(_, _ string, item *openapi3.PathItem, o *openapi3.Operation) {
		calls[o.OperationID] = slices.Concat(item.Parameters, o.Parameters)
	})
	for name, link := range doc.Components.Links {
		takes, known := calls[link.Value.OperationID]
		if !known || link.Value.Description == "" {
			t.Errorf("%s leads to no call, or has no description", name)
		}
		for qualified := range link.Value.Parameters {
			in, parameter, found := strings.Cut(qualified, ".")
			if !found {
				in, parameter = "path", qualified
			}
			if takes.GetByInAndName(in, parameter) == nil {
				t.Errorf("%s gives %s, which %s does not take", name, qualified, link.Value.OperationID)
			}
		}
		for _, p := range takes {
			if _, given := link.Value.Parameters[p.Value.Name]; p.Value.In == "path" && p.Value.Name != "query" && !given {
				t.Errorf("%s does not give %s", name, p.Value.Name)
			}
		}
	}
	for _, reply := range []string{"ApplicationCreated", "ChatCreated", "MessageCreated", "Changed"} {
		if len(doc.Components.Responses[reply].Value.Links) < 4 {
			t.Errorf("%s leads nowhere", reply)
		}
	}
}

// TestBothSpellings makes sure that a path with /chats says the same as the one
// with /chat.
func TestBothSpellings(t *testing.T) {
	doc := load(t)
	chat := regexp.MustCompile(`/chat(/|$)`)
	pairs := 0
	each(doc, func(method, path string, item *openapi3.PathItem, o *openapi3.Operation) {
		if !chat.MatchString(path) {
			return
		}
		pairs++
		other := doc.Paths.Value(chat.ReplaceAllString(path, "/chats$1"))
		if other == nil || other.GetOperation(method) == nil {
			t.Errorf("%s %s has no other spelling", method, path)
			return
		}
		twin := other.GetOperation(method)
		if !slices.Equal(references(item, o), references(other, twin)) || o.Description != twin.Description || len(deref(o.Servers)) != len(deref(twin.Servers)) {
			t.Errorf("%s %s and its other spelling differ:\n%v\n%v", method, path, references(item, o), references(other, twin))
		}
	})
	if pairs != 9 {
		t.Errorf("%d operations have two spellings, not 9", pairs)
	}
}

func deref(s *openapi3.Servers) openapi3.Servers {
	if s == nil {
		return nil
	}
	return *s
}

// references names everything that an operation is made of.
func references(item *openapi3.PathItem, o *openapi3.Operation) (all []string) {
	for _, p := range slices.Concat(item.Parameters, o.Parameters) {
		all = append(all, p.Ref)
	}
	for status, reply := range o.Responses.Map() {
		all = append(all, status+" "+reply.Ref)
	}
	if o.RequestBody != nil {
		all = append(all, o.RequestBody.Ref)
	}
	slices.Sort(all)
	return all
}

// TestNothingIsLeftOver makes sure that every component is used, but for the
// replies that belong to every path.
func TestNothingIsLeftOver(t *testing.T) {
	everywhere := []string{"responses/UnknownPath", "responses/MethodNotAllowed", "responses/Malformed"}
	kind, components := "", false
	for line := range strings.Lines(string(document)) {
		name := strings.TrimSuffix(strings.TrimSpace(line), ":")
		name, _, _ = strings.Cut(name, ":")
		switch indent := len(line) - len(strings.TrimLeft(line, " ")); {
		case indent == 0:
			components = name == "components"
		case components && indent == 2:
			kind = name
		case components && indent == 4:
			use := kind + "/" + name
			if !slices.Contains(everywhere, use) && !strings.Contains(string(document), "'#/components/"+use+"'") {
				t.Errorf("nothing uses %s", use)
			}
		}
	}
}

package e2e

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"

	"chatlog/deploy/client"
)

// contract is the document as the services serve it, and where its calls go.
type contract struct {
	doc      *openapi3.T
	services map[string]*client.Client
	values   map[string]string // of the paths' parameters
}

// TestEmbeddedOpenAPI checks the services against their document, and the
// document against them.
func TestEmbeddedOpenAPI(t *testing.T) {
	h := embedded(t, "CHATLOG_INGEST_TOKEN_SECRET="+strings.Repeat("s", 32))
	k := readContract(t, h)
	if t.Run("the checks see mistakes", k.seesMistakes); t.Failed() {
		return
	}
	for _, one := range slices.Concat(k.writes(), k.reads(t, h)) {
		for name, c := range k.services {
			if k.serves(name, one.method, one.path) && (one.only == "" || one.only == name) {
				t.Run(name+" "+one.String(), func(t *testing.T) { k.try(t, c, one) })
			}
		}
	}
	t.Run("methods", k.testMethods)
	t.Run("paths", k.testPaths)
	t.Run("what is no request", func(t *testing.T) { k.testMalformed(t, h) })
	t.Run("routes", k.testRoutes)
}

// readContract gets the document from both services. Its replies are taken to
// name all fields, although a client must bear with more.
func readContract(t *testing.T, h *house) *contract {
	k := &contract{services: map[string]*client.Client{"ingest": h.ingest, "query": h.query}}
	text := ""
	for name, c := range k.services {
		reply, err := c.Do(t.Context(), "GET", "/openapi.yaml", "", nil)
		if err != nil || reply.Status != 200 || text != "" && reply.Body != text {
			t.Fatalf("%s has no document, or another one: %d %v", name, reply.Status, err)
		}
		text = reply.Body
	}
	var err error
	if k.doc, err = openapi3.NewLoader().LoadFromData([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := k.doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	closed := false
	for _, s := range k.doc.Components.Schemas {
		if s.Value.Type.Is("object") {
			s.Value.AdditionalProperties.Has = &closed
		}
	}
	app := application(t, h.ingest)
	k.values = map[string]string{"token": app, "query": "Alhamdulilah", "chat": fmt.Sprint(chat(t, h.ingest, app)), "message": "1"}
	chat(t, h.ingest, app)
	for range 3 {
		if _, _, err := h.ingest.CreateMessage(t.Context(), app, 1, "Alhamdulilah", nil); err != nil {
			t.Fatal(err)
		}
	}
	return k
}

// serves reports whether, by the document, a service has a call. query has all.
func (k *contract) serves(service, method, path string) bool {
	item := k.doc.Paths.Value(path)
	if item == nil || item.GetOperation(method) == nil {
		return false
	}
	if service == "query" {
		return true
	}
	servers := item.GetOperation(method).Servers
	return servers != nil && slices.ContainsFunc(*servers, func(s *openapi3.Server) bool { return s.Description == service })
}

// try sends a call and compares request and reply with the document.
func (k *contract) try(t *testing.T, c *client.Client, one call) {
	item := k.doc.Paths.Value(one.path)
	values := maps.Clone(k.values)
	maps.Copy(values, one.with)
	address := one.path
	for name, value := range values {
		address = strings.ReplaceAll(address, "{"+name+"}", url.PathEscape(value))
	}
	if one.query != "" {
		address += "?" + one.query
	}
	request, err := http.NewRequestWithContext(t.Context(), one.method, c.Base+address, strings.NewReader(one.body))
	if err != nil {
		t.Fatal(err)
	}
	if one.body != "" {
		request.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(one.headers); i += 2 {
		request.Header.Set(one.headers[i], one.headers[i+1])
	}
	operation := item.GetOperation(one.method)
	input := &openapi3filter.RequestValidationInput{Request: request, PathParams: values,
		Route: &routers.Route{Spec: k.doc, Path: one.path, PathItem: item, Method: one.method, Operation: operation}}
	if err := openapi3filter.ValidateRequest(t.Context(), input); (err != nil) != one.odd {
		t.Errorf("by the document the request is wrong: %v, want %v: %v", err != nil, one.odd, err)
	}
	reply, err := c.Do(t.Context(), one.method, address, one.body, one.headers)
	if err != nil || reply.Status != one.status {
		t.Fatalf("%d %.300s %v, want %d", reply.Status, reply.Body, err, one.status)
	}
	described := operation.Responses.Value(fmt.Sprint(reply.Status))
	if described == nil {
		t.Fatalf("%d is not documented", reply.Status)
	}
	if err := k.compare(t, described.Value, reply); err != nil {
		t.Error(err)
	}
	if one.method == http.MethodGet {
		k.tryHead(t, c, address, one.headers, described.Value, reply)
	}
}

// tryHead wants the same of HEAD, but no body.
func (k *contract) tryHead(t *testing.T, c *client.Client, address string, headers client.Headers, described *openapi3.Response, get client.Reply) {
	reply, err := c.Do(t.Context(), http.MethodHead, address, "", headers)
	if err != nil || reply.Status != get.Status || reply.Body != "" || reply.Header.Get("Content-Type") != get.Header.Get("Content-Type") {
		t.Errorf("HEAD answers otherwise than GET: %v %v", reply, err)
	}
	reply.Body = get.Body
	if err := k.compare(t, described, reply); err != nil {
		t.Error("HEAD:", err)
	}
}

// ofHTTP are headers that are nobody's to document.
var ofHTTP = []string{"Content-Type", "Content-Length", "Date"}

// compare tells how a reply differs from its description: in its headers, its
// body, or, if it is an error, in a text that is not among the examples.
func (k *contract) compare(t *testing.T, described *openapi3.Response, reply client.Reply) error {
	for name := range reply.Header {
		if described.Headers[name] == nil && !slices.Contains(ofHTTP, name) {
			return fmt.Errorf("the header %s is not documented", name)
		}
	}
	operation := &openapi3.Operation{Responses: openapi3.NewResponses(openapi3.WithStatus(reply.Status, &openapi3.ResponseRef{Value: described}))}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/", nil)
	if err != nil {
		return err
	}
	err = openapi3filter.ValidateResponse(t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{Request: request, Route: &routers.Route{Spec: k.doc, Operation: operation}},
		Status:                 reply.Status, Header: reply.Header, Body: io.NopCloser(bytes.NewReader([]byte(reply.Body)))})
	content := described.Content["application/json"]
	if err != nil || content == nil || content.Schema.Ref != "#/components/schemas/Error" {
		return err
	}
	var body struct{ Error string }
	if err := json.Unmarshal([]byte(reply.Body), &body); err != nil {
		return err
	}
	for _, example := range content.Examples {
		if told, ok := example.Value.Value.(map[string]any); ok && told["error"] == body.Error {
			return nil
		}
	}
	return fmt.Errorf("the error %q is not documented", body.Error)
}

// seesMistakes makes sure that wrong replies do not pass.
func (k *contract) seesMistakes(t *testing.T) {
	good := func(body string, headers ...string) client.Reply {
		reply := client.Reply{Status: 200, Header: http.Header{"Content-Type": {"application/json"}, "X-Request-Id": {"x"}}, Body: body}
		for i := 0; i < len(headers); i += 2 {
			reply.Header.Set(headers[i], headers[i+1])
		}
		return reply
	}
	for _, c := range []struct {
		response string
		reply    client.Reply
		pass     bool
	}{
		{"Changed", good(`{"status":"success"}`, "Consistency-Token", "x"), true},
		{"Changed", good(`{"status":"success","more":1}`, "Consistency-Token", "x"), false},
		{"Changed", good(`{"status":"failure"}`, "Consistency-Token", "x"), false},
		{"Changed", good(`{"status":"success"}`), false},
		{"Changed", good(`{"status":"success"}`, "Consistency-Token", "x", "Server", "x"), false},
		{"Changed", good(`{"status":"success"}`, "Consistency-Token", "x", "Content-Type", "text/plain"), false},
		{"Found", good(`[]`), true},
		{"Found", good(`[{}]`), false},
		{"Found", good(`null`), false},
		{"ChatNotFound", good(`{"error":"Chat not found"}`), true},
		{"ChatNotFound", good(`{"error":"Message not found"}`), false},
	} {
		if err := k.compare(t, k.doc.Components.Responses[c.response].Value, c.reply); (err == nil) != c.pass {
			t.Errorf("%s %v passes: %v", c.response, c.reply, err)
		}
	}
}

// everywhere checks a reply that belongs to every path.
func (k *contract) everywhere(t *testing.T, c *client.Client, method, path, response string, status int) client.Reply {
	t.Helper()
	reply, err := c.Do(t.Context(), method, path, "", nil)
	if err != nil || reply.Status != status {
		t.Errorf("%s %s%s: %d %v, want %d", method, c.Base, path, reply.Status, err, status)
	} else if err := k.compare(t, k.doc.Components.Responses[response].Value, reply); err != nil {
		t.Errorf("%s %s: %v", method, path, err)
	}
	return reply
}

// testMethods asks with a method that no path has: Allow must name the very
// methods that the document has for the service.
func (k *contract) testMethods(t *testing.T) {
	for path, item := range k.doc.Paths.Map() {
		for name, c := range k.services {
			want := map[string]bool{}
			for method := range item.Operations() {
				if !k.serves(name, method, path) {
					continue
				}
				if want[method] = true; method == http.MethodGet {
					want[http.MethodHead] = true
				}
			}
			if len(want) == 0 {
				k.everywhere(t, c, http.MethodPatch, path, "UnknownPath", 404)
				continue
			}
			got := strings.Split(k.everywhere(t, c, http.MethodPatch, path, "MethodNotAllowed", 405).Header.Get("Allow"), ", ")
			if wanted := slices.Sorted(maps.Keys(want)); !slices.Equal(wanted, slices.Sorted(slices.Values(got))) {
				t.Errorf("%s of %s allows %v, the document %v", path, name, got, wanted)
			}
		}
	}
}

// testPaths asks for what lies around the documented paths. It must not be there.
func (k *contract) testPaths(t *testing.T) {
	around := map[string]bool{"/": true, "/x": true}
	for path := range k.doc.Paths.Map() {
		for ; path != ""; path = path[:strings.LastIndex(path, "/")] {
			around[path], around[path+"/x"] = true, true
		}
	}
	for path := range around {
		documented := slices.ContainsFunc(slices.Collect(maps.Keys(k.doc.Paths.Map())), func(p string) bool { return fits(p, path) })
		for _, c := range k.services {
			for _, method := range []string{"GET", "POST", "PUT", "DELETE", "PATCH"} {
				if !documented {
					k.everywhere(t, c, method, path, "UnknownPath", 404)
				}
			}
		}
	}
}

// fits reports whether a path is one of a template.
func fits(template, path string) bool {
	a, b := strings.Split(template, "/"), strings.Split(path, "/")
	for i := range a {
		if len(a) != len(b) || a[i] != b[i] && !strings.HasPrefix(a[i], "{") {
			return false
		}
	}
	return true
}

func (k *contract) testMalformed(t *testing.T, h *house) {
	for _, base := range []string{h.Writes, h.Reads} {
		reply, err := raw(strings.TrimPrefix(base, "http://"), "GET /application/%zz HTTP/1.1\r\nHost: x\r\n\r\n")
		if err != nil || reply.Status != 400 {
			t.Fatal(reply, err)
		}
		if err := k.compare(t, k.doc.Components.Responses["Malformed"].Value, reply); err != nil {
			t.Error(err)
		}
	}
}

var (
	counted   = regexp.MustCompile(`(?m)^chatlog_http_requests_total\{code="(\d)\d\d",method="(\w+)",route="(/[^"]*)",service="(ingest|query)"\}`)
	parameter = regexp.MustCompile(`:(\w+)`)
)

// testRoutes compares the routes that the services have counted with the
// document: each is there, and each call of the document was answered well and,
// if there is a bad way to ask, badly.
func (k *contract) testRoutes(t *testing.T) {
	answered := map[string]bool{}
	for name, c := range k.services {
		reply, err := c.Do(t.Context(), "GET", "/metrics", "", nil)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range counted.FindAllStringSubmatch(reply.Body, -1) {
			path := parameter.ReplaceAllString(m[3], "{$1}")
			if method := strings.Replace(m[2], "HEAD", "GET", 1); m[4] == name && !k.serves(name, method, path) {
				t.Errorf("%s serves %s %s, which is not documented", name, method, path)
			}
			answered[m[4]+" "+m[2]+" "+path+" "+m[1]] = true
		}
	}
	for path, item := range k.doc.Paths.Map() {
		for method, o := range item.Operations() {
			for name := range k.services {
				if !k.serves(name, method, path) {
					continue
				}
				if !answered[name+" "+method+" "+path+" 2"] || o.Responses.Value("400") != nil && !answered[name+" "+method+" "+path+" 4"] {
					t.Errorf("%s %s of %s was not asked both well and badly", method, path, name)
				}
			}
		}
	}
}

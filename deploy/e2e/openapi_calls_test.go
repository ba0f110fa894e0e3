package e2e

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"github.com/google/uuid"

	"chatlog/deploy/client"
)

// call is one request and what must come of it.
type call struct {
	method, path string
	status       int
	with         map[string]string // values of path parameters other than the contract's
	query, body  string
	headers      client.Headers
	odd          bool   // the document must not allow such a request
	only         string // the service that answers so; empty: all that serve the call
}

func (c call) String() string {
	return fmt.Sprintf("%s %s %.40s %.40s", c.method, c.path, c.query, c.body)
}

var plural = regexp.MustCompile(`/chat(/|$)`)

// spelled adds the other spelling to every call that has one.
func spelled(calls []call) (all []call) {
	for _, c := range calls {
		all = append(all, c)
		if plural.MatchString(c.path) {
			c.path = plural.ReplaceAllString(c.path, "/chats$1")
			all = append(all, c)
		}
	}
	return all
}

var (
	nowhere = map[string]string{"token": strings.Repeat("0", 32), "chat": "999", "message": "999"}
	noToken = map[string]string{"token": "x"}
	badKey  = client.Headers{"Idempotency-Key", "a b"}
	noJSON  = client.Headers{"Content-Type", "text/plain"}
	huge    = `{"username":"a","message":"a","other":"` + strings.Repeat("y", 1<<20) + `"}`
)

const (
	atChat    = "/application/{token}/chat"
	atMessage = atChat + "/{chat}/message/{message}"
)

func (k *contract) writes() []call {
	id := client.Headers{"Idempotency-Key", uuid.NewString()}
	calls := []call{
		{method: "POST", path: "/application", body: `{"username":"Shetewi"}`, headers: id, status: 200},
		{method: "POST", path: "/application", body: `{"username":"Another"}`, headers: id, status: 422},
		{method: "POST", path: "/application", body: `{"username":"Shetewi","more":1}`, status: 200},
		{method: "POST", path: "/application", body: `{}`, status: 400, odd: true},
		{method: "POST", path: "/application", body: `{"username":1}`, status: 400, odd: true},
		{method: "POST", path: "/application", body: `{"username":"` + strings.Repeat("é", 256) + `"}`, status: 400, odd: true},
		{method: "POST", path: "/application", body: `{"username":"Shetewi"}`, headers: client.Headers{"Idempotency-Key", "abc"}, status: 400, odd: true},
		{method: "POST", path: "/application", body: `{"username":"Shetewi"}`, headers: noJSON, status: 415, odd: true},
		{method: "POST", path: "/application", body: huge, status: 413},
		{method: "POST", path: atChat, headers: client.Headers{"Idempotency-Key", "c"}, status: 200},
		{method: "POST", path: atChat, headers: badKey, status: 400, odd: true},
		{method: "POST", path: atChat, with: nowhere, status: 404},
		{method: "POST", path: atChat, with: noToken, status: 404, odd: true},
		{method: "POST", path: atChat, body: huge, status: 413, only: "query"},
		{method: "DELETE", path: atMessage, with: map[string]string{"message": "2"}, headers: client.Headers{"Idempotency-Key", "d"}, status: 200},
		{method: "DELETE", path: atMessage, headers: badKey, status: 400, odd: true},
		{method: "DELETE", path: atMessage, with: nowhere, status: 404},
		{method: "DELETE", path: atMessage, with: map[string]string{"message": "x"}, status: 404, odd: true},
		{method: "DELETE", path: atMessage, headers: client.Headers{"Idempotency-Key", "c"}, status: 422},
		{method: "DELETE", path: atMessage, body: huge, status: 413, only: "query"},
		{method: "PUT", path: atMessage, with: map[string]string{"message": "2"}, body: `{"message":"gone"}`, status: 404},
	}
	for _, c := range []call{{method: "POST", path: atChat + "/{chat}/message"}, {method: "PUT", path: atMessage}} {
		for _, one := range []call{
			{body: `{"message":"a \u0000 Alhamdulilah"}`, status: 200},
			{body: `{"message":"x","more":{}}`, headers: client.Headers{"Idempotency-Key", c.method}, status: 200},
			{body: `{"message":"y"}`, headers: client.Headers{"Idempotency-Key", c.method}, status: 422},
			{body: `{}`, status: 400, odd: true}, {body: `{"message":1}`, status: 400, odd: true}, {body: `[]`, status: 400, odd: true},
			{body: `{"message":""}`, status: 400, odd: true}, {body: `{"message"`, status: 400, odd: true}, {body: ``, status: 400, odd: true},
			{body: `{"message":"\ud800"}`, status: 400}, {body: `{"message":"x"}`, headers: badKey, status: 400, odd: true},
			{body: `{"message":"x"}`, with: nowhere, status: 404}, {body: `{"message":"x"}`, headers: noJSON, status: 415, odd: true},
			{body: `{"message":"` + strings.Repeat("y", 64<<10+1) + `"}`, status: 413, odd: true}, {body: huge, status: 413},
		} {
			one.method, one.path = c.method, c.path
			calls = append(calls, one)
		}
	}
	return spelled(calls)
}

func (k *contract) reads(t *testing.T, h *house) []call {
	token, err := h.ingest.Update(t.Context(), k.values["token"], 1, 3, "Alhamdulilah again", nil)
	if err != nil {
		t.Fatal(err)
	}
	seen := client.Headers{"Consistency-Token", token}
	ahead := client.Headers{"Consistency-Token", token[:strings.LastIndex(token, "-")+1] + "999999999"}
	calls := []call{
		{method: "GET", path: "/healthz", status: 200}, {method: "GET", path: "/readyz", status: 200},
		{method: "GET", path: "/metrics", status: 200}, {method: "GET", path: "/openapi.yaml", status: 200},
		{method: "GET", path: "/healthz", headers: client.Headers{"X-Request-Id", strings.Repeat("i", 200)}, status: 200},
		{method: "GET", path: "/application/{token}", headers: ahead, status: 503},
		{method: "GET", path: "/application/{token}", with: noToken, status: 404, odd: true},
	}
	chats, messages := "/application/{token}/chats", atChat+"/{chat}/messages"
	for _, path := range []string{messages, atMessage} {
		calls = append(calls, call{method: "GET", path: path, query: "detail=true", headers: seen, status: 200},
			call{method: "GET", path: path, query: "detail=maybe", status: 400, odd: true})
	}
	for _, path := range []string{chats, messages} {
		for query, status := range map[string]int{"limit=1&order=desc": 200, "limit=1000&more=x": 200, "limit=0": 400, "limit=x": 400, "order=up": 400} {
			calls = append(calls, call{method: "GET", path: path, query: query, headers: seen, status: status, odd: status == 400})
		}
		for _, query := range []string{"cursor=abc", "limit=%zz"} {
			calls = append(calls, call{method: "GET", path: path, query: query, status: 400})
		}
	}
	searches := []string{"/application/{token}/search", atChat + "/{chat}/search"}
	for _, path := range searches {
		for query, status := range map[string]int{"q=Alhamdulilah": 200, "q=a/b%20%22c%22&limit=1": 200, "limit=1": 400, "q=": 400, "q=x&limit=0": 400,
			"q=" + strings.Repeat("w", 5000): 400, "q=alhamdulila&sort=newest&highlight=true&detail=true&limit=1": 200,
			"q=again&detail=true&from=2026-01-01T00:00:00Z&to=2126-01-01T00:00:00%2B01:00": 200,
			"q=x&sort=oldest": 400, "q=x&from=yesterday": 400, "q=x&to=2026-01-01": 400, "q=x&highlight=maybe": 400, "q=x&detail=maybe": 400} {
			calls = append(calls, call{method: "GET", path: path, query: query, headers: seen, status: status, odd: status == 400})
		}
		calls = append(calls, call{method: "GET", path: path, query: "q=x&cursor=abc", status: 400})
		calls = append(calls, call{method: "GET", path: path, query: "q=x", with: nowhere, status: 404})
		path += "/{query}"
		calls = append(calls, call{method: "GET", path: path, with: map[string]string{"query": `a/b "c"`}, status: 200},
			call{method: "GET", path: path, with: map[string]string{"query": strings.Repeat("w ", 33)}, status: 400})
		searches = append(searches, path)
	}
	for _, path := range append(searches[2:], "/application/{token}", chats, atChat+"/{chat}", messages, atMessage) {
		calls = append(calls, call{method: "GET", path: path, headers: seen, status: 200}, call{method: "GET", path: path, with: nowhere, status: 404},
			call{method: "GET", path: path, headers: client.Headers{"Consistency-Token", "nonsense"}, status: 400})
	}
	return spelled(calls)
}

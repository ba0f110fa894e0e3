package httpapi

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/uuid"

	"chatlog/ingest/internal/partition"
	"chatlog/shared/position"
)

// asked keeps what was submitted.
type asked struct{ last partition.Request }

func (a *asked) Submit(_ context.Context, r partition.Request) (partition.Reply, position.Token, error) {
	a.last = r
	return partition.Reply{Chat: 1, Number: 1}, position.Token{Log: "0000000000000001"}, nil
}

// sent gives the request that a call comes to.
func (a *asked) sent(t *testing.T, server *httptest.Server, key, method, path, body string) partition.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set(HeaderKey, key)
	a.last = partition.Request{}
	response, err := server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK || !a.last.Keyed || a.last.Fingerprint == "" {
		t.Fatalf("%s %s: %d, submitted %+v", method, path, response.StatusCode, a.last)
	}
	return a.last
}

// One key of one application is one command, and the fingerprint tells requests
// apart by everything that a client can ask for, and by nothing else.
func TestWhatIsTheSameRequest(t *testing.T) {
	var a asked
	server := serve(t, &a, "", oldS)
	one, two := "/application/"+strings.Repeat("a", 32), "/application/"+strings.Repeat("b", 32)
	const body = `{"message":"m"}`
	first := a.sent(t, server, "k", "POST", one+"/chat/1/message", body)
	for _, same := range []string{"/chats/1/message", "/chat/1/message/"} {
		if got := a.sent(t, server, "k", "POST", one+same, body); got.ID != first.ID || got.Fingerprint != first.Fingerprint {
			t.Errorf("%s is another request", same)
		}
	}
	for _, other := range []struct{ method, path, body string }{
		{"POST", one + "/chat/1/message", `{"message":"n"}`},
		{"POST", one + "/chat/2/message", body},
		{"PUT", one + "/chat/1/message/1", body},
		{"PUT", one + "/chat/1/message/2", body},
		{"DELETE", one + "/chat/1/message/1", ""},
		{"POST", one + "/chat", ""},
	} {
		got := a.sent(t, server, "k", other.method, other.path, other.body)
		if got.ID != first.ID {
			t.Errorf("%s %s: the key is another command's: both would be done", other.method, other.path)
		}
		if got.Fingerprint == first.Fingerprint {
			t.Errorf("%s %s %s passes for the first request", other.method, other.path, other.body)
		}
		if again := a.sent(t, server, "k", other.method, other.path, other.body); again.Fingerprint != got.Fingerprint {
			t.Errorf("%s %s: the same request has two fingerprints", other.method, other.path)
		}
	}
	if got := a.sent(t, server, "k", "POST", two+"/chat/1/message", body); got.ID == first.ID {
		t.Error("two applications share a key")
	}
	if got := a.sent(t, server, "K", "POST", one+"/chat/1/message", body); got.ID == first.ID {
		t.Error("two keys are one")
	}
}

// An application's token comes from its key, at every instance with the secret.
func TestAnApplicationsKeyIsItsToken(t *testing.T) {
	var a, b asked
	here, there := serve(t, &a, "", oldS), serve(t, &b, "", oldS)
	key := uuid.NewString()
	first := a.sent(t, here, key, "POST", "/application", `{"username":"u"}`)
	again := b.sent(t, there, strings.ToUpper(key), "POST", "/application", `{"username":"u"}`)
	other := b.sent(t, there, key, "POST", "/application", `{"username":"v"}`)
	if again.Application != first.Application || again.ID != first.ID || again.Fingerprint != first.Fingerprint {
		t.Errorf("%+v, then %+v", first, again)
	}
	if other.Application != first.Application || other.ID != first.ID || other.Fingerprint == first.Fingerprint {
		t.Errorf("%+v, then with another name %+v", first, other)
	}
	for _, bad := range []string{"abc", strings.ReplaceAll(key, "-", ""), "{" + key + "}", "urn:uuid:" + key, key + "0"} {
		a.last = partition.Request{}
		if status, text, _ := post(t, here.URL+"/application", bad, `{"username":"u"}`); status != 400 || a.last.Op != "" {
			t.Errorf("%q: %d %s, submitted %+v", bad, status, text, a.last)
		}
	}
}

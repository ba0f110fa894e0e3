package httpapi

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"chatlog/ingest/internal/partition"
	"chatlog/shared/command"
	"chatlog/shared/httpserve"
	"chatlog/shared/position"
)

// someTime is when the commands are of.
var someTime = time.Date(2026, 11, 23, 19, 0, 0, 123456000, time.UTC)

// keeper takes every write.
type keeper struct{ got []partition.Request }

func (k *keeper) Submit(_ context.Context, r partition.Request) (partition.Reply, position.Token, error) {
	k.got = append(k.got, r)
	return partition.Reply{Chat: 1, Number: 1}, position.Token{Log: "00000000000000a1"}, nil
}

// stays forwards nothing.
type stays struct{}

func (stays) Do(http.ResponseWriter, *http.Request, int32, []byte, bool) (*httpserve.Raw, bool, error) {
	return nil, false, nil
}

// FuzzWrite: whatever comes over HTTP is answered in JSON without a server error,
// and comes to an owner only as a command that every reader takes; its text is the
// one that was sent.
func FuzzWrite(f *testing.F) {
	const token = "0123456789abcdef0123456789abcdef"
	for _, seed := range [][4]string{
		{"POST", "/application", `{"username":"Shetewi"}`, "5f0c8f0e-53a5-4b8e-9a39-0d8f6a0e7c11"}, {"POST", "/application/" + token + "/chat", "", "k"},
		{"POST", "/application/" + token + "/chats/5/message", `{"message":"hello"}`, ""}, {"PUT", "/application/" + token + "/chat/5/message/3/", `{"message":"\u0000\n"}`, "x"},
		{"DELETE", "/application/dec969c6/chats/1/message/9223372036854775807", "", ""}, {"POST", "/application/x/chat/01/message", `{"message":"a"}`, "\x7f"},
		{"PATCH", "/application/%2F", "[", " "}, {"POST", "/application", `{"username":"\ud800"}`, "k"},
	} {
		f.Add(seed[0], seed[1], []byte(seed[2]), seed[3])
	}
	k := &keeper{}
	api := New(k, stays{}, NewTokens([]string{strings.Repeat("5", 64)}, func(string) bool { return true }), func(string) int32 { return 0 }, "me")
	router := httpserve.NewRouter(slog.New(slog.DiscardHandler), httpserve.NewMetrics("x", prometheus.NewRegistry()))
	api.Routes(router)
	f.Fuzz(func(t *testing.T, method, path string, body []byte, key string) {
		u, err := url.ParseRequestURI(path)
		if err != nil || u.Host != "" || !strings.HasPrefix(path, "/") || method == "" || strings.ContainsFunc(method, func(r rune) bool { return r < 'A' || r > 'Z' }) {
			return
		}
		r := httptest.NewRequest(method, "/", strings.NewReader(string(body)))
		r.URL, r.RequestURI = u, path
		if key != "" {
			r.Header.Set(HeaderKey, key)
		}
		k.got = nil
		w := httptest.NewRecorder()
		router.ServeHTTP(w, r)
		if w.Code >= 500 || w.Header().Get("Content-Type") != "application/json" || method != http.MethodHead && !json.Valid(w.Body.Bytes()) {
			t.Fatalf("%s %q: %d %q", method, path, w.Code, w.Body)
		}
		if (w.Code == http.StatusOK) != (len(k.got) == 1) || (w.Code == http.StatusOK) != (w.Header().Get(HeaderToken) != "") {
			t.Fatalf("%s %q: %d, and submitted was %+v", method, path, w.Code, k.got)
		}
		for _, got := range k.got {
			taken(t, got, body)
		}
	})
}

// taken wants that a request becomes a command that readers take.
func taken(t *testing.T, r partition.Request, body []byte) {
	c := command.Command{ID: r.ID, Op: r.Op, Application: r.Application, Chat: r.Chat, Number: r.Number, Username: r.Username, Message: r.Message,
		Keyed: r.Keyed, Fingerprint: r.Fingerprint, Time: someTime}
	switch r.Op { // what the owner gives
	case command.ChatCreate:
		c.Chat = 1
	case command.MessageCreate:
		c.Number = 1
	case command.MessageUpdate, command.MessageDelete:
		c.Created = someTime
	}
	read, err := command.Decode(command.Encode(&c))
	if err != nil || read.Message != r.Message || read.Username != r.Username {
		t.Fatalf("%+v is no command: %+v %v", r, read, err)
	}
	var sent map[string]any
	if len(body) > 0 {
		json.Unmarshal(body, &sent) // what is no JSON has no text either
	}
	if r.Message != "" && sent["message"] != r.Message || r.Username != "" && sent["username"] != r.Username {
		t.Fatalf("%q became %+v", body, r)
	}
}

// FuzzLengthPrefixed: no two lists of fields look the same, or two requests would
// share a fingerprint.
func FuzzLengthPrefixed(f *testing.F) {
	f.Add("POST", "/a", "b", "POST/", "a", "b")
	f.Add("", "\x01a", "", "\x00", "", "a")
	f.Fuzz(func(t *testing.T, a, b, c, x, y, z string) {
		if same := a == x && b == y && c == z; (string(lengthPrefixed(a, b, c)) == string(lengthPrefixed(x, y, z))) != same {
			t.Fatalf("%q and %q", []string{a, b, c}, []string{x, y, z})
		}
		if string(lengthPrefixed(a, b)) == string(lengthPrefixed(x, y, z)) {
			t.Fatalf("%q and %q", []string{a, b}, []string{x, y, z})
		}
	})
}

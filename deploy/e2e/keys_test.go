package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
)

func testKeys(t *testing.T, h *house) {
	key := []string{"Idempotency-Key", uuid.NewString()}
	first := exactApplication(t, h, key)
	if again := exactApplication(t, h, key); again != first {
		t.Fatalf("the same key made two applications: %s and %s", first, again)
	}
	exact(t, h.query, "POST", "/application", `{"username":"Another"}`, 422,
		`{"error":"Idempotency-Key was used with another request"}`, key...)
	exact(t, h.query, "POST", "/application", `{"username":"Shetewi"}`, 400,
		`{"error":"Idempotency-Key must be a UUID when an application is created"}`, "Idempotency-Key", "abc")
	shouted := []string{"Idempotency-Key", strings.ToUpper(key[1])} // the same UUID
	if again := exactApplication(t, h, shouted); again != first {
		t.Fatalf("the same key in capitals made another application: %s and %s", first, again)
	}
	exact(t, h.query, "POST", "/application", `{"username":"Another"}`, 422,
		`{"error":"Idempotency-Key was used with another request"}`, shouted...)
	at := "/application/" + first
	for range 2 {
		exact(t, h.query, "POST", at+"/chat", "", 200, `{"Application":"`+first+`","Chat":1}`, "Idempotency-Key", "c1")
	}
	exact(t, h.query, "POST", at+"/chat", "", 200, `{"Application":"`+first+`","Chat":2}`, "Idempotency-Key", "c2")
	for range 2 {
		exact(t, h.ingest, "POST", at+"/chat/1/message", `{"message":"m"}`, 200,
			`{"Application":"`+first+`","Chat":1,"MessageID":1,"Message":"m"}`, "Idempotency-Key", "m1")
		exact(t, h.query, "PUT", at+"/chat/1/message/1", `{"message":"n"}`, 200, `{"status":"success"}`, "Idempotency-Key", "u1")
	}
	// The reply is that of the first time, not what the message is now, and the
	// other spelling is the same request.
	exact(t, h.ingest, "POST", at+"/chats/1/message/", `{"message":"m"}`, 200,
		`{"Application":"`+first+`","Chat":1,"MessageID":1,"Message":"m"}`, "Idempotency-Key", "m1")
	exact(t, h.ingest, "POST", at+"/chat/1/message", `{"message":"other"}`, 422,
		`{"error":"Idempotency-Key was used with another request"}`, "Idempotency-Key", "m1")
	exact(t, h.ingest, "POST", at+"/chat/2/message", `{"message":"m"}`, 422,
		`{"error":"Idempotency-Key was used with another request"}`, "Idempotency-Key", "m1")
	for range 2 {
		exact(t, h.query, "DELETE", at+"/chat/1/message/1", "", 200, `{"status":"success"}`, "Idempotency-Key", "d1")
	}
	for _, bad := range []string{strings.Repeat("k", 256), "with space", "é"} {
		exact(t, h.ingest, "POST", at+"/chat", "", 400,
			`{"error":"Idempotency-Key must be 1 to 255 visible ASCII characters"}`, "Idempotency-Key", bad)
	}
	// Many at once with one key are one.
	results := make(chan string, 16)
	for range cap(results) {
		go func() {
			reply, err := h.ingest.Do(t.Context(), "POST", at+"/chat/2/message", `{"message":"once"}`, []string{"Idempotency-Key", "m2"})
			results <- fmt.Sprintln(reply.Status, strings.TrimSpace(reply.Body), err)
		}()
	}
	want := `200 {"Application":"` + first + `","Chat":2,"MessageID":1,"Message":"once"}` + " <nil>\n"
	for range cap(results) {
		if got := <-results; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func exactApplication(t *testing.T, h *house, key []string) string {
	t.Helper()
	reply, err := h.query.Do(t.Context(), "POST", "/application", `{"username":"Shetewi"}`, key)
	match := applicationReply.FindStringSubmatch(reply.Body)
	if err != nil || match == nil {
		t.Fatal(reply, err)
	}
	return match[1]
}

// TestEmbeddedSecretRotated retries requests of before a rotation.
func TestEmbeddedSecretRotated(t *testing.T) {
	const variable, young = "CHATLOG_INGEST_TOKEN_SECRET=", "0123456789abcdef0123456789abcdef"
	before := strings.Repeat("o", 32)
	h := embedded(t, variable+before)
	key := []string{"Idempotency-Key", uuid.NewString()}
	first := exactApplication(t, h, key)
	if err := h.Stop(); err != nil {
		t.Fatal(err)
	}
	p := h.Program("local")
	p.Env = append(p.Env, variable+young+","+before)
	if err := h.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if again := exactApplication(t, h, key); again != first {
			t.Fatalf("after the rotation the same key made another application: %s, then %s", first, again)
		}
	}
	exact(t, h.query, "POST", "/application", `{"username":"Another"}`, 422,
		`{"error":"Idempotency-Key was used with another request"}`, key...)
	key = []string{"Idempotency-Key", uuid.NewString()}
	if one, two := exactApplication(t, h, key), exactApplication(t, h, key); one != two {
		t.Fatalf("the same key made two applications: %s and %s", one, two)
	}
}

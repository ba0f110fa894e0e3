package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"chatlog/deploy/client"
)

// exact sends a request and compares status and body byte for byte.
func exact(t *testing.T, c *client.Client, method, path, body string, status int, want string, headers ...string) client.Reply {
	t.Helper()
	reply, err := c.Do(context.Background(), method, path, body, headers)
	if err != nil {
		t.Fatalf("%s %s: %v", method, path, err)
	}
	if reply.Status != status || strings.TrimSuffix(reply.Body, "\n") != want {
		t.Fatalf("%s %s\n got %d %s\nwant %d %s", method, path, reply.Status, reply.Body, status, want)
	}
	if kind := reply.Header.Get("Content-Type"); kind != "application/json" {
		t.Fatalf("%s %s: Content-Type %q", method, path, kind)
	}
	if reply.Header.Get("X-Request-Id") == "" {
		t.Fatalf("%s %s: no X-Request-Id", method, path)
	}
	return reply
}

var applicationReply = regexp.MustCompile(`^\{"Application":"([0-9a-f]{32})","Username":"Shetewi"\}\n?$`)

// testSeed goes through the seed's calls in its order, through query alone and
// then with the writes sent to ingest.
func testSeed(t *testing.T, h *house) {
	for name, writes := range map[string]*client.Client{"one base address": h.query, "two": h.ingest} {
		t.Run(name, func(t *testing.T) {
			reply, err := writes.Do(t.Context(), "POST", "/application", "{\n        \"username\": \"Shetewi\"\n    }", nil)
			match := applicationReply.FindStringSubmatch(reply.Body)
			if err != nil || reply.Status != 200 || match == nil {
				t.Fatal(reply, err)
			}
			app := match[1]
			at := "/application/" + app
			exact(t, h.query, "GET", at, "", 200, `{"Application":"`+app+`","Username":"Shetewi","ChatsCount":"0"}`)
			exact(t, writes, "POST", at+"/chat", "", 200, `{"Application":"`+app+`","Chat":1}`)
			exact(t, writes, "POST", at+"/chat", "", 200, `{"Application":"`+app+`","Chat":2}`)
			exact(t, h.query, "GET", at+"/chat/2", "", 200, `{"Application":"`+app+`","Chat":2,"MessagesCount":0}`)
			exact(t, writes, "POST", at+"/chat/2/message", `{"message":"Hello world again for the not last time"}`, 200,
				`{"Application":"`+app+`","Chat":2,"MessageID":1,"Message":"Hello world again for the not last time"}`)
			put := exact(t, writes, "POST", at+"/chat/2/message", `{"message":"Alhamdulilah"}`, 200,
				`{"Application":"`+app+`","Chat":2,"MessageID":2,"Message":"Alhamdulilah"}`)
			after := []string{"Consistency-Token", put.Token()}
			exact(t, h.query, "GET", at+"/chat/2/search/Alhamdulilah", "", 200,
				`[{"appID":"`+app+`","chatID":2,"messageID":2,"message":"Alhamdulilah"}]`, after...)
			exact(t, h.query, "GET", at+"/chat/2/message/2", "", 200,
				`{"Application":"`+app+`","Chat":2,"MessageID":"2","Message":"Alhamdulilah"}`)
			put = exact(t, writes, "PUT", at+"/chat/2/message/2", `{"message": "Guess what? Alhamdulilah"}`, 200, `{"status":"success"}`)
			after = []string{"Consistency-Token", put.Token()}
			exact(t, h.query, "GET", at+"/chat/2/message/2", "", 200,
				`{"Application":"`+app+`","Chat":2,"MessageID":"2","Message":"Guess what? Alhamdulilah"}`, after...)
			exact(t, h.query, "GET", at+"/chat/2/messages", "", 200,
				`[{"id":1,"appID":"`+app+`","chatID":2,"messageID":1,"message":"Hello world again for the not last time"},`+
					`{"id":2,"appID":"`+app+`","chatID":2,"messageID":2,"message":"Guess what? Alhamdulilah"}]`, after...)
			exact(t, h.query, "GET", at+"/chat/2", "", 200, `{"Application":"`+app+`","Chat":2,"MessagesCount":2}`, after...)
			exact(t, h.query, "GET", at, "", 200, `{"Application":"`+app+`","Username":"Shetewi","ChatsCount":"2"}`, after...)
			testMissing(t, h, writes, app)
		})
	}
}

func testMissing(t *testing.T, h *house, writes *client.Client, app string) {
	none := "/application/" + strings.Repeat("0", 32)
	exact(t, writes, "POST", "/application", `{}`, 400, `{"error":"Username is required"}`)
	exact(t, writes, "POST", "/application", `{"username":""}`, 400, `{"error":"Username is required"}`)
	exact(t, h.query, "GET", none, "", 404, `{"error":"Application not found"}`)
	exact(t, h.query, "GET", "/application/dec969c6", "", 404, `{"error":"Application not found"}`)
	exact(t, writes, "POST", none+"/chat", "", 404, `{"error":"Application not found"}`)
	at := "/application/" + app
	exact(t, h.query, "GET", at+"/chat/3", "", 404, `{"error":"Chat not found"}`)
	exact(t, writes, "POST", at+"/chat/3/message", `{"message":"x"}`, 404, `{"error":"Chat not found"}`)
	exact(t, writes, "POST", at+"/chat/2/message", `{}`, 400, `{"error":"Message is required"}`)
	exact(t, h.query, "GET", at+"/chat/2/message/3", "", 404, `{"error":"Message not found"}`)
	exact(t, writes, "PUT", at+"/chat/2/message/3", `{"message":"x"}`, 404, `{"error":"Message not found"}`)
	exact(t, writes, "DELETE", at+"/chat/2/message/3", "", 404, `{"error":"Message not found"}`)
	exact(t, h.query, "GET", at+"/chat/3/messages", "", 404, `{"error":"Chat not found"}`)
	exact(t, h.query, "GET", at+"/chat/3/search/x", "", 404, `{"error":"Chat not found"}`)
	exact(t, h.query, "GET", none+"/search/x", "", 404, `{"error":"Application not found"}`)
	exact(t, h.query, "GET", none+"/chats", "", 404, `{"error":"Application not found"}`)
}

func testSpellings(t *testing.T, h *house) {
	app := application(t, h.query)
	for i, chat := range []string{"/chat", "/chats"} {
		for j, slash := range []string{"", "/"} {
			n := 2*i + j + 1
			at := "/application/" + app
			exact(t, h.query, "POST", at+chat+slash, "", 200, fmt.Sprintf(`{"Application":"%s","Chat":%d}`, app, n))
			at += fmt.Sprintf("%s/%d", chat, n)
			exact(t, h.ingest, "POST", at+"/message"+slash, `{"message":"a b"}`, 200,
				fmt.Sprintf(`{"Application":"%s","Chat":%d,"MessageID":1,"Message":"a b"}`, app, n))
			put := exact(t, h.query, "PUT", at+"/message/1"+slash, `{"message":"c d"}`, 200, `{"status":"success"}`)
			after := []string{"Consistency-Token", put.Token()}
			exact(t, h.query, "GET", at+slash, "", 200, fmt.Sprintf(`{"Application":"%s","Chat":%d,"MessagesCount":1}`, app, n), after...)
			exact(t, h.query, "GET", at+"/message/1"+slash, "", 200,
				fmt.Sprintf(`{"Application":"%s","Chat":%d,"MessageID":"1","Message":"c d"}`, app, n), after...)
			exact(t, h.query, "GET", at+"/messages"+slash, "", 200,
				fmt.Sprintf(`[{"id":1,"appID":"%s","chatID":%d,"messageID":1,"message":"c d"}]`, app, n), after...)
			exact(t, h.query, "GET", at+"/search/d"+slash, "", 200,
				fmt.Sprintf(`[{"appID":"%s","chatID":%d,"messageID":1,"message":"c d"}]`, app, n), after...)
			exact(t, h.query, "GET", at+"/search"+slash+"?q=d", "", 200,
				fmt.Sprintf(`[{"appID":"%s","chatID":%d,"messageID":1,"message":"c d"}]`, app, n), after...)
		}
	}
}

func testAdded(t *testing.T, h *house) {
	app := application(t, h.ingest)
	number := chat(t, h.ingest, app)
	at := fmt.Sprintf("/application/%s/chat/%d", app, number)
	for _, text := range []string{"one", "two", "three"} {
		if _, _, err := h.ingest.CreateMessage(t.Context(), app, number, text, nil); err != nil {
			t.Fatal(err)
		}
	}
	var last client.Reply
	for range 3 { // each time again
		last = exact(t, h.query, "DELETE", at+"/message/2", "", 200, `{"status":"success"}`)
	}
	after := []string{"Consistency-Token", last.Token()}
	exact(t, h.query, "GET", at+"/message/2", "", 404, `{"error":"Message not found"}`, after...)
	exact(t, h.query, "PUT", at+"/message/2", `{"message":"x"}`, 404, `{"error":"Message not found"}`)
	exact(t, h.query, "GET", at, "", 200, fmt.Sprintf(`{"Application":"%s","Chat":%d,"MessagesCount":3}`, app, number), after...)
	exact(t, h.query, "GET", at+"/messages?order=desc", "", 200, fmt.Sprintf(
		`[{"id":3,"appID":"%[1]s","chatID":%[2]d,"messageID":3,"message":"three"},{"id":1,"appID":"%[1]s","chatID":%[2]d,"messageID":1,"message":"one"}]`,
		app, number), after...)
	exact(t, h.query, "GET", at+"/search/two", "", 200, `[]`, after...)
	exact(t, h.query, "GET", "/application/"+app+"/chats", "", 200, fmt.Sprintf(`[{"appID":"%s","chatID":%d,"messagesCount":3}]`, app, number), after...)
	n, _, err := h.ingest.CreateMessage(t.Context(), app, number, "four", nil)
	if err != nil || n != 4 {
		t.Fatal("the number of a deleted message was given again:", n, err)
	}
	exact(t, h.query, "GET", at+"/message/1", "", 400, `{"error":"Consistency-Token is malformed"}`, "Consistency-Token", "nonsense")
	ahead := last.Token()[:strings.LastIndex(last.Token(), "-")+1] + "999999999"
	reply, err := h.query.Do(t.Context(), "GET", at+"/message/1", "", client.Headers{"Consistency-Token", ahead})
	if err != nil || reply.Status != http.StatusServiceUnavailable || reply.Header.Get("Retry-After") == "" {
		t.Fatal("a position that the log has not reached:", reply, err)
	}
}

func testOperations(t *testing.T, h *house) {
	for _, c := range []*client.Client{h.ingest, h.query} {
		reply, err := c.Do(t.Context(), "GET", "/healthz", "", nil)
		if err != nil || reply.Status != 200 {
			t.Fatal("/healthz", reply, err)
		}
		reply, err = c.Do(t.Context(), "GET", "/readyz", "", nil)
		var ready map[string]any
		if err != nil || reply.Status != 200 || json.Unmarshal([]byte(reply.Body), &ready) != nil || !strings.Contains(reply.Body, "kafka") {
			t.Fatal("/readyz", reply, err)
		}
		reply, err = c.Do(t.Context(), "GET", "/metrics", "", nil)
		if err != nil || reply.Status != 200 || !strings.Contains(reply.Body, "chatlog_http_requests_total") {
			t.Fatal("/metrics", reply.Status, err)
		}
		reply, err = c.Do(t.Context(), "GET", "/openapi.yaml", "", nil)
		if err != nil || reply.Status != 200 || !strings.HasPrefix(reply.Body, "openapi: 3.1") {
			t.Fatal("/openapi.yaml", reply.Status, err)
		}
	}
}

package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"chatlog/deploy/client"
)

// refused checks that an answer is the wanted error, as JSON.
func refused(t *testing.T, name string, reply client.Reply, err error, status int) {
	t.Helper()
	var body struct{ Error string }
	if err != nil || reply.Status != status || json.Unmarshal([]byte(reply.Body), &body) != nil || body.Error == "" ||
		reply.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s: %d %q %v, want %d in JSON", name, reply.Status, reply.Body[:min(len(reply.Body), 300)], err, status)
	}
}

func testBadInput(t *testing.T, h *house) {
	app := application(t, h.query)
	number := chat(t, h.query, app)
	at := fmt.Sprintf("/application/%s/chat/%d", app, number)
	if _, _, err := h.query.CreateMessage(t.Context(), app, number, "x", nil); err != nil {
		t.Fatal(err)
	}
	bodies := map[string]int{
		``: 400, `{`: 400, `[]`: 400, `null`: 400, `1`: 400, `"x"`: 400, `{"message":1}`: 400, `{"message":null}`: 400, `{"message":["x"]}`: 400,
		`{"message":"x"} {"message":"y"}`: 400, `{"message":"x"},`: 400, `{"message":"` + "\xff" + `"}`: 400, `{"message":"` + "\n" + `"}`: 400,
		`{"message":"\ud800"}`: 400, `{"message":"x",}`: 400, `{'message':'x'}`: 400, "\xef\xbb\xbf" + `{"message":"x"}`: 400, `{"Message":"x"}`: 400,
		`{"message":""}`: 400, `{"message":"` + strings.Repeat("y", 64<<10+1) + `"}`: 413, `{"message":"` + strings.Repeat("y", 12<<20) + `"}`: 413,
		strings.Repeat("[", 100_000): 400, `{"message":"x","other":` + strings.Repeat(`{"a":`, 100_000) + `1` + strings.Repeat("}", 100_000) + "}": 400,
	}
	for body, status := range bodies {
		for _, call := range [][2]string{{"POST", at + "/message"}, {"PUT", at + "/message/1"}} {
			for name, c := range map[string]*client.Client{"ingest": h.ingest, "query": h.query} {
				reply, err := c.Do(t.Context(), call[0], call[1], body, client.Headers{"Content-Type", "application/json"})
				refused(t, fmt.Sprintf("%s %s %.60q to %s", call[0], call[1], body, name), reply, err, status)
			}
		}
	}
	for body, text := range map[string]string{`{"message":"a\u0000b"}`: "a\x00b", `{"message":" "}`: " ", `{"x":1,"message":"ok"}`: "ok", ` {"message":"s"} `: "s"} {
		reply, err := h.query.Do(t.Context(), "POST", at+"/message", body, nil)
		var out struct{ Message string }
		if err != nil || reply.Status != 200 || json.Unmarshal([]byte(reply.Body), &out) != nil || out.Message != text {
			t.Errorf("%q: %v %v", body, reply, err)
		}
	}
	for _, kind := range []string{"text/plain", "application/xml", "application/x-www-form-urlencoded"} {
		reply, err := h.query.Do(t.Context(), "POST", at+"/message", `{"message":"x"}`, client.Headers{"Content-Type", kind})
		refused(t, kind, reply, err, 415)
	}
	names := map[string]int{strings.Repeat("é", 256): 400, "\xff": 400}
	for name, status := range names {
		reply, err := h.query.Do(t.Context(), "POST", "/application", `{"username":"`+name+`"}`, nil)
		refused(t, "username", reply, err, status)
	}
	if reply, err := h.query.Do(t.Context(), "POST", "/application", `{"username":"`+strings.Repeat("é", 255)+`"}`, nil); err != nil || reply.Status != 200 {
		t.Error(reply, err)
	}
	testBadPaths(t, h, app, at)
}

func testBadPaths(t *testing.T, h *house, app, at string) {
	numbers := []string{"0", "-1", "+1", "01", "1.0", "x", "9223372036854775808", "99999999999999999999999", "%31%20", "%00", "1e1", "１"}
	for _, n := range numbers {
		for _, path := range []string{"/application/" + app + "/chat/" + n, at + "/message/" + n, "/application/" + app + "/chat/" + n + "/messages",
			"/application/" + app + "/chat/" + n + "/search/x"} {
			reply, err := h.query.Do(t.Context(), "GET", path, "", nil)
			refused(t, path, reply, err, 404)
		}
		reply, err := h.query.Do(t.Context(), "PUT", at+"/message/"+n, `{"message":"x"}`, nil)
		refused(t, "PUT "+n, reply, err, 404)
	}
	if reply, err := h.query.Do(t.Context(), "GET", at+"/message/9223372036854775807", "", nil); err != nil || reply.Status != 404 {
		t.Error(reply, err)
	}
	for _, token := range []string{"x", strings.ToUpper(app), app + "0", "%2e%2e", "..%2f..", "%00", strings.Repeat("a", 5000), "'%20OR%201=1"} {
		reply, err := h.query.Do(t.Context(), "GET", "/application/"+token, "", nil)
		refused(t, "token "+token[:min(len(token), 20)], reply, err, 404)
	}
	for call, status := range map[string]int{"GET /": 404, "GET /nothing": 404, "GET /application": 405, "POST /application/" + app: 405, "PATCH " + at: 405,
		"DELETE " + at: 405, "POST " + at + "/messages": 405, "GET //application": 404, "GET /application/" + app + "//chat/1": 404,
		"GET /../etc/passwd": 404} {
		method, path, _ := strings.Cut(call, " ")
		reply, err := h.query.Do(t.Context(), method, path, "", nil)
		refused(t, call, reply, err, status)
		if status == 405 && reply.Header.Get("Allow") == "" {
			t.Error(call, "has no Allow")
		}
	}
	for _, query := range []string{"%", "%zz", "%C3", "%ff", "%2F", "%00", "%22", "+", "a%2Fb", "%25", strings.Repeat("w", 4000), "%E2%80%8B"} {
		reply, err := h.rawGet(at + "/search/" + query)
		if err != nil || reply.Status >= 500 || !json.Valid([]byte(reply.Body)) {
			t.Errorf("search/%.40s: %v %v", query, reply, err)
		}
	}
}

// rawGet sends a path exactly as it is, which net/http's client would not.
func (h *house) rawGet(path string) (client.Reply, error) {
	return raw(strings.TrimPrefix(h.Reads, "http://"), "GET "+path+" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
}

func raw(address, request string) (client.Reply, error) {
	c, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err != nil {
		return client.Reply{}, err
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		return client.Reply{}, err
	}
	if _, err := io.WriteString(c, request); err != nil {
		return client.Reply{}, err
	}
	response, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return client.Reply{}, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return client.Reply{Status: response.StatusCode, Header: response.Header, Body: string(body)}, err
}

func testConnections(t *testing.T, h *house) {
	for name, base := range map[string]string{"ingest": h.Writes, "query": h.Reads} {
		address := strings.TrimPrefix(base, "http://")
		for request, status := range map[string]int{
			"NONSENSE\r\n\r\n": 400,
			"POST /application HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n":               400,
			"POST /application HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 12000000\r\n\r\n":                    413,
			"GET /" + strings.Repeat("h", 2<<20) + " HTTP/1.1\r\nHost: x\r\n\r\n":                                                                                    431,
			"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\nX-Request-Id: " + strings.Repeat("i", 500) + "\r\n\r\n":                                         200,
			"POST /application HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n": 400,
		} {
			reply, err := raw(address, request)
			if err != nil || reply.Status != status {
				t.Errorf("%s: %.60q: %d %q %v, want %d", name, request, reply.Status, reply.Body, err, status)
			}
		}
	}
}

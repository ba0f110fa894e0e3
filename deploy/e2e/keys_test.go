package e2e

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"chatlog/deploy/client"
	"chatlog/shared/parts"
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

// keyedCall is a write with its key, and other requests that want the same key.
type keyedCall struct {
	method, path, body, key string
	others                  [][3]string // method, path and body
	first                   client.Reply
}

func (c *keyedCall) again(t *testing.T, at *client.Client) client.Reply {
	t.Helper()
	reply, err := at.Do(t.Context(), c.method, c.path, c.body, client.Headers{"Idempotency-Key", c.key})
	if err != nil {
		t.Fatalf("%s %s: %v", c.method, c.path, err)
	}
	return reply
}

// same reports whether a reply is that of the first time, position included.
func (c *keyedCall) same(reply client.Reply) bool {
	return reply.Status == c.first.Status && reply.Body == c.first.Body && reply.Token() == c.first.Token()
}

// keyedCalls makes a keyed write of every kind, through one instance after the
// other: a message is made, edited and deleted, and others follow it.
func (m *many) keyedCalls(t *testing.T) (app string, calls []*keyedCall) {
	t.Helper()
	made := 0
	do := func(method, path, body string, others ...[3]string) *keyedCall {
		c := &keyedCall{method: method, path: path, body: body, key: uuid.NewString(), others: others}
		c.first = c.again(t, m.clients[made%len(m.clients)])
		if made++; c.first.Status != 200 || c.first.Token() == "" {
			t.Fatal(method, path, c.first)
		}
		calls = append(calls, c)
		return c
	}
	created := do("POST", "/application", `{"username":"Shetewi"}`, [3]string{"POST", "/application", `{"username":"Another"}`})
	match := applicationReply.FindStringSubmatch(created.first.Body)
	if match == nil {
		t.Fatal(created.first)
	}
	app = match[1]
	at := "/application/" + app
	created.others = append(created.others, [3]string{"POST", at + "/chat", ""})
	one, two := at+"/chat/1/message", at+"/chat/2/message"
	for range 2 {
		do("POST", at+"/chat", "", [3]string{"POST", one, `{"message":"m"}`})
	}
	do("POST", one, `{"message":"first"}`, [3]string{"POST", one, `{"message":"second"}`}, [3]string{"POST", two, `{"message":"first"}`}, [3]string{"POST", at + "/chat", ""})
	do("POST", one, `{"message":"kept"}`, [3]string{"POST", one, `{"message":"first"}`})
	do("PUT", one+"/1", `{"message":"edited"}`, [3]string{"PUT", one + "/1", `{"message":"first"}`}, [3]string{"PUT", one + "/2", `{"message":"edited"}`})
	do("DELETE", one+"/1", "", [3]string{"DELETE", one + "/2", ""}, [3]string{"PUT", one + "/1", `{"message":"edited"}`})
	return app, calls
}

const otherRequest = `{"error":"Idempotency-Key was used with another request"}`

// repeated repeats every call through every instance, and its key with others.
func (m *many) repeated(t *testing.T, when string, calls []*keyedCall) {
	t.Helper()
	for _, c := range calls {
		for i, at := range m.clients {
			if reply := c.again(t, at); !c.same(reply) {
				t.Errorf("%s, client %d: %s %s is answered %d %s %s, at first %d %s %s", when, i, c.method, c.path,
					reply.Status, reply.Body, reply.Token(), c.first.Status, c.first.Body, c.first.Token())
			}
			for _, o := range c.others {
				exact(t, at, o[0], o[1], o[2], 422, otherRequest, "Idempotency-Key", c.key)
			}
		}
	}
	if t.Failed() {
		t.FailNow()
	}
}

// oneOfMany sends a request many times at once, through all instances, with one
// key: it is done once, and all get the same reply.
func (m *many) oneOfMany(t *testing.T, app string) {
	t.Helper()
	for _, c := range []*keyedCall{
		{method: "POST", path: "/application", body: `{"username":"Once"}`},
		{method: "POST", path: "/application/" + app + "/chat"},
		{method: "POST", path: "/application/" + app + "/chat/1/message", body: `{"message":"once"}`},
	} {
		c.key = uuid.NewString()
		results := make(chan string, 24)
		for i := range cap(results) {
			go func() {
				reply, err := m.clients[i%len(m.clients)].Do(t.Context(), c.method, c.path, c.body, client.Headers{"Idempotency-Key", c.key})
				results <- fmt.Sprintln(reply.Status, strings.TrimSpace(reply.Body), reply.Token(), err)
			}()
		}
		first := <-results
		if !strings.HasPrefix(first, "200 ") {
			t.Error(c.path, first)
		}
		for range cap(results) - 1 {
			if got := <-results; got != first {
				t.Errorf("%s: one was answered %s, another %s", c.path, first, got)
			}
		}
	}
}

// loads is how often the instances that run have read rows of MySQL.
func (m *many) loads(t *testing.T) (sum float64) {
	t.Helper()
	for _, p := range m.ingests {
		sum += m.metric(t, "http://"+p.Listen, "chatlog_cold_loads_total")
	}
	return sum
}

// TestRealKeys repeats keyed writes of every kind through three instances that
// keep next to nothing in memory: at once, when others have driven them out of
// it, when Redis was wiped, when instances were killed and stopped, and while
// MySQL is away.
func TestRealKeys(t *testing.T) {
	g := newGate(t, parts.MySQL(t).Address)
	m := newMany(t, "CHATLOG_INGEST_STATE_MAX_MESSAGES=1", "CHATLOG_INGEST_STATE_MAX_CHATS=1", "CHATLOG_MYSQL_ADDRESS="+g.listener.Addr().String())
	m.held(t)
	app, calls := m.keyedCalls(t)
	m.repeated(t, "at once", calls)
	m.oneOfMany(t, app)
	const more = 30
	var token string
	for i := range more {
		var err error
		if _, token, err = m.clients[i%len(m.clients)].CreateMessage(t.Context(), app, 1, "more", client.Headers{"Idempotency-Key", fmt.Sprint("more-", i)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := m.query.Chat(t.Context(), app, 1, client.Headers{"Consistency-Token", token}); err != nil {
		t.Fatal(err) // the view has them all
	}
	before := m.loads(t)
	m.repeated(t, "an hour later", calls)
	if n := m.loads(t) - before; n < float64(len(calls)) {
		t.Errorf("%v reads of MySQL for %d keys: they were in memory, and the test proves nothing of what is not", n, len(calls))
	}
	m.wipe(t)
	m.repeated(t, "Redis wiped", calls)
	m.held(t)
	for _, p := range m.ingests {
		if err := p.Kill(); err != nil {
			t.Fatal(err)
		}
		m.again(t, p)
	}
	m.repeated(t, "after kill -9 of all", calls)
	for _, p := range m.ingests {
		if err := p.Stop(10 * time.Second); err != nil {
			t.Fatal(err)
		}
		m.again(t, p)
	}
	m.repeated(t, "after a restart of all", calls)
	m.mysqlAway(t, g, app, calls)
	m.repeated(t, "MySQL is back", calls)
	counts(t, m, app, 3, more+4)
	report(t, m.audit(t))
}

// mysqlAway: a key that is not in memory cannot be known. It is answered 503 and
// nothing is written, be it old or new; what is answered is the first reply.
func (m *many) mysqlAway(t *testing.T, g *gate, app string, calls []*keyedCall) {
	t.Helper()
	g.shut()
	fresh := &keyedCall{method: "POST", path: "/application/" + app + "/chat/1/message", body: `{"message":"while MySQL is away"}`, key: uuid.NewString()}
	refused := 0
	for range 2 {
		for _, at := range m.clients {
			for _, c := range append([]*keyedCall{fresh}, calls...) {
				reply := c.again(t, at)
				switch {
				case reply.Status == 503 && reply.Header.Get("Retry-After") != "":
					refused++
				case c == fresh || !c.same(reply):
					t.Errorf("MySQL is away: %s %s is answered %d %s", c.method, c.path, reply.Status, reply.Body)
				}
			}
		}
	}
	if refused < len(calls)*len(m.clients) {
		t.Errorf("only %d were refused: the keys were in memory", refused)
	}
	g.open()
	eventually(t, 30*time.Second, "the write is taken", func() error {
		if fresh.first = fresh.again(t, m.clients[0]); fresh.first.Status != 200 {
			return fmt.Errorf("%d %s", fresh.first.Status, fresh.first.Body)
		}
		return nil
	})
	m.repeated(t, "MySQL is back", []*keyedCall{fresh})
}

// counts checks how many chats there are, and messages in the first.
func counts(t *testing.T, m *many, app string, chats, messages int64) {
	t.Helper()
	token, err := m.ingest.Update(t.Context(), app, 1, 2, "the last edit", nil)
	if err != nil {
		t.Fatal(err)
	}
	after := client.Headers{"Consistency-Token", token}
	if _, n, err := m.query.Application(t.Context(), app, after); err != nil || n != chats {
		t.Errorf("%d chats, want %d; %v", n, chats, err)
	}
	if n, err := m.query.Chat(t.Context(), app, 1, after); err != nil || n != messages {
		t.Errorf("%d messages, want %d; %v", n, messages, err)
	}
}

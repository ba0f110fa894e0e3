package secure

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"chatlog/deploy/client"
	"chatlog/deploy/system"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/tlsconf/tlsconftest"
)

// allow gives the three services exactly what docs/security.md says they need, by
// the very commands that it shows.
func allow(t *testing.T, p *Parts) {
	t.Helper()
	if p.allowed {
		return
	}
	p.allowed = true
	doc, err := os.ReadFile("../../docs/security.md")
	if err != nil {
		t.Fatal(err)
	}
	admin := filepath.Join(bin, "admin.properties")
	settings := fmt.Sprintf("security.protocol=SASL_SSL\nsasl.mechanism=PLAIN\nsasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username=\"admin\" password=%q;\nssl.truststore.type=PEM\nssl.truststore.location=%s\n", p.Password("admin"), p.Client.CA)
	if err := os.WriteFile(admin, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	commands := regexp.MustCompile(`(?m)^    kafka-acls (--bootstrap-server \$B --command-config admin\.properties) (--add .*)$`).FindAllStringSubmatch(string(doc), -1)
	if len(commands) < 9 {
		t.Fatalf("docs/security.md shows %d commands", len(commands))
	}
	for _, command := range commands {
		c := exec.CommandContext(t.Context(), filepath.Join(bin, "parts", "kafka", "bin", "kafka-acls"), append([]string{"--bootstrap-server", p.Kafka, "--command-config", admin}, strings.Fields(command[2])...)...)
		c.Env = append(os.Environ(), "KAFKA_OPTS=-Xmx128m -XX:TieredStopAtLevel=1")
		if out, err := c.CombinedOutput(); err != nil {
			t.Fatalf("%s: %v: %s", command[0], err, out)
		}
	}
}

// house is the three services over secured parts.
type house struct {
	*system.System
	parts *Parts
	own   tlsconftest.Files // the listeners' certificate
	env   map[string][]string
	ways  *http.Client
}

// build makes the services' settings; nothing is started.
func build(t *testing.T, p *Parts) *house {
	t.Helper()
	dir := t.TempDir()
	own, err := p.CA.Write(dir, "listener")
	if err != nil {
		t.Fatal(err)
	}
	s, err := system.Real(bin, filepath.Join(dir, "logs"), system.Parts{})
	if err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(dir, "forward-secret")
	if err := os.WriteFile(secret, []byte(p.Mark+strings.Repeat("f", 32)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := &house{System: s, parts: p, own: own, env: map[string][]string{}}
	h.ways = &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{TLSClientConfig: p.CA.Trust(), DisableKeepAlives: true}}
	h.Writes, h.Reads = "https"+strings.TrimPrefix(s.Writes, "http"), "https"+strings.TrimPrefix(s.Reads, "http")
	for _, program := range s.Programs {
		upper := "CHATLOG_" + strings.ToUpper(program.Name)
		env := []string{"CHATLOG_LOG_LEVEL=debug", "CHATLOG_LOG_FORMAT=text", upper + "_LISTEN=" + program.Listen,
			upper + "_TLS_CERT_FILE=" + own.Cert, upper + "_TLS_KEY_FILE=" + own.Key, "CHATLOG_KAFKA_BROKERS=" + p.Kafka}
		for _, part := range []string{"KAFKA", "MYSQL", "REDIS", "ELASTICSEARCH", "FORWARD"} {
			env = append(env, "CHATLOG_"+part+"_TLS_ENABLED=true", "CHATLOG_"+part+"_TLS_CA_FILE="+p.Client.CA)
		}
		env = append(env, "CHATLOG_MYSQL_ADDRESS="+p.MySQL, "CHATLOG_REDIS_ADDRESS="+p.Redis, "CHATLOG_REDIS_USERNAME=chatlog",
			"CHATLOG_REDIS_PASSWORD="+p.Password("redis"), "CHATLOG_ELASTICSEARCH_ADDRESSES=https://"+p.Search,
			"CHATLOG_INGEST_TOKEN_SECRET="+p.Mark+strings.Repeat("t", 32), "CHATLOG_FORWARD_SECRET_FILE="+secret,
			"CHATLOG_QUERY_INGEST_URLS="+h.Writes, "CHATLOG_KAFKA_SASL_USERNAME="+program.Name, "CHATLOG_KAFKA_SASL_PASSWORD="+p.Password(program.Name))
		switch program.Name {
		case "ingest":
			env = append(env, "CHATLOG_KAFKA_SASL_MECHANISM=SCRAM-SHA-512", "CHATLOG_MYSQL_PASSWORD="+p.Password("mysql"))
		case "sinks":
			env = append(env, "CHATLOG_KAFKA_SASL_MECHANISM=SCRAM-SHA-256", "CHATLOG_MYSQL_PASSWORD="+p.Password("mysql"),
				"CHATLOG_ELASTICSEARCH_USERNAME=sinks", "CHATLOG_ELASTICSEARCH_PASSWORD="+p.Password("sinks"))
		case "query":
			env = append(env, "CHATLOG_KAFKA_SASL_MECHANISM=PLAIN", "CHATLOG_MYSQL_USER=query", "CHATLOG_MYSQL_PASSWORD="+p.Password("query"),
				"CHATLOG_MYSQL_TLS_CERT_FILE="+p.Client.Cert, "CHATLOG_MYSQL_TLS_KEY_FILE="+p.Client.Key,
				"CHATLOG_ELASTICSEARCH_API_KEY="+p.Key("query"))
		}
		program.Env, program.TLS, h.env[program.Name] = env, p.CA.Trust(), env
	}
	t.Cleanup(func() { h.end(t) })
	return h
}

// end stops what runs, and looks for secrets in everything that was written.
func (h *house) end(t *testing.T) {
	if err := h.Stop(); err != nil {
		t.Error("stopping:", err)
	}
	for _, program := range h.Programs {
		content, err := os.ReadFile(program.Log)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			t.Error(err)
		}
		h.unseen(t, program.Name+"'s log", string(content))
		if t.Failed() {
			t.Logf("%s:\n%s", program.Log, content[max(0, len(content)-4000):])
		}
	}
}

// unseen refuses a text that holds any of the secrets.
func (h *house) unseen(t *testing.T, what, text string) {
	t.Helper()
	if at := h.parts.Tells(text); at >= 0 {
		t.Errorf("%s tells a secret: …%.200s", what, text[max(0, at-100):])
	}
}

// get reads a page, which must hold no secret.
func (h *house) get(t *testing.T, address, path string) (int, string) {
	t.Helper()
	response, err := h.ways.Get("https://" + address + path)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Error(err)
	}
	h.unseen(t, path, string(body))
	return response.StatusCode, string(body)
}

// TestRealSecuredSystem: the whole, everything encrypted, each service with the
// least rights.
func TestRealSecuredSystem(t *testing.T) {
	p := secured(t)
	allow(t, p)
	h := build(t, p)
	if err := h.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	ingest, query := &client.Client{Base: h.Writes, HTTP: h.ways}, &client.Client{Base: h.Reads, HTTP: h.ways}
	token, err := query.CreateApplication(t.Context(), "Shetewi", nil) // passed on to ingest, sealed
	if err != nil {
		t.Fatal(err)
	}
	chat, err := ingest.CreateChat(t.Context(), token, nil)
	if err != nil {
		t.Fatal(err)
	}
	path := fmt.Sprintf("/application/%s/chat/%d", token, chat)
	posted, err := query.Do(t.Context(), http.MethodPost, path+"/message", `{"message":"Hello secured world"}`, nil)
	if err != nil || posted.Status != http.StatusOK {
		t.Fatal(posted, err)
	}
	for _, read := range []string{path + "/message/1", path + "/search/secured"} {
		got, err := query.Do(t.Context(), http.MethodGet, read, "", client.Headers{"Consistency-Token", posted.Token()})
		if err != nil || got.Status != http.StatusOK || !strings.Contains(got.Body, "Hello secured world") {
			t.Errorf("%s: %d %s %v", read, got.Status, got.Body, err)
		}
	}
	for _, program := range h.Programs {
		status, ready := h.get(t, program.Listen, "/readyz")
		var report struct{ Status string }
		if err := json.Unmarshal([]byte(ready), &report); err != nil || status != http.StatusOK || report.Status != "ok" {
			t.Errorf("%s: %d %s", program.Name, status, ready)
		}
		h.get(t, program.Listen, "/metrics")
	}
	t.Run("who else may write to the log", func(t *testing.T) { stranger(t, p) })
	t.Run("a client that pretends to be an instance", func(t *testing.T) { pretend(t, ingest, path) })
	t.Run("a client without TLS", func(t *testing.T) { plain(t, h) })
	t.Run("a new certificate", func(t *testing.T) { rotate(t, h) })
}

// stranger writes to the log as everybody but ingest: that is refused, and says so.
func stranger(t *testing.T, p *Parts) {
	for user, mechanism := range map[string]string{"stranger": "SCRAM-SHA-512", "sinks": "SCRAM-SHA-256", "query": "PLAIN"} {
		conn := kafkaconn.Open(p.KafkaConfig(mechanism, user))
		_, err := conn.Produce(t.Context(), "chat.commands", 0, []kafkaconn.Record{{Value: []byte("x")}})
		conn.Close()
		if err == nil || !kafkaconn.Refused(err) {
			t.Errorf("%s: %v", user, err)
		}
	}
	conn := kafkaconn.Open(p.KafkaConfig("SCRAM-SHA-512", "ingest"))
	defer conn.Close()
	if _, err := conn.Produce(t.Context(), "chat.commands", 0, []kafkaconn.Record{{Value: []byte("x")}}); err != nil {
		t.Error("ingest may not either: ", err) // without `at` it counts for nobody
	}
}

func pretend(t *testing.T, ingest *client.Client, path string) {
	reply, err := ingest.Do(t.Context(), http.MethodPost, path+"/message", `{"message":"x"}`, client.Headers{"X-Chatlog-Forwarded", "ingest"})
	if err != nil || reply.Status != http.StatusServiceUnavailable || !strings.Contains(reply.Body, "not authenticated") {
		t.Errorf("%d %s %v", reply.Status, reply.Body, err)
	}
	refused, err := ingest.Metric(t.Context(), "chatlog_forward_refused_total")
	if err != nil || refused != 1 {
		t.Errorf("%v counted, %v", refused, err)
	}
}

func plain(t *testing.T, h *house) {
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http"+strings.TrimPrefix(h.Writes, "https")+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := h.ways.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusUpgradeRequired || string(body) != `{"error":"This port speaks HTTPS"}` {
		t.Errorf("%d %s %v", response.StatusCode, body, err)
	}
}

// rotate replaces the listeners' certificate: from the next connection on it is
// shown, by processes that go on as they were.
func rotate(t *testing.T, h *house) {
	serial := func() string {
		response, err := h.ways.Get(h.Writes + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		return response.TLS.PeerCertificates[0].SerialNumber.String()
	}
	before, pid := serial(), h.Program("ingest").PID()
	if _, err := h.parts.CA.Write(filepath.Dir(h.own.Cert), "listener"); err != nil {
		t.Fatal(err)
	}
	if after := serial(); after == before || h.Program("ingest").PID() != pid || !h.Program("ingest").Running() {
		t.Errorf("certificate %s, then %s", before, after)
	}
}

// TestRealSecuredRefusals: what is wrong with a credential or a certificate shows
// in /readyz and in the log, in words that help, and tells no secret.
func TestRealSecuredRefusals(t *testing.T) {
	p := secured(t)
	allow(t, p)
	ingest := build(t, p).Program("ingest") // makes the topics
	if err := errors.Join(ingest.Start(), ingest.Ready(t.Context()), ingest.Stop(15*time.Second)); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, program, part string
		env                 []string
		status              int
		told                string // in the log
	}{
		{"kafka, a wrong password", "ingest", "kafka", []string{"CHATLOG_KAFKA_SASL_PASSWORD=" + p.Mark + "-wrong"}, 503, "Authentication Failed"},
		{"kafka, another authority", "ingest", "kafka", []string{"CHATLOG_KAFKA_TLS_CA_FILE=" + p.Other.CA}, 503, "unknown authority"},
		{"kafka, plain", "ingest", "kafka", []string{"CHATLOG_KAFKA_TLS_ENABLED=false", "CHATLOG_KAFKA_TLS_CA_FILE="}, 503, "TLS"},
		{"mysql, a wrong password", "sinks", "mysql", []string{"CHATLOG_MYSQL_PASSWORD=" + p.Mark + "-wrong"}, 503, "Access denied"},
		{"mysql, another authority", "sinks", "mysql", []string{"CHATLOG_MYSQL_TLS_CA_FILE=" + p.Other.CA}, 503, "unknown authority"},
		{"mysql, plain", "sinks", "mysql", []string{"CHATLOG_MYSQL_TLS_ENABLED=false", "CHATLOG_MYSQL_TLS_CA_FILE="}, 503, "Access denied"},
		{"elasticsearch, a wrong password", "sinks", "search", []string{"CHATLOG_ELASTICSEARCH_PASSWORD=" + p.Mark + "-wrong"}, 503, "unable to authenticate"},
		{"elasticsearch, another authority", "sinks", "search", []string{"CHATLOG_ELASTICSEARCH_TLS_CA_FILE=" + p.Other.CA}, 503, "unknown authority"},
		{"elasticsearch, a wrong API key", "query", "search", []string{"CHATLOG_ELASTICSEARCH_API_KEY=AA" + p.Key("query")[2:]}, 200, "unable to authenticate"},
		{"redis, a wrong password", "ingest", "redis", []string{"CHATLOG_REDIS_PASSWORD=" + p.Mark + "-wrong"}, 200, "WRONGPASS"},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := build(t, p)
			program := h.Program(c.program)
			program.Env = append(program.Env, c.env...)
			if err := program.Start(); err != nil {
				t.Fatal(err)
			}
			eventually(t, 60*time.Second, c.name, func() error {
				status, body := h.get(t, program.Listen, "/readyz")
				var report struct{ Parts map[string]string }
				if err := json.Unmarshal([]byte(body), &report); err != nil || status != c.status || report.Parts[c.part] == "ok" || report.Parts[c.part] == "" {
					return fmt.Errorf("%d %s", status, body)
				}
				content, err := os.ReadFile(program.Log)
				if err == nil && !strings.Contains(string(content), c.told) {
					err = fmt.Errorf("the log does not say %q", c.told)
				}
				return err
			})
			h.get(t, program.Listen, "/metrics")
		})
	}
}

// TestRealSecuredCheckConfig: errors of the configuration tell no secret either.
func TestRealSecuredCheckConfig(t *testing.T) {
	p := secured(t)
	h := build(t, p)
	for _, program := range h.Programs {
		for want, more := range map[string][]string{
			"config ok":           nil,
			"sasl.mechanism: ":    {"CHATLOG_KAFKA_SASL_MECHANISM=GUESS"},
			"SCRAM does not":      {"CHATLOG_KAFKA_SASL_MECHANISM=SCRAM-SHA-256", "CHATLOG_KAFKA_SASL_PASSWORD=" + p.Mark + "\x07"},
			"tls.ca_file":         {"CHATLOG_KAFKA_TLS_CA_FILE=" + p.Mark[:3] + "/nowhere"},
			"32 characters":       {"CHATLOG_FORWARD_SECRET_FILE=", "CHATLOG_FORWARD_SECRET=" + p.Mark, "CHATLOG_INGEST_TOKEN_SECRET=" + p.Mark},
			"forward.secret_file": {"CHATLOG_FORWARD_SECRET=" + p.Mark + strings.Repeat("x", 32)},
		} {
			if program.Name == "sinks" && (strings.Contains(want, "32") || strings.Contains(want, "forward")) {
				continue // it reads neither
			}
			ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			c := exec.CommandContext(ctx, program.Path, "--check-config")
			c.Env = append(append([]string{}, program.Env...), more...)
			out, _ := c.CombinedOutput() // the output says it
			cancel()
			if !strings.Contains(string(out), want) {
				t.Errorf("%s: %s, and must say %q", program.Name, out, want)
			}
			h.unseen(t, program.Name+" --check-config", string(out))
		}
	}
}

package e2e

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"chatlog/deploy/client"
	"chatlog/shared/tracing/tracingtest"
)

// What a client's own spans are: one trace for each call.
const (
	posting, finding, caller = "0af7651916cd43dd8448eb211c80319c", "0af7651916cd43dd8448eb211c80319d", "b7ad6b7169203331"
)

func inTrace(id string, more ...string) client.Headers {
	return append(client.Headers{"Traceparent", "00-" + id + "-" + caller + "-01"}, more...)
}

// tracedTo is the settings that send to a collector what clients have sampled.
func tracedTo(c *tracingtest.Collector) []string {
	return []string{"CHATLOG_TRACING_ENDPOINT=" + c.URL, "CHATLOG_TRACING_SAMPLE_RATIO=0", "CHATLOG_LOG_LEVEL=info"}
}

// TestEmbeddedTrace and TestRealTrace: one trace from a POST through query and
// ingest to both views.
func TestEmbeddedTrace(t *testing.T) {
	c := tracingtest.New(t)
	h := embedded(t, tracedTo(c)...)
	testTrace(t, h, c, "sqlite", "bleve")
	if !h.tracesOnDisk(t) {
		t.Error("no record carries a trace: that none does when it is off proves nothing")
	}
}

func TestRealTrace(t *testing.T) {
	c := tracingtest.New(t)
	h := real(t, tracedTo(c)...)
	testTrace(t, h, c, "mysql", "elasticsearch")
	spans := c.Of(posting)
	want := "00-" + posting + "-" + named(spans, "append ")[0].ID + "-01"
	if got := h.traces(t); len(got) != 1 || got[0] != want {
		t.Errorf("records carry the traces %q, must be %s alone", got, want)
	}
	report(t, h.audit(t))
}

func testTrace(t *testing.T, h *house, c *tracingtest.Collector, rows, index string) {
	app := application(t, h.query)
	number := chat(t, h.query, app)
	if _, _, err := h.query.CreateMessage(t.Context(), app, number, "Hello", client.Headers{"Traceparent", "none"}); err != nil {
		t.Fatal("a malformed traceparent: ", err)
	}
	reply, err := h.query.Do(t.Context(), "POST", fmt.Sprintf("/application/%s/chat/%d/message", app, number), `{"message":"Bonjour"}`,
		inTrace(posting, "Content-Type", "application/json"))
	if err != nil || reply.Status != 200 {
		t.Fatal(reply, err)
	}
	found, err := h.query.Search(t.Context(), app, number, "Bonjour", 10, inTrace(finding, "Consistency-Token", reply.Token()))
	if err != nil || len(found) != 1 {
		t.Fatal(found, err)
	}
	eventually(t, 20*time.Second, "the whole trace", func() error {
		if got := c.Of(posting); len(named(got, "apply ")) != 2 || len(named(got, "POST ")) != 3 {
			return fmt.Errorf("so far:\n%s", tracingtest.Tree(append([]tracingtest.Span{{}}, got...)))
		}
		if got := c.Of(finding); len(named(got, "GET ")) != 1 {
			return errors.New("no span of the search")
		}
		return nil
	})
	spans := c.Of(posting)
	t.Logf("the trace of a POST:\n%s", tracingtest.Tree(spans))
	t.Logf("the trace of a search:\n%s", tracingtest.Tree(c.Of(finding)))
	judgePost(t, spans, reply.Token(), rows, index)
	judgeSearch(t, c.Of(finding), rows, index)
	for _, s := range c.All() {
		if s.Trace != posting && s.Trace != finding {
			t.Errorf("a span of what nobody wanted sampled: %+v", s)
		}
	}
	h.logged(t, "trace_id="+posting)
}

// named gives the spans whose names begin so.
func named(spans []tracingtest.Span, prefix string) (some []tracingtest.Span) {
	for _, s := range spans {
		if strings.HasPrefix(s.Name, prefix) {
			some = append(some, s)
		}
	}
	return some
}

// judgePost compares a write's trace with what it must be, parents and all.
func judgePost(t *testing.T, spans []tracingtest.Span, token, rows, index string) {
	t.Helper()
	const route = "POST /application/:token/chat/:chat/message"
	kinds := map[string]string{}
	below := func(parent, service, kind, name string) tracingtest.Span {
		for _, s := range spans {
			if s.Parent == parent && s.Service == "chatlog-"+service && s.Kind == kind && strings.HasPrefix(s.Name, name) && kinds[s.ID] == "" {
				kinds[s.ID] = name
				return s
			}
		}
		t.Errorf("no span %q of %s below %s", name, service, parent)
		return tracingtest.Span{}
	}
	first := below(caller, "query", "server", route)
	hop := below(first.ID, "query", "client", "POST ingest")
	second := below(hop.ID, "ingest", "server", route)
	appended := below(second.ID, "ingest", "producer", "append ")
	produced := below(appended.ID, "ingest", "client", "produce ")
	for range 2 {
		taken := below(appended.ID, "sinks", "consumer", "process ")
		call := below(taken.ID, "sinks", "client", "apply ")
		if engine := call.Attributes["db.system.name"]; engine != rows && engine != index {
			t.Errorf("applied to %q", engine)
		}
		at := taken.Attributes["messaging.destination.partition.id"] + "-" + taken.Attributes["messaging.kafka.offset"]
		if !strings.HasSuffix(token, "-"+at) || taken.Attributes["messaging.consumer.group.name"] == "" {
			t.Errorf("taken from %s, written to %s: %+v", at, token, taken)
		}
	}
	for _, s := range []tracingtest.Span{appended, produced} {
		if at := s.Attributes["messaging.destination.partition.id"] + "-" + s.Attributes["messaging.kafka.offset"]; !strings.HasSuffix(token, "-"+at) {
			t.Errorf("%s tells of %s, it is %s", s.Name, at, token)
		}
	}
	if produced.Attributes["messaging.batch.message_count"] == "" || first.Attributes["http.response.status_code"] != "200" {
		t.Errorf("%+v %+v", produced, first)
	}
	if len(kinds) != len(spans) || len(spans) != 9 {
		t.Errorf("the trace has %d spans, 9 were to be there", len(spans))
	}
}

// judgeSearch wants the waiting and the calls of both stores below the request.
func judgeSearch(t *testing.T, spans []tracingtest.Span, rows, index string) {
	t.Helper()
	served := named(spans, "GET ")[0]
	engines := map[string]bool{}
	for _, s := range spans {
		engines[s.Attributes["db.system.name"]] = true
		if s.ID != served.ID && s.Parent != served.ID {
			t.Errorf("%+v is not below the request", s)
		}
		for key, value := range s.Attributes {
			if strings.Contains(value, "Bonjour") {
				t.Errorf("%s tells what was looked for", key)
			}
		}
	}
	if served.Parent != caller || !engines[rows] || !engines[index] || len(named(spans, "wait for a refresh")) != 1 || len(named(spans, "search message")) != 1 {
		t.Errorf("the search's trace:\n%s", tracingtest.Tree(spans))
	}
}

// logged waits for a text in the log of every program that answers requests.
func (h *house) logged(t *testing.T, text string) {
	t.Helper()
	for _, p := range h.Programs {
		if p.Name == "sinks" {
			continue
		}
		eventually(t, 5*time.Second, p.Name+"'s log", func() error {
			content, err := os.ReadFile(p.Log)
			if err == nil && !strings.Contains(string(content), text) {
				err = fmt.Errorf("does not hold %s", text)
			}
			return err
		})
	}
}

// traces gives the traceparents of all records in the log.
func (h *house) traces(t *testing.T) (all []string) {
	t.Helper()
	for _, r := range h.read(t, h.parts.Commands) {
		for _, header := range r.Headers {
			if header.Key == "traceparent" {
				all = append(all, string(header.Value))
			}
		}
	}
	return all
}

// tracesOnDisk reports whether the embedded broker's files hold a traceparent.
func (h *house) tracesOnDisk(t *testing.T) (found bool) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(h.Programs[0].Dir, "data", "kafka", "partitions", "*", "*.dat"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		found = found || strings.Contains(string(content), "traceparent")
	}
	return found
}

// Off, nothing is sent, whatever clients and the other settings say, and no record
// carries a trace.
func TestEmbeddedTraceOff(t *testing.T) {
	h := embedded(t, "CHATLOG_TRACING_SAMPLE_RATIO=1")
	writeTraced(t, h)
	if h.tracesOnDisk(t) {
		t.Error("a record carries a trace")
	}
}

func TestRealTraceOff(t *testing.T) {
	h := real(t, "CHATLOG_TRACING_SAMPLE_RATIO=1")
	writeTraced(t, h)
	if got := h.traces(t); len(got) > 0 {
		t.Errorf("records carry the traces %q", got)
	}
}

func writeTraced(t *testing.T, h *house) {
	t.Helper()
	app := application(t, h.query)
	for _, c := range []*client.Client{h.query, h.ingest} {
		reply, err := c.Do(t.Context(), "POST", "/application/"+app+"/chat", "", inTrace(posting))
		if err != nil || reply.Status != 200 {
			t.Fatal(reply, err)
		}
		if reply, err = h.query.Do(t.Context(), "GET", "/application/"+app, "", inTrace(posting, "Consistency-Token", reply.Token())); err != nil || reply.Status != 200 {
			t.Fatal(reply, err)
		}
	}
}

func numberedTrace(n int) string { return fmt.Sprintf("0af7651916cd43dd8448eb21%08x", n) }

// TestRealTraceBetweenInstances: the hop from one ingest to the one that holds the
// partition is part of the trace.
func TestRealTraceBetweenInstances(t *testing.T) {
	c := tracingtest.New(t)
	h := real(t, tracedTo(c)...)
	var apps []string // made while one instance holds everything: in any partition
	for range 60 {
		apps = append(apps, application(t, h.ingest))
	}
	another, err := h.Program("ingest").Another("ingest 2", "CHATLOG_INGEST_LISTEN")
	if err != nil {
		t.Fatal(err)
	}
	h.Programs = append(h.Programs, another)
	if err := errors.Join(another.Start(), h.Ready(t.Context())); err != nil {
		t.Fatal(err)
	}
	n := 0
	eventually(t, 60*time.Second, "a write brought to the other instance", func() error {
		n++
		if _, err := h.ingest.CreateChat(t.Context(), apps[n%len(apps)], inTrace(numberedTrace(n))); err != nil {
			return err
		}
		if h.metric(t, h.Writes, "chatlog_owner_forwards_total") == 0 {
			return errors.New("this instance holds all partitions yet")
		}
		return nil
	})
	last := numberedTrace(n)
	eventually(t, 20*time.Second, "the trace", func() error {
		if got := c.Of(last); len(named(got, "POST /")) != 2 || len(named(got, "process ")) != 2 {
			return fmt.Errorf("%d spans so far", len(got))
		}
		return nil
	})
	spans := c.Of(last)
	t.Logf("the trace of a write that was brought to the other instance:\n%s", tracingtest.Tree(spans))
	served, hop := named(spans, "POST /"), named(spans, "POST ingest")
	if len(hop) != 1 || hop[0].Parent != served[0].ID || served[1].Parent != hop[0].ID || named(spans, "append ")[0].Parent != served[1].ID {
		t.Errorf("%+v", spans)
	}
}

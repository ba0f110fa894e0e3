// Package tracingtest is a collector for tests: it takes spans as a real one does,
// over HTTP, and shows them.
package tracingtest

import (
	"cmp"
	"compress/gzip"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	common "go.opentelemetry.io/proto/otlp/common/v1"
	otlp "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// Span is a span as it has come.
type Span struct {
	Service    string
	Name       string
	Kind       string // server, client, producer, consumer or internal
	Trace      string // 32 hex digits
	ID         string // 16 hex digits
	Parent     string // empty: a root
	Start, End time.Time
	Failed     string            // its status's text, if that is an error
	Attributes map[string]string // as texts
}

// Collector is an OTLP receiver.
type Collector struct {
	URL string

	mutex   sync.Mutex
	spans   []Span
	headers http.Header // of the last request
}

// New starts a collector, which ends with the test.
func New(t testing.TB) *Collector {
	c := &Collector{}
	server := httptest.NewServer(http.HandlerFunc(c.take))
	t.Cleanup(server.Close)
	c.URL = server.URL
	return c
}

func (c *Collector) take(w http.ResponseWriter, r *http.Request) {
	var request collector.ExportTraceServiceRequest
	if err := read(r, &request); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	c.headers = r.Header.Clone()
	for _, resource := range request.ResourceSpans {
		service := texts(resource.Resource.Attributes)["service.name"]
		for _, scope := range resource.ScopeSpans {
			for _, s := range scope.Spans {
				c.spans = append(c.spans, spanOf(service, s))
			}
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

func read(r *http.Request, into proto.Message) error {
	if r.Method != http.MethodPost || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" {
		return fmt.Errorf("%s %s %s is not OTLP", r.Method, r.URL.Path, r.Header.Get("Content-Type"))
	}
	body := io.Reader(r.Body)
	if r.Header.Get("Content-Encoding") == "gzip" {
		unpacked, err := gzip.NewReader(r.Body)
		if err != nil {
			return err
		}
		body = unpacked
	}
	content, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	return proto.Unmarshal(content, into)
}

func spanOf(service string, s *otlp.Span) Span {
	out := Span{Service: service, Name: s.Name, Kind: strings.ToLower(strings.TrimPrefix(s.Kind.String(), "SPAN_KIND_")),
		Trace: hex.EncodeToString(s.TraceId), ID: hex.EncodeToString(s.SpanId), Parent: hex.EncodeToString(s.ParentSpanId),
		Start: time.Unix(0, int64(s.StartTimeUnixNano)), End: time.Unix(0, int64(s.EndTimeUnixNano)), Attributes: texts(s.Attributes)}
	if s.Status.GetCode() == otlp.Status_STATUS_CODE_ERROR {
		out.Failed = cmp.Or(s.Status.Message, "error")
	}
	return out
}

func texts(attributes []*common.KeyValue) map[string]string {
	out := map[string]string{}
	for _, a := range attributes {
		switch v := a.Value.Value.(type) {
		case *common.AnyValue_StringValue:
			out[a.Key] = v.StringValue
		case *common.AnyValue_IntValue:
			out[a.Key] = fmt.Sprint(v.IntValue)
		default:
			out[a.Key] = a.Value.String()
		}
	}
	return out
}

// All gives every span that has come.
func (c *Collector) All() []Span {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return slices.Clone(c.spans)
}

// Of gives the spans of one trace, in order of their start.
func (c *Collector) Of(trace string) []Span {
	own := slices.DeleteFunc(c.All(), func(s Span) bool { return s.Trace != trace })
	slices.SortStableFunc(own, func(a, b Span) int { return a.Start.Compare(b.Start) })
	return own
}

// Header gives a header of the last request.
func (c *Collector) Header(name string) string {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.headers.Get(name)
}

// Tree draws a trace: each span below its parent, with when it began after the
// first one and how long it took.
func Tree(spans []Span) string {
	var out strings.Builder
	known := map[string]bool{}
	for _, s := range spans {
		known[s.ID] = true
	}
	var draw func(parent Span, depth int)
	line := func(s Span, depth int) {
		fmt.Fprintf(&out, "%8.1f ms %8.1f ms  %s%s (%s, %s) %s\n", s.Start.Sub(spans[0].Start).Seconds()*1000, s.End.Sub(s.Start).Seconds()*1000,
			strings.Repeat("   ", depth), s.Name, strings.TrimPrefix(s.Service, "chatlog-"), s.Kind, told(s))
		draw(s, depth+1)
	}
	draw = func(parent Span, depth int) {
		for _, s := range spans {
			if s.Parent == parent.ID {
				line(s, depth)
			}
		}
	}
	for _, s := range spans {
		if !known[s.Parent] { // a root, or its parent is the client's
			line(s, 0)
		}
	}
	return out.String()
}

// told is what a line of a tree says of a span's attributes.
func told(s Span) string {
	var all []string
	for _, key := range []string{"http.response.status_code", "messaging.destination.partition.id", "messaging.kafka.offset",
		"messaging.batch.message_count", "messaging.consumer.group.name", "db.system.name", "error.type"} {
		if value := s.Attributes[key]; value != "" {
			all = append(all, key[strings.LastIndexByte(key, '.')+1:]+"="+value)
		}
	}
	if s.Failed != "" {
		all = append(all, "FAILED: "+s.Failed)
	}
	return strings.Join(all, " ")
}

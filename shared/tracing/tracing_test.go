package tracing

import (
	"context"
	"log/slog"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"

	"chatlog/shared/fault"
	"chatlog/shared/tracing/tracingtest"
)

func begin(t *testing.T, c Config) *Tracing {
	t.Helper()
	if errs := c.Validate(); len(errs) > 0 {
		t.Fatal(errs)
	}
	on, err := New(c, "a service", prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return on
}

func stop(t *testing.T, on *Tracing) {
	t.Helper()
	if err := on.Stop(context.Background()); err != nil {
		t.Error(err)
	}
}

func request(values ...string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, "/", nil)
	r.Header[Header] = values
	return r
}

const (
	client   = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	unwanted = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00"
	its      = "0af7651916cd43dd8448eb211c80319c"
)

var malformed = []string{"", "none", "00-1-2-01", strings.ToUpper(client), client + "-x", "ff" + client[2:], strings.Repeat("0", 100_000),
	"00-00000000000000000000000000000000-b7ad6b7169203331-01", "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01", "\x00\xff"}

func TestWhatIsOffIsNothing(t *testing.T) {
	if on := begin(t, Default()); on != nil {
		t.Error("there is a tracing without an endpoint")
	} else {
		stop(t, on)
	}
}

// A request's trace is its client's, if the client names one properly; who is
// sampled is the client's word, too.
func TestServe(t *testing.T) {
	c := tracingtest.New(t)
	on := begin(t, Config{Endpoint: c.URL + "/", SampleRatio: 0, Headers: "Authorization=Bearer%20me,X-Scope=a%2Cb"})
	serve := func(r *http.Request) string {
		ctx, span := on.Serve(r)
		defer Served(span, "POST", "/application", 503, "an id", fault.New(fault.Transient, "too busy"))
		return Traceparent(ctx)
	}
	if own := serve(request(client)); !strings.HasPrefix(own, "00-"+its) || own == client || !strings.HasSuffix(own, "-01") {
		t.Error("a sampled trace goes on as ", own)
	}
	for _, r := range []*http.Request{request(unwanted), request(), request(client, client)} {
		if own := serve(r); own != "" {
			t.Errorf("%q is sampled: %s", r.Header[Header], own)
		}
	}
	for _, value := range malformed {
		if own := serve(request(value)); own != "" {
			t.Errorf("%.100q is sampled: %s", value, own)
		}
		if _, _, is := on.Continue(t.Context(), value, "x", trace.SpanKindConsumer); is {
			t.Errorf("%.100q is gone on with", value)
		}
	}
	if _, _, is := on.Continue(t.Context(), unwanted, "x", trace.SpanKindConsumer); is {
		t.Error("what is not sampled is gone on with")
	}
	stop(t, on)
	all := c.All()
	if len(all) != 1 {
		t.Fatalf("%d spans: %+v", len(all), all)
	}
	if s := all[0]; s.Service != "a service" || s.Name != "POST /application" || s.Kind != "server" || s.Trace != its || s.Parent != "b7ad6b7169203331" ||
		s.Failed != "too busy" || s.Attributes["error.type"] != "transient" || s.Attributes["http.route"] != "/application" {
		t.Errorf("%+v", s)
	}
	if c.Header("Authorization") != "Bearer me" || c.Header("X-Scope") != "a,b" {
		t.Error("the collector was sent no headers")
	}
}

func TestAllIsSampledWhereNobodySaysOtherwise(t *testing.T) {
	c := tracingtest.New(t)
	on := begin(t, Config{Endpoint: c.URL, SampleRatio: 1})
	for _, r := range []*http.Request{request(), request("none"), request(unwanted)} {
		ctx, span := on.Serve(r)
		_, below := Begin(ctx, "below", trace.SpanKindInternal)
		Done(below, fault.New(fault.NotFound, "is no failure"))
		Served(span, "GET", "", 404, "", nil)
	}
	stop(t, on)
	all := c.All()
	if len(all) != 4 {
		t.Fatalf("%d spans, must be 2 traces of 2: %+v", len(all), all)
	}
	for _, s := range all {
		if s.Failed != "" || (s.Parent == "") != (s.Kind == "server") {
			t.Errorf("%+v", s)
		}
	}
}

// Nobody waits for a collector that hangs: the queue is bounded, what does not fit
// is dropped and counted, and the stop is over in time, with nothing left behind.
func TestACollectorThatHangs(t *testing.T) {
	before := goleak.IgnoreCurrent()
	release := make(chan struct{})
	arrived := make(chan struct{}, 1)
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		select {
		case arrived <- struct{}{}:
		default:
		}
		<-release
	}))
	on := begin(t, Config{Endpoint: server.URL, SampleRatio: 1})
	const all = queueSpans + 3000
	began := time.Now()
	for range all {
		_, span := on.Serve(request())
		span.End()
	}
	if took := time.Since(began); took > 3*time.Second {
		t.Errorf("%d spans took %s", all, took)
	}
	<-arrived
	began = time.Now()
	stop(t, on)
	if took := time.Since(began); took > flushTime+2*time.Second {
		t.Errorf("the stop took %s", took)
	}
	full, failed := testutil.ToFloat64(on.out.dropped.WithLabelValues("full")), testutil.ToFloat64(on.out.dropped.WithLabelValues("failed"))
	if full != 3000 || failed != queueSpans || testutil.ToFloat64(on.out.sent) != 0 {
		t.Errorf("dropped %v full and %v failed of %d", full, failed, all)
	}
	if left := on.out.waiting.Load(); left != 0 {
		t.Errorf("%d spans are said to wait", left)
	}
	close(release)
	server.Close()
	goleak.VerifyNone(t, before)
}

// What a collector refuses is counted, and told once; when it takes them again, that
// is told, too.
func TestACollectorThatRefuses(t *testing.T) {
	c := tracingtest.New(t)
	refuse := true
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if refuse {
			http.Error(w, strings.Repeat("no ", 10_000), http.StatusForbidden)
			return
		}
		forward, err := http.NewRequestWithContext(r.Context(), r.Method, c.URL+r.URL.Path, r.Body)
		if err != nil {
			t.Error(err)
			return
		}
		forward.Header = r.Header
		response, err := http.DefaultTransport.RoundTrip(forward)
		if err != nil {
			t.Error(err)
			return
		}
		response.Body.Close()
	}))
	defer server.Close()
	var told strings.Builder
	on, err := New(Config{Endpoint: server.URL, SampleRatio: 1, Headers: "Authorization=topsecret"}, "a service", prometheus.NewRegistry(),
		slog.New(slog.NewTextHandler(&told, nil)))
	if err != nil {
		t.Fatal(err)
	}
	for _, refused := range []bool{true, true, false} {
		refuse = refused
		_, span := on.Serve(request())
		span.End()
		if err := on.provider.ForceFlush(t.Context()); err != nil {
			t.Error(err)
		}
	}
	stop(t, on)
	if failed, sent := testutil.ToFloat64(on.out.dropped.WithLabelValues("failed")), testutil.ToFloat64(on.out.sent); failed != 2 || sent != 1 || len(c.All()) != 1 {
		t.Errorf("%v failed, %v sent, %d came", failed, sent, len(c.All()))
	}
	if text := told.String(); strings.Count(text, "\n") != 2 || !strings.Contains(text, "403") || strings.Contains(text, "topsecret") || len(text) > 1000 {
		t.Errorf("told: %.2000s", text)
	}
}

// A client's trace goes on as it is where there is no span, and gives way to one.
func TestInject(t *testing.T) {
	to := http.Header{Header: {client}, "Tracestate": {"a=1"}}
	Inject(t.Context(), to)
	if to.Get(Header) != client || to.Get("Tracestate") != "a=1" {
		t.Error(to)
	}
	c := tracingtest.New(t)
	on := begin(t, Config{Endpoint: c.URL, SampleRatio: 0})
	defer stop(t, on)
	r := request(client)
	r.Header.Set("Tracestate", "a=1")
	ctx, span := on.Serve(r)
	defer span.End()
	Inject(ctx, to)
	if got := to.Values(Header); len(got) != 1 || got[0] == client || got[0] != Traceparent(ctx) || to.Get("Tracestate") != "a=1" {
		t.Error(to)
	}
}

func TestValidate(t *testing.T) {
	nothing := filepath.Join(t.TempDir(), "empty.pem")
	if err := os.WriteFile(nothing, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for want, c := range map[string]Config{
		"":              {Endpoint: "https://collector.example:4318/otlp", SampleRatio: 1, Headers: "a=b, c=d"},
		"sample_ratio:": {SampleRatio: 1.1},
		"sample_ratio":  {SampleRatio: math.NaN()},
		"headers":       {Headers: "nothing"},
		"headers:":      {Headers: "a b=c"},
		"endpoint":      {Endpoint: "127.0.0.1:4318"},
		"endpoint:":     {Endpoint: "http://me:topsecret@127.0.0.1"},
		"endpoint: h":   {Endpoint: "http://collector.example:4318"},
		"ca":            {Endpoint: "https://127.0.0.1:4318", CA: nothing},
		"ca:":           {Endpoint: "https://127.0.0.1:4318", CA: nothing + ".none"},
	} {
		errs := c.Validate()
		if want == "" && len(errs) > 0 || want != "" && (len(errs) != 1 || !strings.HasPrefix(errs[0].Error(), want)) {
			t.Errorf("%+v: %v", c, errs)
		}
		for _, err := range errs {
			if strings.Contains(err.Error(), "topsecret") || strings.Contains(err.Error(), "nothing") {
				t.Error("a secret is shown: ", err)
			}
		}
	}
	for _, c := range []Config{{Endpoint: "http://collector.example:4318", Insecure: true}, {Endpoint: "http://localhost:4318"}, {Endpoint: "http://[::1]:4318"}} {
		if errs := c.Validate(); len(errs) > 0 {
			t.Errorf("%s: %v", c.Endpoint, errs)
		}
	}
}

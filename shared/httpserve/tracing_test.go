package httpserve

import (
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"chatlog/shared/fault"
	"chatlog/shared/tracing"
	"chatlog/shared/tracing/tracingtest"
)

// Every request is a span with the name of its route, and its log line names the
// trace. Probes are none, and neither tokens nor searches are told.
func TestRequestsAreSpans(t *testing.T) {
	c := tracingtest.New(t)
	var lines strings.Builder
	registry := prometheus.NewRegistry()
	logger := slog.New(slog.NewTextHandler(&lines, nil))
	on, err := tracing.New(tracing.Config{Endpoint: c.URL}, "x", registry, logger)
	if err != nil {
		t.Fatal(err)
	}
	r := NewRouter(logger, NewMetrics("x", registry))
	r.Trace(on)
	r.Handle(http.MethodGet, "/application/:token/search", func(_ http.ResponseWriter, r *http.Request, _ Params) (any, error) {
		if !tracing.On(r.Context()) {
			t.Error("the handler has no span to go on with")
		}
		return nil, fault.New(fault.Transient, "not now")
	})
	r.Handle(http.MethodGet, "/panic", func(http.ResponseWriter, *http.Request, Params) (any, error) { panic("for a test") })
	r.Status(nil, registry)
	for _, path := range []string{"/application/topsecret/search?q=topsecret", "/nowhere/topsecret", "/panic", "/healthz", "/metrics", "/readyz"} {
		request := httptest.NewRequest(http.MethodGet, path, nil)
		request.Header.Set("Traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
		r.ServeHTTP(httptest.NewRecorder(), request)
	}
	if err := on.Stop(context.Background()); err != nil {
		t.Error(err)
	}
	want := map[string]string{"GET /application/:token/search": "503", "GET other": "404", "GET /panic": "500"}
	for _, s := range c.All() {
		if want[s.Name] == "" || s.Attributes["http.response.status_code"] != want[s.Name] || (s.Failed == "") != (s.Name == "GET other") {
			t.Errorf("%+v", s)
		}
		delete(want, s.Name)
		for key, value := range s.Attributes {
			if strings.Contains(value, "topsecret") {
				t.Errorf("%s tells a secret", key)
			}
		}
	}
	if len(want) > 0 {
		t.Error("no span of ", want)
	}
	if n := strings.Count(lines.String(), "trace_id=0af7651916cd43dd8448eb211c80319c"); n != 3 {
		t.Errorf("%d lines name the trace:\n%s", n, lines.String())
	}
}

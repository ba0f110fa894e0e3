package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"chatlog/shared/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func well(context.Context) error { return nil }

func ill(public string) func(context.Context) error {
	return func(context.Context) error {
		return fault.Wrap(fault.Transient, public, errors.New("dial tcp 10.0.0.7:3306"))
	}
}

func TestReadiness(t *testing.T) {
	for _, c := range []struct {
		name   string
		parts  []Part
		code   int
		report Report
	}{
		{"nothing needed", nil, 200, Report{"ok", map[string]string{}}},
		{"all well", []Part{{"kafka", true, well}, {"search", false, well}}, 200,
			Report{"ok", map[string]string{"kafka": "ok", "search": "ok"}}},
		{"something less important is down", []Part{{"kafka", true, well}, {"search", false, ill("Elasticsearch is down")}}, 200,
			Report{"degraded", map[string]string{"kafka": "ok", "search": "Elasticsearch is down"}}},
		{"something required is down", []Part{{"search", false, ill("Elasticsearch is down")}, {"kafka", true, ill("Kafka is down")}, {"redis", false, ill("Redis is down")}}, 503,
			Report{"unavailable", map[string]string{"kafka": "Kafka is down", "search": "Elasticsearch is down", "redis": "Redis is down"}}},
		{"an error that nobody gave a kind", []Part{{"kafka", true, func(context.Context) error { return errors.New("10.0.0.7 refused") }}}, 503,
			Report{"unavailable", map[string]string{"kafka": "Internal error"}}},
		{"a check that panics", []Part{{"kafka", false, func(context.Context) error { panic("10.0.0.7") }}}, 200,
			Report{"degraded", map[string]string{"kafka": "Internal error"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := httptest.NewRecorder()
			NewHealth(fault.PublicOf, c.parts...).ServeHTTP(w, httptest.NewRequest("GET", "/readyz", nil))
			var got Report
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			if w.Code != c.code || !reflect.DeepEqual(got, c.report) {
				t.Errorf("%d %+v, want %d %+v", w.Code, got, c.code, c.report)
			}
			if strings.Contains(w.Body.String(), "10.0.0.7") {
				t.Errorf("an address shows: %s", w.Body)
			}
			if w.Header().Get("Content-Type") != "application/json" || (w.Header().Get("Retry-After") != "") != (c.code == 503) {
				t.Errorf("header %v", w.Header())
			}
		})
	}
}

// Each check waits for the other two, so one after another they would never end.
func TestChecksRunAtOnceAndServeAllWhoAsk(t *testing.T) {
	var runs atomic.Int64
	var barrier sync.WaitGroup
	barrier.Add(3)
	together := func(context.Context) error { runs.Add(1); barrier.Done(); barrier.Wait(); return nil }
	h := NewHealth(fault.PublicOf, Part{"a", true, together}, Part{"b", true, together}, Part{"c", true, together})
	var callers sync.WaitGroup
	for range 20 {
		callers.Go(func() {
			if r := h.Check(t.Context()); r.Status != "ok" {
				t.Errorf("got %+v", r)
			}
		})
	}
	callers.Wait()
	if runs.Load() != 3 {
		t.Errorf("%d runs of 3 checks for 20 callers", runs.Load())
	}
}

func TestChecksRunAtMostOnceASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var runs int
		h := NewHealth(fault.PublicOf, Part{"a", true, func(context.Context) error { runs++; return nil }})
		for range 100 { // ten seconds
			h.Check(t.Context())
			time.Sleep(100 * time.Millisecond)
		}
		if runs != 10 {
			t.Errorf("%d runs in ten seconds", runs)
		}
	})
}

func TestAReportIsNotKeptForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var down atomic.Bool
		h := NewHealth(fault.PublicOf, Part{"kafka", true, func(context.Context) error {
			if down.Load() {
				return fault.New(fault.Transient, "Kafka is down")
			}
			return nil
		}})
		for _, want := range []string{"ok", "unavailable", "ok"} {
			down.Store(want != "ok")
			time.Sleep(checkEvery)
			if got := h.Check(t.Context()); got.Status != want {
				t.Errorf("got %+v, want %s", got, want)
			}
		}
	})
}

func TestACheckIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		var under atomic.Int64
		h := NewHealth(fault.PublicOf,
			Part{"slow", false, func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }},
			Part{"deaf", false, func(context.Context) error { under.Add(1); defer under.Add(-1); <-release; return nil }},
			Part{"well", true, well})
		want := Report{"degraded", map[string]string{"slow": "Temporarily unavailable", "deaf": "Temporarily unavailable", "well": "ok"}}
		for range 3 {
			began := time.Now()
			if got := h.Check(t.Context()); !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v", got)
			}
			if took := time.Since(began); took > checkTime {
				t.Errorf("took %v", took)
			}
			if under.Load() != 1 {
				t.Errorf("%d runs of a check that does not come back", under.Load())
			}
			time.Sleep(checkEvery)
		}
		close(release)
		synctest.Wait()
		time.Sleep(checkEvery)
		if got := h.Check(t.Context()).Parts["deaf"]; got != "ok" {
			t.Errorf("after it came back: %q", got)
		}
	})
}

// A client that hangs up must not make the parts look down to the next one.
func TestAClientThatHangsUpChangesNoReport(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	h := NewHealth(fault.PublicOf, Part{"kafka", true, func(ctx context.Context) error { return ctx.Err() }})
	if got := h.Check(ctx); got.Status != "ok" {
		t.Errorf("got %+v", got)
	}
}

func TestLogSection(t *testing.T) {
	if errs := DefaultLog().Validate(); errs != nil {
		t.Errorf("defaults: %v", errs)
	}
	for _, c := range []struct {
		cfg  LogConfig
		want []string // the keys that are wrong
	}{
		{LogConfig{"debug", "text"}, nil},
		{LogConfig{"warn", "json"}, nil},
		{LogConfig{"error", "json"}, nil},
		{LogConfig{"loud", "json"}, []string{"level"}},
		{LogConfig{"", "xml"}, []string{"level", "format"}},
	} {
		var keys []string
		for _, err := range c.cfg.Validate() {
			key, _, _ := strings.Cut(err.Error(), ":")
			keys = append(keys, key)
		}
		if !reflect.DeepEqual(keys, c.want) {
			t.Errorf("%+v: %v, want %v", c.cfg, keys, c.want)
		}
	}
}

func TestLogger(t *testing.T) {
	var out bytes.Buffer
	l := NewLogger(LogConfig{Level: "warn", Format: "json"}, &out)
	l.Info("no")
	l.Warn("yes", "part", "kafka")
	var line map[string]any
	if err := json.Unmarshal(out.Bytes(), &line); err != nil {
		t.Fatalf("%v: %q", err, out.String())
	}
	if line["msg"] != "yes" || line["level"] != "WARN" || line["part"] != "kafka" {
		t.Errorf("got %v", line)
	}
	out.Reset()
	NewLogger(LogConfig{Level: "debug", Format: "text"}, &out).Debug("hello")
	if !strings.Contains(out.String(), "level=DEBUG msg=hello") {
		t.Errorf("got %q", out.String())
	}
	if NewLogger(DefaultLog(), &out).Enabled(t.Context(), slog.LevelDebug) {
		t.Error("debug is on by default")
	}
}

func TestRegistryTellsOfTheRuntimeAndTheProcess(t *testing.T) {
	families, err := NewRegistry().Gather()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, f := range families {
		seen[f.GetName()] = true
	}
	for _, want := range []string{"go_goroutines", "process_open_fds", "go_build_info"} {
		if !seen[want] {
			t.Errorf("no %s", want)
		}
	}
}

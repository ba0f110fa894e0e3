package telemetry

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"time"
)

// Part is one thing that a service needs. Check tells what is wrong with it in
// words that may be shown to anybody; nil means that all is well.
type Part struct {
	Name     string
	Required bool // without it nothing useful can be answered
	Check    func(ctx context.Context) error
}

// Health tells which parts are well. Checks run at most once a second.
type Health struct {
	parts  []Part
	public func(error) string
	under  []chan error // of each part: the check that has not come back yet
	mutex  sync.Mutex
	at     time.Time
	report Report
	logger *slog.Logger    // nil: nobody is told
	unwell map[string]bool // parts that were not well when last looked at
}

// Tell makes the log say why a part is not well any more, once, and when it is
// well again: /readyz names the part but may not show what it answers.
func (h *Health) Tell(logger *slog.Logger) *Health {
	h.logger, h.unwell = logger, map[string]bool{}
	return h
}

func (h *Health) tell(part string, err error) {
	switch was := h.unwell[part]; {
	case h.logger == nil:
		return
	case err != nil && !was:
		h.logger.Warn("not well", "part", part, "error", err)
	case err == nil && was:
		h.logger.Info("well again", "part", part)
	}
	h.unwell[part] = err != nil
}

// Report is what /readyz shows.
type Report struct {
	Status string            `json:"status"` // ok, degraded or unavailable
	Parts  map[string]string `json:"parts"`  // ok, or what is wrong
}

// NewHealth makes a Health; public turns an error into words for anybody.
func NewHealth(public func(error) string, parts ...Part) *Health {
	return &Health{parts: parts, public: public, under: make([]chan error, len(parts))}
}

const (
	checkTime  = 2 * time.Second // bound of one check
	checkEvery = time.Second     // how old a report may be
)

// Check gives a report that is no older than a second.
func (h *Health) Check(ctx context.Context) Report {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	if time.Since(h.at) < checkEvery {
		return h.report
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkTime)
	defer cancel()
	for i, part := range h.parts {
		if h.under[i] == nil {
			h.under[i] = start(ctx, part)
		}
	}
	errs := make([]error, len(h.parts))
	for i := range h.parts {
		errs[i] = h.result(ctx, i)
	}
	r := Report{Status: "ok", Parts: map[string]string{}}
	for i, part := range h.parts {
		h.tell(part.Name, errs[i])
		r.Parts[part.Name] = "ok"
		if errs[i] == nil {
			continue
		}
		r.Parts[part.Name] = h.public(errs[i])
		if part.Required {
			r.Status = "unavailable"
		} else if r.Status == "ok" {
			r.Status = "degraded"
		}
	}
	h.at, h.report = time.Now(), r
	return r
}

// start runs a check beside the others. A panic in it is an error of that part,
// not the end of the program.
func start(ctx context.Context, p Part) chan error {
	done := make(chan error, 1)
	go func() {
		defer func() {
			if cause := recover(); cause != nil {
				done <- fmt.Errorf("the check of %s panicked: %v", p.Name, cause)
			}
		}()
		done <- p.Check(ctx)
	}()
	return done
}

// result waits for a part's check. One that does not heed its context is left
// behind, and not started again before it comes back: /readyz must answer, and
// must not pile up goroutines, when a driver hangs.
func (h *Health) result(ctx context.Context, i int) error {
	select {
	case err := <-h.under[i]:
		h.under[i] = nil
		return err
	default:
	}
	select {
	case err := <-h.under[i]:
		h.under[i] = nil
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// ServeHTTP serves /readyz: 200 while the service can answer something useful,
// with the degraded parts named; 503 when it cannot.
func (h *Health) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	report := h.Check(r.Context())
	w.Header().Set("Content-Type", "application/json")
	if report.Status == "unavailable" {
		w.Header().Set("Retry-After", "1")
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	json.NewEncoder(w).Encode(report) // a reader that has gone away is no error of ours
}

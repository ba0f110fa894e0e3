// Package httpserve is the HTTP edge of every service: routing, bodies, the one
// place where an error becomes a status, request logs and metrics, and a server
// that cannot be held up by slow clients.
package httpserve

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/julienschmidt/httprouter"
	"go.opentelemetry.io/otel/trace"

	"chatlog/shared/fault"
	"chatlog/shared/tracing"
)

// Handler answers a request with a value, which becomes the JSON body of a 200,
// or with an error, whose kind becomes the status. It may set headers on w but
// never writes to it.
type Handler func(w http.ResponseWriter, r *http.Request, p Params) (any, error)

// Params are the values of a path's parameters, unescaped.
type Params struct{ list httprouter.Params }

// Get gives a parameter's value.
func (p Params) Get(name string) string { return p.list.ByName(name) }

// Number gives a parameter that is a chat's or message's number.
func (p Params) Number(name string) int64 { return Number(p.Get(name)) }

// Number reads a number from 1 to 2^63-1; anything else is 0.
func Number(text string) int64 {
	if text == "" || text[0] < '1' || text[0] > '9' { // no sign, no leading zero
		return 0
	}
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// HeaderRequestID ties a reply to its log line.
const HeaderRequestID = "X-Request-Id"

// Router routes on the escaped path, so that a parameter may hold anything,
// slashes included. A trailing slash is accepted, nothing is ever redirected.
type Router struct {
	routes  *httprouter.Router
	logger  *slog.Logger
	metrics *Metrics
	gate    Gate
	admit   func(w http.ResponseWriter, r *http.Request) error // nil: everybody
	tracing *tracing.Tracing                                   // nil: off
}

// Admit makes check see every request before its route does, with the path as it
// was escaped. What it refuses is logged and counted as any other request.
func (r *Router) Admit(check func(w http.ResponseWriter, r *http.Request) error) { r.admit = check }

// NewRouter makes a router; its requests are logged and counted.
func NewRouter(logger *slog.Logger, m *Metrics) *Router {
	r := &Router{routes: httprouter.New(), logger: logger, metrics: m}
	r.routes.RedirectTrailingSlash = false
	r.routes.RedirectFixedPath = false
	r.routes.HandleOPTIONS = false
	r.routes.NotFound = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		WriteError(w, fault.New(fault.NotFound, "Not found"))
	})
	r.routes.MethodNotAllowed = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		// httprouter names OPTIONS even when it does not answer it.
		allowed := strings.Split(w.Header().Get("Allow"), ", ")
		w.Header().Set("Allow", strings.Join(slices.DeleteFunc(allowed, func(m string) bool { return m == http.MethodOptions }), ", "))
		writeJSON(w, http.StatusMethodNotAllowed, errorBody{"Method not allowed"})
	})
	return r
}

// Trace makes the router tell of its requests as spans; nil: it does not.
func (r *Router) Trace(t *tracing.Tracing) { r.tracing = t }

// Handle adds a route. A GET route answers HEAD too.
func (r *Router) Handle(method, pattern string, h Handler) {
	guard := r.guard(method, pattern)
	adapted := func(w http.ResponseWriter, req *http.Request, list httprouter.Params) {
		w.(*recorder).route = pattern
		if !unescape(w, list) || !guard.enter(w, req, list) {
			return
		}
		value, err := h(w, req, Params{list})
		if err != nil {
			w.(*recorder).err = err
			WriteError(w, err)
			return
		}
		if raw, ok := value.(Raw); ok {
			w.Header().Set("Content-Type", raw.ContentType)
			w.WriteHeader(cmp.Or(raw.Status, http.StatusOK))
			w.Write(raw.Body) // a client that has gone away is no error of ours
			return
		}
		writeJSON(w, http.StatusOK, value)
	}
	r.routes.Handle(method, pattern, adapted)
	if method == http.MethodGet {
		r.routes.Handle(http.MethodHead, pattern, adapted)
	}
}

// unescape makes the values of a path's parameters what they stand for, or answers
// that they stand for nothing.
func unescape(w http.ResponseWriter, list httprouter.Params) bool {
	for i := range list {
		value, err := url.PathUnescape(list[i].Value)
		if err != nil {
			WriteError(w, fault.New(fault.Invalid, "Path is not properly escaped"))
			return false
		}
		list[i].Value = value
	}
	return true
}

// Raw is a value that is written as it is, whatever its status.
type Raw struct {
	Status      int // 0: 200
	ContentType string
	Body        []byte
}

// Mount adds a plain handler, for what is not made here. GET answers HEAD too. The
// handler has the path as it was escaped, but the guard has the parameters as Handle
// gives them: one token must not have many spellings to be counted under.
func (r *Router) Mount(method, pattern string, h http.Handler) {
	guard := r.guard(method, pattern)
	adapted := func(w http.ResponseWriter, req *http.Request, list httprouter.Params) {
		w.(*recorder).route = pattern
		if unescape(w, list) && guard.enter(w, req, list) {
			h.ServeHTTP(w, req)
		}
	}
	r.routes.Handle(method, pattern, adapted)
	if method == http.MethodGet {
		r.routes.Handle(http.MethodHead, pattern, adapted)
	}
}

// ServeHTTP serves one request, logs one line about it and counts it.
func (r *Router) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	began := time.Now()
	rec := &recorder{ResponseWriter: w, request: req, route: "other"}
	id := requestID(req)
	rec.Header().Set(HeaderRequestID, id)
	r.metrics.inFlight.Inc()
	var span trace.Span // nil: not told
	if r.tracing != nil && !probe(req.URL.Path) {
		var ctx context.Context
		ctx, span = r.tracing.Serve(req)
		req = req.WithContext(ctx)
	}
	defer func() {
		r.metrics.inFlight.Dec()
		if cause := recover(); cause == http.ErrAbortHandler {
			defer panic(cause) // a reverse proxy lost its upstream: the reply must not look whole
		} else if cause != nil {
			r.logger.Error("panic", "request_id", id, "cause", cause, "stack", string(debug.Stack()))
			if rec.status == 0 {
				WriteError(rec, fault.New(fault.Terminal, "Internal error"))
			} else {
				defer panic(http.ErrAbortHandler) // half a reply must not look like a whole one
			}
		}
		r.tell(req, rec, id, time.Since(began))
		if span != nil {
			tracing.Served(span, knownMethod(req.Method), rec.route, rec.status, id, rec.err)
		}
	}()
	path := escapedPath(req.URL)
	if len(path) > 1 {
		path = strings.TrimSuffix(path, "/")
	}
	if path != req.URL.Path {
		routed := *req
		address := *req.URL
		address.Path = path
		routed.URL = &address
		req = &routed
	}
	if r.admit != nil {
		if rec.err = r.admit(rec, req); rec.err != nil {
			WriteError(rec, rec.err)
			return
		}
	}
	r.routes.ServeHTTP(rec, req)
}

// probe reports whether a path is one that machines ask for every few seconds.
func probe(path string) bool { return path == "/healthz" || path == "/readyz" || path == "/metrics" }

// escapedPath gives the path as it was sent. url.URL.EscapedPath would escape a
// path that holds raw UTF-8 anew, and lose which slashes were escaped.
func escapedPath(u *url.URL) string {
	if u.RawPath != "" {
		return u.RawPath
	}
	return u.EscapedPath()
}

func (r *Router) tell(req *http.Request, rec *recorder, id string, took time.Duration) {
	r.metrics.observe(rec.route, req.Method, rec.status, took)
	level := slog.LevelInfo
	switch {
	case probe(rec.route):
		level = slog.LevelDebug // probes would drown the rest
	case rec.err != nil && rec.status >= 500:
		level = slog.LevelWarn
	}
	if !r.logger.Enabled(req.Context(), level) {
		return
	}
	attributes := []slog.Attr{slog.String("method", req.Method), slog.String("route", rec.route), slog.Int("status", rec.status),
		slog.Duration("took", took), slog.Int64("bytes", rec.bytes), slog.String("request_id", id), slog.String("remote", req.RemoteAddr)}
	if r.tracing != nil {
		if id := tracing.ID(req.Context()); id != "" {
			attributes = append(attributes, slog.String("trace_id", id))
		}
	}
	if rec.err != nil {
		attributes = append(attributes, slog.String("error", rec.err.Error()))
	}
	r.logger.LogAttrs(req.Context(), level, "request", attributes...)
}

// requestID takes the client's id if it is a sane one, or makes one, and leaves
// it in the request for whoever forwards it.
func requestID(r *http.Request) string {
	id := r.Header.Get(HeaderRequestID)
	sane := id != "" && len(id) <= 128
	for i := 0; sane && i < len(id); i++ {
		sane = id[i] > ' ' && id[i] < 0x7f
	}
	if !sane {
		id = uuid.Must(uuid.NewV7()).String()
		r.Header.Set(HeaderRequestID, id)
	}
	return id
}

// recorder remembers what was answered.
type recorder struct {
	http.ResponseWriter
	request *http.Request
	route   string
	status  int
	bytes   int64
	err     error
	guard   *guarded // that has let the request in; nil: none
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 {
		r.status = status
		if status >= http.StatusBadRequest && !drain(r.request, unwanted(status)) {
			r.Header().Set("Connection", "close") // or net/http would read on
		}
		if status == http.StatusNotFound && r.guard != nil {
			r.guard.Missed(r.request)
		}
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(b)
	r.bytes += int64(n)
	return n, err
}

// Unwrap lets http.ResponseController and reverse proxies reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

package ratelimit

import (
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"chatlog/shared/command"
	"chatlog/shared/fault"
	"chatlog/shared/httpserve"
	"chatlog/shared/redisconn"
	"chatlog/shared/relay"
)

// Scope is what a limit is about, as the metric names it.
type Scope string

// The scopes.
const (
	Writes   Scope = "writes"   // POST, PUT and DELETE of an application
	Reads    Scope = "reads"    // of an application
	Searches Scope = "searches" // of an application
	Address  Scope = "address"  // anything, of a client's address
	Misses   Scope = "misses"   // 404 answers, of a client's address
)

var refusals = map[Scope]string{
	Writes: "Too many writes of this application", Reads: "Too many reads of this application", Searches: "Too many searches of this application",
	Address: "Too many requests from this address", Misses: "Too many requests from this address for what is not there",
}

// Callers are those who a service is called by.
type Callers bool

// The callers.
const (
	Clients   Callers = false // nobody else: what says that it was passed on is counted as anything
	Instances Callers = true  // too: what they pass on was counted where it came in
)

// Gate turns down requests that are over a limit. It is a httpserve.Gate, and a
// part of what a service closes.
type Gate struct {
	limits  map[Scope]Limit
	callers Callers
	proxies []netip.Prefix
	redis   *redis.Client
	limiter *limiter
	limited *prometheus.CounterVec
}

// NewGate makes a service's gate; nil when there are no limits. cfg must be valid.
func NewGate(service string, callers Callers, cfg Config, at redisconn.Config, logger *slog.Logger, r prometheus.Registerer) *Gate {
	if !cfg.on() {
		return nil
	}
	labels := prometheus.Labels{"service": service}
	g := &Gate{limits: map[Scope]Limit{}, callers: callers, redis: open(at, cfg.Timeout),
		limited: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "chatlog_http_rate_limited_total",
			Help: "Requests answered with 429, by the limit that they were over.", ConstLabels: labels}, []string{"scope"})}
	for scope, rate := range map[Scope]float64{Writes: cfg.Writes, Reads: cfg.Reads, Searches: cfg.Searches, Address: cfg.Address, Misses: cfg.Misses} {
		if rate > 0 {
			g.limits[scope] = PerSecond(rate, cfg.Burst)
			g.limited.WithLabelValues(string(scope))
		}
	}
	g.proxies, _ = networks(cfg.Proxies) // valid, as cfg is
	alone := prometheus.NewCounter(prometheus.CounterOpts{Name: "chatlog_rate_limit_alone_total",
		Help: "Looks at limits that were counted by this instance alone, because Redis did not answer.", ConstLabels: labels})
	r.MustRegister(g.limited, alone)
	g.limiter = newLimiter(g.redis, at.Prefix, cfg.Timeout, logger, alone)
	return g
}

// Close ends the connections to Redis.
func (g *Gate) Close() error {
	if g == nil {
		return nil
	}
	return g.redis.Close()
}

// Of gives what guards a route; nil: nothing does. Health, metrics and the document
// of the API are for everybody.
func (g *Gate) Of(method, pattern string) httpserve.Guard {
	if g == nil || !strings.HasPrefix(pattern, "/application") {
		return nil
	}
	scope := Writes
	if method == http.MethodGet {
		scope = Reads
		if strings.Contains(pattern, "/search") {
			scope = Searches
		}
	}
	return &guard{g, scope}
}

// guard is the gate of routes of one scope.
type guard struct {
	gate  *Gate
	scope Scope
}

// Enter counts a request of an application, which may be empty. Over a limit it is
// counted nowhere and the error says which one it is.
func (g *guard) Enter(r *http.Request, token string) error {
	if g.gate.counted(r) {
		return nil
	}
	charges := make([]Charge, 0, 3)
	at := addressKey(client(r, g.gate.proxies))
	if limit, on := g.gate.limits[g.scope]; on && command.ValidToken(token) {
		charges = append(charges, Charge{g.scope, string(g.scope) + ":" + nameless(token), limit, Take})
	}
	if limit, on := g.gate.limits[Address]; on {
		charges = append(charges, Charge{Address, "address:" + at, limit, Take})
	}
	if limit, on := g.gate.limits[Misses]; on {
		charges = append(charges, Charge{Misses, "misses:" + at, limit, Look})
	}
	if len(charges) == 0 {
		return nil
	}
	v := g.gate.limiter.decide(r.Context(), charges)
	if v.Refused < 0 {
		return nil
	}
	scope := charges[v.Refused].Scope
	g.gate.limited.WithLabelValues(string(scope)).Inc()
	return &fault.Error{Kind: fault.Limited, Public: refusals[scope], RetryAfter: max(v.Wait, time.Millisecond)}
}

// Missed counts an answer that something is not there: whoever guesses tokens gets
// many of them.
func (g *guard) Missed(r *http.Request) {
	limit, on := g.gate.limits[Misses]
	if !on || g.gate.counted(r) {
		return
	}
	key := "misses:" + addressKey(client(r, g.gate.proxies))
	g.gate.limiter.decide(r.Context(), []Charge{{Misses, key, limit, Add}})
}

// counted says whether an instance has passed a request on, and so has counted it
// under its client's address. Whether it truly was one is relay's business, which
// may have to believe a proxy on this machine: so it is asked only where instances call.
func (g *Gate) counted(r *http.Request) bool {
	return g.callers == Instances && r.Header.Get(relay.Guard) != ""
}

// nameless makes a key of a token: whoever can look into Redis learns no tokens.
func nameless(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:16])
}

package httpserve

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"chatlog/shared/tlsconf"
)

// Config is how a service listens; it is part of the service's section.
type Config struct {
	Listen        string         `mapstructure:"listen"`         // host:port; port 0 takes a free one
	HeaderTimeout time.Duration  `mapstructure:"header_timeout"` // for a request's header to arrive
	BodyTimeout   time.Duration  `mapstructure:"body_timeout"`   // for a whole request to arrive
	ReplyTimeout  time.Duration  `mapstructure:"reply_timeout"`  // for a reply to be made and taken
	IdleTimeout   time.Duration  `mapstructure:"idle_timeout"`   // of a kept-alive connection
	TLS           tlsconf.Server `mapstructure:"tls"`
}

// Default gives the defaults for an address.
func Default(listen string) Config {
	return Config{Listen: listen, HeaderTimeout: 5 * time.Second, BodyTimeout: 15 * time.Second,
		ReplyTimeout: 30 * time.Second, IdleTimeout: 2 * time.Minute}
}

// Validate checks the values.
func (c Config) Validate() []error {
	var errs []error
	if _, port, err := net.SplitHostPort(c.Listen); err != nil {
		errs = append(errs, fmt.Errorf("listen: %q is not host:port", c.Listen))
	} else if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		errs = append(errs, fmt.Errorf("listen: %q has no port number", c.Listen))
	}
	if c.HeaderTimeout <= 0 || c.BodyTimeout <= 0 || c.ReplyTimeout <= 0 || c.IdleTimeout <= 0 {
		errs = append(errs, errors.New("header_timeout, body_timeout, reply_timeout and idle_timeout: must be positive, or a slow client holds a connection for ever"))
	}
	if c.ReplyTimeout <= c.BodyTimeout {
		errs = append(errs, errors.New("reply_timeout: must be longer than body_timeout"))
	}
	return append(errs, c.TLS.Validate()...)
}

// maxHeader bounds a request's header, in bytes. A path may hold a search text.
const maxHeader = 64 << 10

// Server is a listener as a component; it is a lifecycle.Mortal.
type Server struct {
	name   string
	cfg    Config
	server *http.Server
	logger *slog.Logger
	addr   string
	done   chan struct{}
	err    error // why it ended by itself; set before done is closed

	mutex sync.Mutex
	fresh map[net.Conn]struct{} // connections whose first request has not arrived
}

// NewServer makes a server; it listens once it is started.
func NewServer(name string, cfg Config, h http.Handler, logger *slog.Logger) *Server {
	s := &Server{name: name, cfg: cfg, logger: logger, done: make(chan struct{}), fresh: map[net.Conn]struct{}{}}
	s.server = &http.Server{
		ConnState: s.track, Handler: h, ReadHeaderTimeout: cfg.HeaderTimeout, ReadTimeout: cfg.BodyTimeout, WriteTimeout: cfg.ReplyTimeout,
		IdleTimeout: cfg.IdleTimeout, MaxHeaderBytes: maxHeader, ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
	return s
}

// Name gives the component's name.
func (s *Server) Name() string { return s.name }

// Start binds the address, so that one that is taken is an error, and serves.
func (s *Server) Start(ctx context.Context) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", s.cfg.Listen)
	if err != nil {
		return err
	}
	over, err := s.cfg.TLS.Config(func(err error) {
		s.logger.Error("the certificate's files have changed and cannot be used, the one before goes on", "server", s.name, "error", err)
	})
	if err != nil {
		return errors.Join(err, l.Close())
	}
	s.addr = l.Addr().String()
	if over != nil {
		l = tls.NewListener(l, over)
	}
	go func() {
		defer close(s.done)
		if err := s.server.Serve(jsonListener{l}); !errors.Is(err, http.ErrServerClosed) {
			s.err = err
			s.logger.Error("listener ended", "server", s.name, "error", err)
		}
	}()
	return nil
}

// Addr is the address that it listens on, once it is started.
func (s *Server) Addr() string { return s.addr }

// URL is the base URL of that address.
func (s *Server) URL() string {
	if s.cfg.TLS.Enabled() {
		return "https://" + s.addr
	}
	return "http://" + s.addr
}

// OnLoopback reports whether only this machine can reach an address, host:port.
func OnLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.Unmap().IsLoopback()
}

// Done is closed when it listens no more.
func (s *Server) Done() <-chan struct{} { return s.done }

// Err tells, once Done is closed, why it listens no more; nil after a Stop.
func (s *Server) Err() error { return s.err }

// track remembers the connections that have not sent a request yet.
func (s *Server) track(c net.Conn, state http.ConnState) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if state == http.StateNew {
		s.fresh[c] = struct{}{}
	} else {
		delete(s.fresh, c)
	}
}

// freshGrace is what a stop leaves a client to finish its first header.
const freshGrace = 250 * time.Millisecond

// closeFresh closes the connections without a request. http.Server.Shutdown
// waits five seconds for each of them (golang/go#22682), more than half of what
// the whole program has for its stop.
func (s *Server) closeFresh() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for c := range s.fresh {
		c.Close() // it has nothing to lose
	}
}

// Stop answers the requests under way, takes no new ones, and closes what is
// still open when ctx ends.
func (s *Server) Stop(ctx context.Context) error {
	fresh := time.AfterFunc(freshGrace, s.closeFresh)
	defer fresh.Stop()
	err := s.server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, s.server.Close())
	}
	if s.addr != "" {
		<-s.done
	}
	return err
}

// Metrics count requests.
type Metrics struct {
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	inFlight prometheus.Gauge
}

// NewMetrics registers a service's request metrics.
func NewMetrics(service string, r prometheus.Registerer) *Metrics {
	labels := prometheus.Labels{"service": service}
	m := &Metrics{
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "chatlog_http_requests_total",
			Help: "HTTP requests by route, method and status.", ConstLabels: labels}, []string{"route", "method", "code"}),
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "chatlog_http_request_seconds",
			Help: "Time to answer a request.", ConstLabels: labels, Buckets: []float64{.0005, .001, .002, .005, .01, .02, .05, .1, .25, .5, 1, 2, 5, 10}}, []string{"route"}),
		inFlight: prometheus.NewGauge(prometheus.GaugeOpts{Name: "chatlog_http_in_flight",
			Help: "HTTP requests being answered.", ConstLabels: labels}),
	}
	r.MustRegister(m.requests, m.seconds, m.inFlight)
	return m
}

var knownMethods = map[string]bool{"GET": true, "HEAD": true, "POST": true, "PUT": true, "DELETE": true, "OPTIONS": true, "PATCH": true}

// knownMethod names a method: a client must not be able to make labels.
func knownMethod(method string) string {
	if !knownMethods[method] {
		return "other"
	}
	return method
}

func (m *Metrics) observe(route, method string, status int, took time.Duration) {
	m.requests.WithLabelValues(route, knownMethod(method), strconv.Itoa(status)).Inc()
	m.seconds.WithLabelValues(route).Observe(took.Seconds())
}

// Package profile lets a running program be profiled with go tool pprof, on an
// address of its own that nobody else can reach.
package profile

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
)

// Config is the section `profile`.
type Config struct {
	Listen string `mapstructure:"listen"` // loopback host:port; empty: off
}

// Validate checks the section. Profiles tell what is in memory, and taking one
// costs time: only this machine may.
func (c Config) Validate() []error {
	if c.Listen == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(c.Listen)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		return []error{fmt.Errorf("listen: %q is not a loopback address with a port", c.Listen)}
	}
	return nil
}

// Server serves /debug/pprof/ as a component.
type Server struct {
	listen string
	addr   string // once it listens
	server *http.Server
	done   chan struct{}
}

// New makes the component; without an address it does nothing.
func New(c Config) *Server {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	return &Server{listen: c.Listen, server: &http.Server{Handler: mux}, done: make(chan struct{})}
}

// Name gives the component's name.
func (s *Server) Name() string { return "profile" }

// Start binds the address, if there is one.
func (s *Server) Start(ctx context.Context) error {
	if s.listen == "" {
		return nil
	}
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", s.listen)
	if err != nil {
		return err
	}
	s.addr = l.Addr().String()
	go func() {
		defer close(s.done)
		s.server.Serve(l) // ends by Stop alone, or with its listener: nothing hangs on it
	}()
	return nil
}

// Addr is the address that it listens on, once it is started.
func (s *Server) Addr() string { return s.addr }

// Stop ends profiles under way: a stop waits for nobody's curiosity.
func (s *Server) Stop(context.Context) error {
	err := s.server.Close()
	if s.addr != "" {
		<-s.done
	}
	return err
}

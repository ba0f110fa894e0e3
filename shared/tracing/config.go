// Package tracing tells of requests and records as OpenTelemetry spans: one trace
// from a write's POST through the log to the views. Without an endpoint there is
// no Tracing at all (nil), and nothing on the way of a request is done for it.
package tracing

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strings"

	"golang.org/x/net/http/httpguts"

	"chatlog/shared/config"
)

// Config is the section `tracing`.
type Config struct {
	// Endpoint is the base URL of a collector that takes OTLP over HTTP; spans go
	// to /v1/traces below it. Empty: no tracing.
	Endpoint string `mapstructure:"endpoint"`
	// SampleRatio is the share, 0 to 1, of the traces begun here that are told. A
	// request that comes with a traceparent is told of if its sender says so.
	SampleRatio float64 `mapstructure:"sample_ratio"`
	// Insecure allows http to other machines: spans and headers in plain sight.
	Insecure bool `mapstructure:"insecure"`
	// CA is a file of PEM certificates that https is checked with; empty: the
	// system's.
	CA string `mapstructure:"ca"`
	// Headers go with every export, as name=value with commas between; a comma in a
	// value is written %2C.
	Headers config.Secret `mapstructure:"headers"`
}

// Default gives the section's defaults: off.
func Default() Config { return Config{SampleRatio: 0.01} }

// Validate checks the section.
func (c Config) Validate() []error {
	var errs []error
	if !(c.SampleRatio >= 0 && c.SampleRatio <= 1) { // NaN included
		errs = append(errs, errors.New("sample_ratio: must be from 0 to 1"))
	}
	if _, err := c.headers(); err != nil {
		errs = append(errs, err)
	}
	if c.Endpoint == "" {
		return errs
	}
	u, err := url.Parse(c.Endpoint)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.RawQuery != "" || u.Fragment != "":
		errs = append(errs, errors.New("endpoint: must be a base URL, as http://127.0.0.1:4318"))
	case u.User != nil:
		errs = append(errs, errors.New("endpoint: must hold no password, it is shown in logs; give it in headers"))
	case u.Scheme == "http" && !c.Insecure && !loopback(u.Hostname()):
		errs = append(errs, errors.New("endpoint: http to another machine needs insecure: true"))
	}
	if _, err := c.tls(); err != nil {
		errs = append(errs, err)
	}
	return errs
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// headers reads the list of headers. Its errors do not show them.
func (c Config) headers() (map[string]string, error) {
	all := map[string]string{}
	for pair := range strings.SplitSeq(c.Headers.Reveal(), ",") {
		if pair = strings.TrimSpace(pair); pair == "" {
			continue
		}
		name, value, given := strings.Cut(pair, "=")
		value, err := url.PathUnescape(value)
		if !given || err != nil || !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(value) {
			return nil, errors.New("headers: must be name=value, with commas between")
		}
		all[name] = value
	}
	return all, nil
}

// tls gives how https is checked; nil: as usual.
func (c Config) tls() (*tls.Config, error) {
	if c.CA == "" {
		return nil, nil
	}
	content, err := os.ReadFile(c.CA)
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(content) {
		return nil, fmt.Errorf("ca: %s holds no certificate", c.CA)
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
}

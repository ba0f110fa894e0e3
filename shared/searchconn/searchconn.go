// Package searchconn is the way to Elasticsearch.
package searchconn

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/elastic/go-elasticsearch/v8"

	"chatlog/shared/config"
	"chatlog/shared/tlsconf"
	"chatlog/shared/version"
)

// Config is the section `elasticsearch`.
type Config struct {
	Addresses       []string       `mapstructure:"addresses"` // base URLs
	Username        string         `mapstructure:"username"`
	Password        config.Secret  `mapstructure:"password"`
	APIKey          config.Secret  `mapstructure:"api_key"`          // as Elasticsearch gives it, encoded; instead of username and password
	Timeout         time.Duration  `mapstructure:"timeout"`          // of one request
	Alias           string         `mapstructure:"alias"`            // under which the index is reached
	Shards          int            `mapstructure:"shards"`           // of an index that is made; one application lives in one of them
	Replicas        int            `mapstructure:"replicas"`         // of an index that is made
	RefreshInterval time.Duration  `mapstructure:"refresh_interval"` // until what was written is found, at most
	TLS             tlsconf.Client `mapstructure:"tls"`
}

// Default gives the section's defaults: a single node. In a cluster set
// replicas to 1 or more.
func Default() Config {
	return Config{Addresses: []string{"http://127.0.0.1:9200"}, Timeout: 30 * time.Second, Alias: "chatlog-messages",
		Shards: 4, Replicas: 0, RefreshInterval: 500 * time.Millisecond}
}

// Validate checks the section.
func (c Config) Validate() []error {
	var errs []error
	if len(c.Addresses) == 0 {
		errs = append(errs, errors.New("addresses: at least one base URL is needed"))
	}
	for _, a := range c.Addresses {
		u, err := url.Parse(a)
		switch {
		case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
			errs = append(errs, errors.New("addresses: not all are base URLs such as http://127.0.0.1:9200"))
		case u.User != nil:
			errs = append(errs, errors.New("addresses: must hold no password, which username and password are for"))
		case (u.Scheme == "https") != c.TLS.Enabled:
			errs = append(errs, fmt.Errorf("addresses: %q must be https with tls.enabled, and http without", a))
		}
	}
	if c.Alias == "" {
		errs = append(errs, errors.New("alias: must be given"))
	}
	if c.Shards < 1 || c.Replicas < 0 {
		errs = append(errs, errors.New("shards must be positive and replicas not negative"))
	}
	if c.Timeout <= 0 || c.RefreshInterval <= 0 {
		errs = append(errs, errors.New("timeout and refresh_interval: must be positive"))
	}
	return append(append(errs, c.credentials()...), c.TLS.Validate()...)
}

// credentials refuses what cannot be meant: of two ways to say who one is the
// client would silently take one.
func (c Config) credentials() (errs []error) {
	if c.APIKey != "" && (c.Username != "" || c.Password != "") {
		errs = append(errs, errors.New("api_key: cannot be given with username and password"))
	}
	if (c.Username == "") != (c.Password == "") {
		errs = append(errs, errors.New("username and password: must be given together"))
	}
	return errs
}

// Open makes a client; it connects when it is used. Nothing is tried again by
// the client: the sinks and readers decide that.
func Open(c Config) (*elasticsearch.Client, func(), error) {
	trust, err := c.TLS.Config()
	if err != nil {
		return nil, nil, fmt.Errorf("elasticsearch: %w", err)
	}
	transport := &http.Transport{
		TLSClientConfig:       trust,
		DialContext:           (&net.Dialer{Timeout: 3 * time.Second}).DialContext,
		MaxIdleConnsPerHost:   64,
		IdleConnTimeout:       time.Minute,
		ResponseHeaderTimeout: c.Timeout,
	}
	client, err := elasticsearch.NewClient(elasticsearch.Config{Addresses: c.Addresses, Username: c.Username, Password: c.Password.Reveal(),
		APIKey: c.APIKey.Reveal(), Transport: transport, DisableRetry: true, Header: http.Header{"User-Agent": {version.Read().Agent()}}})
	if err != nil {
		return nil, nil, fmt.Errorf("elasticsearch: %w", err)
	}
	return client, transport.CloseIdleConnections, nil
}

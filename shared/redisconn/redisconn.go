// Package redisconn is the way to Redis. Redis holds nothing that would be
// missed: it may be wiped, restarted or be away, and nothing wrong is answered.
package redisconn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"github.com/redis/go-redis/v9"

	"chatlog/shared/config"
	"chatlog/shared/tlsconf"
	"chatlog/shared/version"
)

// Config is the section `redis`.
type Config struct {
	Address  string         `mapstructure:"address"` // host:port
	Username string         `mapstructure:"username"`
	Password config.Secret  `mapstructure:"password"`
	Database int            `mapstructure:"database"`
	Prefix   string         `mapstructure:"prefix"`  // of every key
	Timeout  time.Duration  `mapstructure:"timeout"` // to dial, to write and to read
	TLS      tlsconf.Client `mapstructure:"tls"`
	Sentinel Sentinel       `mapstructure:"sentinel"`
}

// Default gives the section's defaults.
func Default() Config {
	return Config{Address: "127.0.0.1:6379", Prefix: "chatlog:", Timeout: 500 * time.Millisecond, Sentinel: Sentinel{Addresses: []string{}}}
}

// Validate checks the section.
func (c Config) Validate() []error {
	var errs []error
	if _, _, err := net.SplitHostPort(c.Address); err != nil {
		errs = append(errs, fmt.Errorf("address: %q is not host:port", c.Address))
	}
	if c.Database < 0 {
		errs = append(errs, errors.New("database: must not be negative"))
	}
	if c.Timeout <= 0 {
		errs = append(errs, errors.New("timeout: must be positive"))
	}
	if c.Username != "" && c.Password == "" {
		errs = append(errs, errors.New("password: must be given with username"))
	}
	errs = append(errs, c.TLS.Validate()...)
	return append(errs, c.Sentinel.validate()...)
}

// quiet drops what go-redis would print on its own: whoever uses the client
// logs that Redis is away, once.
type quiet struct{}

func (quiet) Printf(context.Context, string, ...any) {}

// Open makes a client; it connects when it is used: to the address, or to the
// master that the sentinels name. A file of tls that Validate has found right and is
// wrong now is what every dial then fails with.
func Open(c Config) *redis.Client {
	redis.SetLogger(quiet{})
	trust, err := c.TLS.Config()
	var dial func(context.Context, string, string) (net.Conn, error) // nil: go-redis's own
	if err != nil {
		dial = func(context.Context, string, string) (net.Conn, error) { return nil, err }
	}
	o := &redis.Options{TLSConfig: trust, Dialer: dial, Addr: c.Address, Username: c.Username, Password: c.Password.Reveal(), DB: c.Database,
		DialTimeout: c.Timeout, ReadTimeout: c.Timeout, WriteTimeout: c.Timeout, PoolTimeout: c.Timeout, MaxRetries: 1,
		ContextTimeoutEnabled: true, ClientName: version.Read().Agent()}
	if c.Sentinel.used() {
		return redis.NewFailoverClient(c.Sentinel.failover(o))
	}
	return redis.NewClient(o)
}

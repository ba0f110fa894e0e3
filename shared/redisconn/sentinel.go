package redisconn

import (
	"errors"
	"fmt"
	"net"

	"github.com/redis/go-redis/v9"

	"chatlog/shared/config"
)

// Sentinel is the section `redis.sentinel`: where a Redis that changes its master by
// itself is asked for. Without a master the section redis alone says where it is.
type Sentinel struct {
	Master    string        `mapstructure:"master"`    // its name in the sentinels' settings; empty: no sentinels
	Addresses []string      `mapstructure:"addresses"` // host:port of some sentinels
	Username  string        `mapstructure:"username"`  // of the sentinels; that of the master is redis.username
	Password  config.Secret `mapstructure:"password"`
}

func (s Sentinel) used() bool { return s.Master != "" }

func (s Sentinel) validate() []error {
	var errs []error
	if s.used() != (len(s.Addresses) > 0) {
		errs = append(errs, errors.New("sentinel: master and addresses must be given together"))
	}
	for _, a := range s.Addresses {
		if _, _, err := net.SplitHostPort(a); err != nil {
			errs = append(errs, fmt.Errorf("sentinel.addresses: %q is not host:port", a))
		}
	}
	return errs
}

// failover gives the options of a client that asks the sentinels; to the master they
// are o's. Its address is not used.
func (s Sentinel) failover(o *redis.Options) *redis.FailoverOptions {
	return &redis.FailoverOptions{MasterName: s.Master, SentinelAddrs: s.Addresses, SentinelUsername: s.Username, SentinelPassword: s.Password.Reveal(),
		ClientName: o.ClientName, Dialer: o.Dialer, TLSConfig: o.TLSConfig, Username: o.Username, Password: o.Password, DB: o.DB,
		DialTimeout: o.DialTimeout, ReadTimeout: o.ReadTimeout, WriteTimeout: o.WriteTimeout, PoolTimeout: o.PoolTimeout,
		MaxRetries: o.MaxRetries, ContextTimeoutEnabled: o.ContextTimeoutEnabled}
}

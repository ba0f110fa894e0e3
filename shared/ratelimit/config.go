// Package ratelimit bounds how often applications and addresses may call: over the
// limit they are answered 429 with Retry-After. What was called is counted in Redis,
// so that all instances share it, and by each instance alone while Redis is away.
package ratelimit

import (
	"fmt"
	"net/netip"
	"strings"
	"time"
)

// Config is the section `limits`. Rates are in requests per second; 0 is no limit.
type Config struct {
	Writes   float64       `mapstructure:"writes_per_application"`
	Reads    float64       `mapstructure:"reads_per_application"`
	Searches float64       `mapstructure:"searches_per_application"`
	Address  float64       `mapstructure:"per_address"`        // of any kind, for each client's address
	Misses   float64       `mapstructure:"misses_per_address"` // answered with 404: guesses, most of them
	Burst    time.Duration `mapstructure:"burst"`              // so much of each may come at once
	Timeout  time.Duration `mapstructure:"redis_timeout"`      // the longest wait for Redis
	// Proxies are the addresses and networks whose X-Forwarded-For is believed.
	Proxies []string `mapstructure:"trusted_proxies"`
}

// Default gives the section's defaults: no limits.
func Default() Config {
	return Config{Burst: 10 * time.Second, Timeout: 50 * time.Millisecond, Proxies: []string{}}
}

// The bounds of what can be set.
const (
	mostRate   = 1e6
	leastRate  = 1e-3
	mostBurst  = time.Hour
	mostToWait = time.Second
)

// Validate checks the section.
func (c Config) Validate() []error {
	var errs []error
	for key, rate := range map[string]float64{"writes_per_application": c.Writes, "reads_per_application": c.Reads,
		"searches_per_application": c.Searches, "per_address": c.Address, "misses_per_address": c.Misses} {
		if rate != 0 && !(rate >= leastRate && rate <= mostRate) {
			errs = append(errs, fmt.Errorf("%s: must be 0 or within %g and %.0f", key, leastRate, mostRate))
		}
	}
	if c.Burst <= 0 || c.Burst > mostBurst {
		errs = append(errs, fmt.Errorf("burst: must be positive and at most %s", mostBurst))
	}
	if c.Timeout < time.Millisecond || c.Timeout > mostToWait {
		errs = append(errs, fmt.Errorf("redis_timeout: must be within 1ms and %s, which requests may take longer", mostToWait))
	}
	if _, err := networks(c.Proxies); err != nil {
		errs = append(errs, fmt.Errorf("trusted_proxies: %w", err))
	}
	return errs
}

// on says whether there is any limit.
func (c Config) on() bool { return c.Writes+c.Reads+c.Searches+c.Address+c.Misses > 0 }

// networks reads addresses and networks.
func networks(texts []string) ([]netip.Prefix, error) {
	var all []netip.Prefix
	for _, text := range texts {
		text = strings.TrimSpace(text)
		if one, err := netip.ParseAddr(text); err == nil {
			all = append(all, netip.PrefixFrom(one.Unmap(), one.Unmap().BitLen()))
			continue
		}
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("%q is neither an address nor a network such as 10.0.0.0/8", text)
		}
		all = append(all, network.Masked())
	}
	return all, nil
}

package searchconn

import (
	"errors"
	"strings"
	"testing"
)

func TestWhatCannotBeMeantIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		change func(*Config)
		want   string // a part of the one error; empty: none
	}{
		"the defaults":             {func(*Config) {}, ""},
		"a user":                   {func(c *Config) { c.Username, c.Password = "u", "hunter2" }, ""},
		"an API key":               {func(c *Config) { c.APIKey = "hunter2" }, ""},
		"https":                    {func(c *Config) { c.Addresses, c.TLS.Enabled = []string{"https://a:9200"}, true }, ""},
		"an API key and a user":    {func(c *Config) { c.APIKey, c.Username, c.Password = "hunter2", "u", "hunter2" }, "api_key: cannot"},
		"a user without password":  {func(c *Config) { c.Username = "u" }, "must be given together"},
		"https without tls":        {func(c *Config) { c.Addresses = []string{"https://a:9200"} }, "tls.enabled"},
		"tls without https":        {func(c *Config) { c.TLS.Enabled = true }, "tls.enabled"},
		"a password in an address": {func(c *Config) { c.Addresses = []string{"http://u:hunter2@a:9200"} }, "must hold no password"},
		"an odd address":           {func(c *Config) { c.Addresses = []string{"ftp://u:hunter2@a"} }, "not all are base URLs"},
	} {
		cfg := Default()
		c.change(&cfg)
		errs := cfg.Validate()
		err := errors.Join(errs...)
		switch {
		case c.want == "" && err != nil, c.want != "" && (len(errs) != 1 || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, want %q", name, err, c.want)
		case err != nil && strings.Contains(err.Error(), "hunter2"):
			t.Errorf("%s: tells a secret: %v", name, err)
		}
	}
}

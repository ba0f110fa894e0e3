package kafkaconn

import (
	"errors"
	"strings"
	"testing"

	"chatlog/shared/tlsconf"
)

func TestWhatCannotBeMeantIsRefused(t *testing.T) {
	encrypted := tlsconf.Client{Enabled: true}
	for _, c := range []struct {
		name string
		tls  tlsconf.Client
		sasl SASL
		want string // a part of the one error; empty: none
	}{
		{"nothing", tlsconf.Client{}, SASL{}, ""},
		{"PLAIN with TLS", encrypted, SASL{Mechanism: "PLAIN", Username: "u", Password: "hunter2"}, ""},
		{"SCRAM without TLS", tlsconf.Client{}, SASL{Mechanism: "SCRAM-SHA-512", Username: "u", Password: "hunter2"}, ""},
		{"PLAIN without TLS", tlsconf.Client{}, SASL{Mechanism: "PLAIN", Username: "u", Password: "hunter2"}, "for all to read"},
		{"PLAIN without TLS, meant", tlsconf.Client{}, SASL{Mechanism: "PLAIN", Username: "u", Password: "hunter2", AllowPlaintext: true}, ""},
		{"a mechanism that is none", encrypted, SASL{Mechanism: "GSSAPI", Username: "u", Password: "hunter2"}, "none of PLAIN"},
		{"no mechanism", encrypted, SASL{Username: "u", Password: "hunter2"}, "sasl.mechanism: must be given"},
		{"no password", encrypted, SASL{Mechanism: "PLAIN", Username: "u"}, "sasl.password: must be given"},
		{"no name", encrypted, SASL{Mechanism: "SCRAM-SHA-256", Password: "hunter2"}, "must be given"},
		{"characters that SCRAM refuses", encrypted, SASL{Mechanism: "SCRAM-SHA-256", Username: "u", Password: "hunter2\x07"}, "does not allow"},
		{"TLS that is off", tlsconf.Client{CAFile: "x"}, SASL{}, "tls.enabled"},
	} {
		cfg := Default()
		cfg.TLS, cfg.SASL = c.tls, c.sasl
		errs := cfg.Validate()
		err := errors.Join(errs...)
		switch {
		case c.want == "" && err != nil, c.want != "" && (len(errs) != 1 || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		case err != nil && strings.Contains(err.Error(), "hunter2"):
			t.Errorf("%s: tells the password: %v", c.name, err)
		}
	}
}

// TestAFileThatHasGone: what cannot be as safe as was asked for is not tried at
// all, neither by requests nor by groups.
func TestAFileThatHasGone(t *testing.T) {
	cfg := Default()
	cfg.TLS = tlsconf.Client{Enabled: true, CAFile: t.TempDir() + "/gone"}
	conn := Open(cfg)
	defer conn.Close()
	if _, err := conn.End(t.Context(), "x", 0); err == nil || !strings.Contains(err.Error(), "ca_file") {
		t.Error(err)
	}
	if _, err := cfg.Dialer().DialContext(t.Context(), "tcp", "127.0.0.1:9092"); err == nil || !strings.Contains(err.Error(), "ca_file") {
		t.Error(err)
	}
}

package kafkaconn

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/sasl"
	"github.com/segmentio/kafka-go/sasl/plain"
	"github.com/segmentio/kafka-go/sasl/scram"

	"chatlog/shared/config"
)

// SASL is who this program is to the brokers: the keys `sasl.…`.
type SASL struct {
	Mechanism string        `mapstructure:"mechanism"` // PLAIN, SCRAM-SHA-256, SCRAM-SHA-512; empty: none
	Username  string        `mapstructure:"username"`
	Password  config.Secret `mapstructure:"password"`
	// AllowPlaintext allows PLAIN without TLS: the password is then read by
	// everybody between here and the brokers.
	AllowPlaintext bool `mapstructure:"allow_plaintext"`
}

func (s SASL) validate(encrypted bool) []error {
	if s.Mechanism == "" {
		if s != (SASL{}) {
			return []error{errors.New("sasl.mechanism: must be given when another key of sasl is")}
		}
		return nil
	}
	var errs []error
	if s.Username == "" || s.Password == "" {
		errs = append(errs, errors.New("sasl.username and sasl.password: must be given with sasl.mechanism"))
	} else if _, err := s.open(); err != nil {
		errs = append(errs, err)
	}
	if s.Mechanism == "PLAIN" && !encrypted && !s.AllowPlaintext {
		errs = append(errs, errors.New("sasl.mechanism: PLAIN without tls sends the password for all to read: switch tls on, use SCRAM, or set sasl.allow_plaintext"))
	}
	return errs
}

// open gives the mechanism; nil: none.
func (s SASL) open() (sasl.Mechanism, error) {
	var algorithm scram.Algorithm
	switch s.Mechanism {
	case "":
		return nil, nil
	case "PLAIN":
		return plain.Mechanism{Username: s.Username, Password: s.Password.Reveal()}, nil
	case "SCRAM-SHA-256":
		algorithm = scram.SHA256
	case "SCRAM-SHA-512":
		algorithm = scram.SHA512
	default:
		return nil, fmt.Errorf("sasl.mechanism: %q is none of PLAIN, SCRAM-SHA-256, SCRAM-SHA-512", s.Mechanism)
	}
	m, err := scram.Mechanism(algorithm, s.Username, s.Password.Reveal())
	if err != nil { // its text may hold what it could not take
		return nil, errors.New("sasl.username and sasl.password: hold characters that SCRAM does not allow")
	}
	return m, nil
}

// way is how brokers are reached.
type way struct {
	dial func(ctx context.Context, network, address string) (net.Conn, error)
	tls  *tls.Config
	sasl sasl.Mechanism
}

// way reads the files. What Validate has found right and is wrong now, such as a
// file that has gone, is what every dial then fails with: nothing is ever sent
// over a way that is less safe than the one that was asked for.
func (c Config) way() way {
	dialer := &net.Dialer{Timeout: c.DialTimeout}
	w := way{dial: dialer.DialContext}
	var errTLS, errSASL error
	w.tls, errTLS = c.TLS.Config()
	w.sasl, errSASL = c.SASL.open()
	if err := errors.Join(errTLS, errSASL); err != nil {
		w.dial = func(context.Context, string, string) (net.Conn, error) { return nil, err }
	}
	return w
}

// Dialer is the same way for kafka-go's consumer groups.
func (c Config) Dialer() *kafka.Dialer {
	w := c.way()
	return &kafka.Dialer{ClientID: c.ClientID, Timeout: c.DialTimeout, DialFunc: w.dial, TLS: w.tls, SASLMechanism: w.sasl}
}

// Package tlsconf is TLS as the configuration says it: whom to trust, what to
// show, and files that may be replaced while a program runs.
package tlsconf

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
)

// Client is how a part is reached over TLS: the keys `tls.…` of its section.
type Client struct {
	Enabled    bool   `mapstructure:"enabled"`
	CAFile     string `mapstructure:"ca_file"`     // PEM: whom to trust; empty: whom the system trusts
	CertFile   string `mapstructure:"cert_file"`   // PEM: this program's own certificate, if the part asks for one
	KeyFile    string `mapstructure:"key_file"`    // PEM: its key
	ServerName string `mapstructure:"server_name"` // that the part's certificate must have; empty: the host of its address
}

// Validate checks the keys and reads the files, so that --check-config finds what
// is missing in them.
func (c Client) Validate() []error {
	if !c.Enabled {
		if c != (Client{}) {
			return []error{errors.New("tls.enabled: must be true when another key of tls is given, or nothing would be encrypted")}
		}
		return nil
	}
	_, errA := c.authorities()
	errB := pairGiven(c.CertFile, c.KeyFile)
	if errB == nil && c.CertFile != "" {
		_, errB = loadPair(c.CertFile, c.KeyFile)
	}
	return withoutNil(errA, errB)
}

// Config makes what a client of a part is given; nil when TLS is off. Own
// certificates are read again when their files change.
func (c Client) Config() (*tls.Config, error) {
	if !c.Enabled {
		return nil, nil
	}
	authorities, err := c.authorities()
	if err != nil {
		return nil, err
	}
	out := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: authorities, ServerName: c.ServerName}
	if c.CertFile != "" {
		pair, err := openPair(c.CertFile, c.KeyFile, nil)
		if err != nil {
			return nil, err
		}
		out.GetClientCertificate = func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return pair.current(), nil }
	}
	return out, nil
}

// authorities reads the CA file; nil stands for those of the system.
func (c Client) authorities() (*x509.CertPool, error) {
	if c.CAFile == "" {
		return nil, nil
	}
	content, err := os.ReadFile(c.CAFile)
	if err != nil {
		return nil, fmt.Errorf("tls.ca_file: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(content) {
		return nil, fmt.Errorf("tls.ca_file: %s holds no certificate in PEM", c.CAFile)
	}
	return pool, nil
}

func pairGiven(certFile, keyFile string) error {
	switch {
	case certFile != "" && keyFile == "":
		return errors.New("tls.key_file: must be given with cert_file")
	case certFile == "" && keyFile != "":
		return errors.New("tls.cert_file: must be given with key_file")
	}
	return nil
}

func withoutNil(errs ...error) (out []error) {
	for _, err := range errs {
		if err != nil {
			out = append(out, err)
		}
	}
	return out
}

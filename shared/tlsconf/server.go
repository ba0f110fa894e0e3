package tlsconf

import "crypto/tls"

// Server is the certificate of a listener: the keys `tls.…` of its section. Both
// files or none.
type Server struct {
	CertFile string `mapstructure:"cert_file"` // PEM: the certificate and those between it and the authority
	KeyFile  string `mapstructure:"key_file"`  // PEM
}

// Enabled reports whether the listener speaks TLS.
func (s Server) Enabled() bool { return s.CertFile != "" }

// Validate checks the keys and reads the files.
func (s Server) Validate() []error {
	err := pairGiven(s.CertFile, s.KeyFile)
	if err == nil && s.Enabled() {
		_, err = loadPair(s.CertFile, s.KeyFile)
	}
	return withoutNil(err)
}

// Config makes what the listener is given; nil when TLS is off. The files are
// looked at with every handshake and read again when they have changed. Files
// that do not fit each other, as while they are being replaced, change nothing:
// the certificate that there was goes on, and failed, if not nil, is told why,
// once for each reason.
func (s Server) Config(failed func(error)) (*tls.Config, error) {
	if !s.Enabled() {
		return nil, nil
	}
	pair, err := openPair(s.CertFile, s.KeyFile, failed)
	if err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return pair.current(), nil }}, nil
}

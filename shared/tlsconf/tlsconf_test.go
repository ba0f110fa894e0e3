package tlsconf

import (
	"crypto/tls"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"chatlog/shared/tlsconf/tlsconftest"
)

func authority(t *testing.T) *tlsconftest.Authority {
	t.Helper()
	a, err := tlsconftest.New()
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func issued(t *testing.T, a *tlsconftest.Authority, dir, name string) tlsconftest.Files {
	t.Helper()
	f, err := a.Write(dir, name)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestWhatCannotBeMeantIsRefused(t *testing.T) {
	dir := t.TempDir()
	f, other := issued(t, authority(t), dir, "one"), issued(t, authority(t), t.TempDir(), "two")
	junk := filepath.Join(dir, "junk")
	if err := os.WriteFile(junk, []byte("hunter2"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		errs []error
		want string // a part of the one error; empty: none
	}{
		{"nothing", Client{}.Validate(), ""},
		{"the system's authorities", Client{Enabled: true}.Validate(), ""},
		{"an authority", Client{Enabled: true, CAFile: f.CA}.Validate(), ""},
		{"everything", Client{Enabled: true, CAFile: f.CA, CertFile: f.Cert, KeyFile: f.Key, ServerName: "one"}.Validate(), ""},
		{"an authority, but TLS is off", Client{CAFile: f.CA}.Validate(), "tls.enabled: must be true"},
		{"a name, but TLS is off", Client{ServerName: "one"}.Validate(), "tls.enabled: must be true"},
		{"no such authority", Client{Enabled: true, CAFile: junk + "?"}.Validate(), "tls.ca_file: "},
		{"an authority that is none", Client{Enabled: true, CAFile: junk}.Validate(), "holds no certificate"},
		{"a certificate without its key", Client{Enabled: true, CertFile: f.Cert}.Validate(), "tls.key_file: must be given"},
		{"a key without its certificate", Client{Enabled: true, KeyFile: f.Key}.Validate(), "tls.cert_file: must be given"},
		{"another's key", Client{Enabled: true, CertFile: f.Cert, KeyFile: other.Key}.Validate(), "does not match"},
		{"a key that is none", Client{Enabled: true, CertFile: f.Cert, KeyFile: junk}.Validate(), "key_file"},
		{"a listener without", Server{}.Validate(), ""},
		{"a listener's", Server{CertFile: f.Cert, KeyFile: f.Key}.Validate(), ""},
		{"a listener's key alone", Server{KeyFile: f.Key}.Validate(), "tls.cert_file: must be given"},
		{"a listener's certificate alone", Server{CertFile: f.Cert}.Validate(), "tls.key_file: must be given"},
		{"a listener with another's key", Server{CertFile: f.Cert, KeyFile: other.Key}.Validate(), "does not match"},
	} {
		err := errors.Join(c.errs...)
		switch {
		case c.want == "" && err != nil, c.want != "" && (len(c.errs) != 1 || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		case err != nil && strings.Contains(err.Error(), "hunter2"):
			t.Errorf("%s: shows a file's content: %v", c.name, err)
		}
	}
}

// shown is the name in the certificate that a listener would show now.
func shown(t *testing.T, c *tls.Config) string {
	t.Helper()
	cert, err := c.GetCertificate(&tls.ClientHelloInfo{})
	if err != nil {
		t.Fatal(err)
	}
	return cert.Leaf.Subject.CommonName
}

// TestFilesAreReadAgain: certificates that are replaced are shown from then on, by
// listeners and clients; while they do not fit each other, the old one is.
func TestFilesAreReadAgain(t *testing.T) {
	dir := t.TempDir()
	a := authority(t)
	f := issued(t, a, dir, "one")
	var told []string
	server, err := Server{CertFile: f.Cert, KeyFile: f.Key}.Config(func(err error) { told = append(told, err.Error()) })
	if err != nil {
		t.Fatal(err)
	}
	client, err := Client{Enabled: true, CertFile: f.Cert, KeyFile: f.Key}.Config()
	if err != nil {
		t.Fatal(err)
	}
	second := issued(t, a, dir, "two")
	rename := func(from, to string) {
		t.Helper()
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
	}
	if shown(t, server) != "one" {
		t.Error("another certificate is shown before anything has changed")
	}
	rename(second.Cert, f.Cert)
	for range 3 {
		if shown(t, server) != "one" {
			t.Error("a certificate is shown whose key is not there yet")
		}
	}
	if len(told) != 1 {
		t.Errorf("told %q, want one reason once", told)
	}
	rename(second.Key, f.Key)
	if shown(t, server) != "two" {
		t.Error("the new certificate is not shown")
	}
	if cert, err := client.GetClientCertificate(nil); err != nil || cert.Leaf.Subject.CommonName != "two" {
		t.Error("a client still shows the old one: ", err)
	}
	if err := os.Remove(f.Cert); err != nil {
		t.Fatal(err)
	}
	if shown(t, server) != "two" || len(told) != 2 {
		t.Errorf("with the file gone: told %q", told)
	}
}

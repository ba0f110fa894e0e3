package tlsconf

import (
	"crypto/tls"
	"fmt"
	"os"
	"sync"
)

// pair is a certificate and its key in files that may be replaced at any time,
// by a rename, by a symbolic link that changes, or in place.
type pair struct {
	certFile, keyFile string
	failed            func(error)

	mutex sync.Mutex
	cert  *tls.Certificate
	seen  [2]os.FileInfo // the files that cert is from
	told  string         // the last reason for which they could not be read again
}

func openPair(certFile, keyFile string, failed func(error)) (*pair, error) {
	p := &pair{certFile: certFile, keyFile: keyFile, failed: failed}
	return p, p.read()
}

// current gives the certificate that the files hold now, or the last one that
// they held: a listener must not go dark because of a file.
func (p *pair) current() *tls.Certificate {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if !p.changed() {
		return p.cert
	}
	err := p.read()
	if err == nil {
		p.told = ""
	} else if err.Error() != p.told && p.failed != nil {
		p.told = err.Error()
		p.failed(err)
	}
	return p.cert
}

func (p *pair) changed() bool {
	for i, name := range []string{p.certFile, p.keyFile} {
		now, err := os.Stat(name)
		if err != nil || !os.SameFile(now, p.seen[i]) || now.Size() != p.seen[i].Size() || !now.ModTime().Equal(p.seen[i].ModTime()) {
			return true
		}
	}
	return false
}

// read takes the files' state before their content: what is changed in between is
// found to have changed by the next look.
func (p *pair) read() error {
	var seen [2]os.FileInfo
	for i, name := range []string{p.certFile, p.keyFile} {
		var err error
		if seen[i], err = os.Stat(name); err != nil {
			return fmt.Errorf("tls: %w", err)
		}
	}
	cert, err := loadPair(p.certFile, p.keyFile)
	if err != nil {
		return err
	}
	p.cert, p.seen = cert, seen
	return nil
}

// loadPair never quotes the files' content.
func loadPair(certFile, keyFile string) (*tls.Certificate, error) {
	cert, err := tls.LoadX509KeyPair(certFile, keyFile)
	if err != nil {
		return nil, fmt.Errorf("tls.cert_file and key_file: %s, %s: %w", certFile, keyFile, err)
	}
	return &cert, nil
}

package main

// inSealing is about who is believed: requests between instances, and certificates.
var inSealing = []bug{
	{"any seal is good", "shared/relay/seal.go",
		"	if !ours {\n", "	if !ours && len(given) != sha256.Size {\n", sealing},
	{"an old seal is as good as a new one", "shared/relay/seal.go",
		"off > s.skew || off < -s.skew", "off < -s.skew", sealing},
	{"the instance that is meant is not sealed", "shared/relay/seal.go",
		"var sealed = []string{Guard, Instance}", "var sealed = []string{Guard}", sealing},
	{"half a rotation takes the listener down", "shared/tlsconf/pair.go",
		"	cert, err := loadPair(p.certFile, p.keyFile)\n	if err != nil {\n		return err\n	}\n",
		"	cert, err := loadPair(p.certFile, p.keyFile)\n	if err != nil {\n		p.cert = new(tls.Certificate)\n		return err\n	}\n", []string{"./shared/tlsconf"}},
}

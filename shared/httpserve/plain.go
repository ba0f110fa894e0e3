package httpserve

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
)

// net/http answers by itself, in plain text, where a request cannot even be
// read: a malformed request line or escape, a header that is too large. It
// writes such an answer to the connection in one piece with exactly this
// header, which no reply of ours has. Its 417 has no body at all. The contract
// promises JSON everywhere, so the piece is replaced on its way out.
var plainHeader = []byte("\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n")

type jsonListener struct{ net.Listener }

func (l jsonListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return jsonConn{c}, nil
}

type jsonConn struct{ net.Conn }

// Read tells a client that speaks plain HTTP to a TLS listener so.
func (c jsonConn) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	var plain tls.RecordHeaderError
	if errors.As(err, &plain) && plain.Conn != nil {
		plain.Conn.Write(inJSON([]byte("HTTP/1.1 426 Upgrade Required"))) // it is closed next
	}
	return n, err
}

func (c jsonConn) Write(b []byte) (int, error) {
	if len(b) < 512 && bytes.HasPrefix(b, []byte("HTTP/1.1 ")) {
		at := bytes.IndexByte(b, '\r')
		if at > 0 && (bytes.HasPrefix(b[at:], plainHeader) || bytes.HasPrefix(b, []byte("HTTP/1.1 417 "))) {
			if _, err := c.Conn.Write(inJSON(b[:at])); err != nil {
				return 0, err
			}
			return len(b), nil
		}
	}
	return c.Conn.Write(b)
}

// inJSON makes the whole answer from its status line.
func inJSON(status []byte) []byte {
	text := "Malformed request"
	switch code := status[len("HTTP/1.1 "):]; {
	case bytes.HasPrefix(code, []byte("431")):
		text = "Request header is too large"
	case bytes.HasPrefix(code, []byte("426")):
		text = "This port speaks HTTPS"
	case bytes.HasPrefix(code, []byte("408")):
		text = "Request took too long to arrive"
	case bytes.HasPrefix(code, []byte("501")), bytes.HasPrefix(code, []byte("505")), bytes.HasPrefix(code, []byte("417")):
		text = "Not supported"
	}
	body := `{"error":"` + text + `"}`
	return fmt.Appendf(nil, "%s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s", status, len(body), body)
}

package httpserve

import (
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"chatlog/shared/tlsconf"
	"chatlog/shared/tlsconf/tlsconftest"
)

// TestTLS: a listener with a certificate speaks https, what net/http answers by
// itself is JSON there, too, and who speaks plain HTTP is told so.
func TestTLS(t *testing.T) {
	authority, err := tlsconftest.New()
	if err != nil {
		t.Fatal(err)
	}
	files, err := authority.Write(t.TempDir(), "listener")
	if err != nil {
		t.Fatal(err)
	}
	cfg := Default("127.0.0.1:0")
	cfg.TLS = tlsconf.Server{CertFile: files.Cert, KeyFile: files.Key}
	router := NewRouter(slog.New(slog.DiscardHandler), NewMetrics("x", prometheus.NewRegistry()))
	router.Status(nil, prometheus.NewRegistry())
	server := NewServer("x", cfg, router, slog.New(slog.DiscardHandler))
	if err := server.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer server.Stop(t.Context())
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{TLSClientConfig: authority.Trust(), DisableKeepAlives: true}}
	for url, want := range map[string]string{server.URL() + "/healthz": `{"status":"ok"}`, "http" + strings.TrimPrefix(server.URL(), "https") + "/healthz": `{"error":"This port speaks HTTPS"}`} {
		response, err := client.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		response.Body.Close()
		if err != nil || strings.TrimSpace(string(body)) != want {
			t.Errorf("%s: %s %v", url, body, err)
		}
	}
	c, err := net.Dial("tcp", server.Addr())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := c.Write([]byte("nonsense that is no handshake\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(c); err != nil && !os.IsTimeout(err) && !strings.Contains(err.Error(), "reset") {
		t.Error(err)
	}
}

// TestACertificateThatIsNone keeps the listener from starting.
func TestACertificateThatIsNone(t *testing.T) {
	cfg := Default("127.0.0.1:0")
	cfg.TLS = tlsconf.Server{CertFile: "gone", KeyFile: "gone"}
	server := NewServer("x", cfg, http.NotFoundHandler(), slog.New(slog.DiscardHandler))
	if err := server.Start(t.Context()); err == nil {
		t.Error("it listens")
	}
}

func TestOnLoopback(t *testing.T) {
	for address, want := range map[string]bool{"127.0.0.1:1": true, "127.8.0.1:1": true, "[::1]:1": true, "[::ffff:127.0.0.1]:1": true, "localhost:1": true,
		":1": false, "0.0.0.0:1": false, "[::]:1": false, "192.0.2.1:1": false, "example:1": false, "127.0.0.1": false, "": false} {
		if OnLoopback(address) != want {
			t.Errorf("%q", address)
		}
	}
}

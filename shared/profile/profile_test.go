package profile

import (
	"io"
	"net/http"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestProfile(t *testing.T) {
	s := New(Config{Listen: "127.0.0.1:0"})
	if err := s.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Get("http://" + s.Addr() + "/debug/pprof/heap")
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(response.Body)
	response.Body.Close()
	if err != nil || response.StatusCode != http.StatusOK || len(content) < 100 {
		t.Errorf("%d: %d bytes, %v", response.StatusCode, len(content), err)
	}
	for range 2 {
		if err := s.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestOff(t *testing.T) {
	s := New(Config{})
	if err := s.Start(t.Context()); err != nil || s.Addr() != "" {
		t.Errorf("%q %v", s.Addr(), err)
	}
	if err := s.Stop(t.Context()); err != nil {
		t.Error(err)
	}
}

// What did not come up can be stopped all the same.
func TestTaken(t *testing.T) {
	first := New(Config{Listen: "127.0.0.1:0"})
	if err := first.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	second := New(Config{Listen: first.Addr()})
	if err := second.Start(t.Context()); err == nil {
		t.Error("two on one address")
	}
	for _, s := range []*Server{second, first} {
		if err := s.Stop(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

func TestOnlyThisMachine(t *testing.T) {
	for listen, right := range map[string]bool{"": true, "127.0.0.1:6060": true, "[::1]:6060": true, ":6060": false, "0.0.0.0:1": false, "10.0.0.1:1": false, "localhost": false} {
		if errs := (Config{Listen: listen}).Validate(); (len(errs) == 0) != right {
			t.Errorf("%q: %v", listen, errs)
		}
	}
}

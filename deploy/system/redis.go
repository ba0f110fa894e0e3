package system

import (
	"context"
	"fmt"
	"net"
	"os/exec"
	"path/filepath"
	"time"
)

// Redis is a Redis of one's own, which may be wiped and killed: the shared one
// may not.
func Redis(dir string) (*Program, error) {
	path, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, err
	}
	listen, err := FreeAddress()
	if err != nil {
		return nil, err
	}
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return nil, err
	}
	return &Program{Name: "redis", Path: path, Args: []string{"--bind", host, "--port", port, "--save", "", "--appendonly", "no", "--dir", dir},
		Listen: listen, Log: filepath.Join(dir, "redis.log"), Dir: dir}, nil
}

// Listening waits until something takes connections at the program's address.
func (p *Program) Listening(ctx context.Context) error {
	_, exited := p.now()
	for {
		c, err := (&net.Dialer{Timeout: time.Second}).DialContext(ctx, "tcp", p.Listen)
		if err == nil {
			return c.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s does not listen: %w; see %s", p.Name, err, p.Log)
		case <-exited:
			return fmt.Errorf("%s has ended: %w; see %s", p.Name, p.err, p.Log)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

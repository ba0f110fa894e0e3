package redisconn

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"chatlog/shared/config"
	"chatlog/shared/parts"
)

func TestSentinelSettings(t *testing.T) {
	for want, s := range map[string]Sentinel{
		"":                 {},
		"given together":   {Master: "chatlog"},
		"given together ":  {Addresses: []string{"127.0.0.1:26379"}},
		"is not host:port": {Master: "chatlog", Addresses: []string{"127.0.0.1"}},
		" ":                {Master: "chatlog", Addresses: []string{"127.0.0.1:26379"}, Password: "secret"},
	} {
		c := Default()
		c.Sentinel = s
		err := errors.Join(c.Validate()...)
		if want = strings.TrimSpace(want); (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, must say %q", s, err, want)
		}
		if text := fmt.Sprintf("%+v %#v", c, c); strings.Contains(text, "secret") {
			t.Error("a password shows itself: ", text)
		}
	}
}

// TestRealSentinel kills the master of a real Redis with two replicas and three
// sentinels: the same client must write to the one that takes its place, with
// nothing done by hand.
func TestRealSentinel(t *testing.T) {
	server := parts.Tool(t, "redis-server")
	const password, guards = "of the master", "of the sentinels"
	master := serve(t, server, "", "requirepass", password, "masterauth", password)
	for range 2 {
		serve(t, server, "", "requirepass", password, "masterauth", password, "replicaof", master.at)
	}
	c := Default()
	c.Password, c.Address = password, "127.0.0.1:1" // is not used
	c.Sentinel = Sentinel{Master: "chatlog", Password: config.Secret(guards)}
	for range 3 {
		s := serve(t, server, "--sentinel", "requirepass", guards, "sentinel monitor", "chatlog "+master.at+" 2", "sentinel auth-pass", "chatlog "+password,
			"sentinel down-after-milliseconds", "chatlog 1000", "sentinel failover-timeout", "chatlog 3000", "sentinel sentinel-pass", guards)
		c.Sentinel.Addresses = append(c.Sentinel.Addresses, strings.Replace(s.at, " ", ":", 1))
	}
	if err := errors.Join(c.Validate()...); err != nil {
		t.Fatal(err)
	}
	client := Open(c)
	defer client.Close()
	await(t, "replicas that the sentinels know", func(ctx context.Context) error { return known(ctx, c, guards) })
	await(t, "a write to the master", func(ctx context.Context) error { return client.Set(ctx, "who", "first", 0).Err() })
	await(t, "replicas that have it", func(ctx context.Context) error {
		if n, err := client.Wait(ctx, 2, time.Second).Result(); err != nil || n < 2 {
			return fmt.Errorf("%d replicas, %w", n, err)
		}
		return nil
	})
	before, err := client.ConfigGet(t.Context(), "port").Result()
	if err != nil {
		t.Fatal(err)
	}
	master.end(t, syscall.SIGKILL)
	began := time.Now()
	await(t, "a write to the new master", func(ctx context.Context) error { return client.Set(ctx, "who", "second", 0).Err() })
	after, err := client.ConfigGet(t.Context(), "port").Result()
	if err != nil || after["port"] == before["port"] {
		t.Errorf("written to port %v, then to %v: %v", before, after, err)
	}
	t.Logf("written again %s after the master was killed", time.Since(began).Round(time.Millisecond))
}

// known asks a sentinel whether it knows both replicas and the other two sentinels.
func known(ctx context.Context, c Config, password string) error {
	for _, at := range c.Sentinel.Addresses {
		s := redis.NewSentinelClient(&redis.Options{Addr: at, Password: password, MaxRetries: -1})
		master, err := s.Master(ctx, c.Sentinel.Master).Result()
		s.Close()
		if err != nil || master["num-slaves"] != "2" || master["num-other-sentinels"] != "2" {
			return fmt.Errorf("%s knows %v: %w", at, master, err)
		}
	}
	return nil
}

func await(t *testing.T, what string, holds func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for {
		err := holds(ctx)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: %v", what, err)
		case <-time.After(20 * time.Millisecond): // between two looks
		}
	}
}

// daemon is a Redis or a sentinel of one's own.
type daemon struct {
	at      string // "host port"
	command *exec.Cmd
	exited  chan struct{}
}

// serve starts one; settings are pairs of a name and a value.
func serve(t *testing.T, server, flag string, settings ...string) *daemon {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	host, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	dir := t.TempDir()
	file := filepath.Join(dir, "redis.conf")
	text := fmt.Sprintf("bind %s\nport %s\ndir %s\nlogfile log\nsave \"\"\nrepl-diskless-sync-delay 0\n", host, port, dir)
	if flag != "" {
		text = fmt.Sprintf("bind %s\nport %s\ndir %s\nlogfile log\n", host, port, dir)
	}
	for i := 0; i < len(settings); i += 2 {
		value := settings[i+1]
		if strings.Contains(settings[i], "pass") || settings[i] == "masterauth" {
			value = quoted(value)
		}
		text += settings[i] + " " + value + "\n"
	}
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	args := []string{file}
	if flag != "" {
		args = append(args, flag)
	}
	d := &daemon{at: host + " " + port, command: exec.Command(server, args...), exited: make(chan struct{})}
	d.command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // no leftovers when a test dies
	if err := d.command.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		d.command.Wait() // it is killed
		close(d.exited)
	}()
	t.Cleanup(func() { d.end(t, syscall.SIGKILL) })
	return d
}

// quoted quotes a value, or the last word of a pair that begins with the master's name.
func quoted(value string) string {
	if rest, named := strings.CutPrefix(value, "chatlog "); named {
		return `chatlog "` + rest + `"`
	}
	return `"` + value + `"`
}

func (d *daemon) end(t *testing.T, signal syscall.Signal) {
	t.Helper()
	select {
	case <-d.exited:
		return
	default:
	}
	if err := d.command.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		t.Error(err)
	}
	<-d.exited
}

package world

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Stack is a set of real parts of the campaign's own, started by the project's
// stack scripts: they are killed and wiped, which nobody else's may be.
type Stack struct {
	Script string // deploy/stack/stack.sh
	Dir    string // everything that the parts write
	Offset int    // of all ports
	Log    string // what the scripts say
}

// kafkaProxies is the port below those that the brokers advertise to the
// services: everything that they say to Kafka goes through a proxy.
func (s *Stack) kafkaProxies() int { return 19500 + s.Offset }

func (s *Stack) at(port int) string { return "127.0.0.1:" + strconv.Itoa(port+s.Offset) }

func (s *Stack) run(ctx context.Context, args ...string) error {
	log, err := os.OpenFile(s.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	c := exec.CommandContext(ctx, s.Script, args...)
	c.Env = append(os.Environ(), "STACK_DIR="+s.Dir, fmt.Sprint("STACK_PORT_OFFSET=", s.Offset), fmt.Sprint("KAFKA_BROKERS=", brokers),
		fmt.Sprint("KAFKA_PROXY_PORTS=", s.kafkaProxies()), "ELASTICSEARCH_HEAP=512m",
		"JVM_OPTIONS=-XX:TieredStopAtLevel=1") // quick to start, which happens often here
	c.Stdout, c.Stderr = log, log
	if err := c.Run(); err != nil {
		return fmt.Errorf("stack %s: %w, see %s", strings.Join(args, " "), err, s.Log)
	}
	return nil
}

// Up starts parts and waits until they are ready.
func (s *Stack) Up(ctx context.Context, parts ...string) error {
	return s.run(ctx, append([]string{"up"}, parts...)...)
}

// Down stops parts gracefully.
func (s *Stack) Down(ctx context.Context, parts ...string) error {
	return s.run(ctx, append([]string{"down"}, parts...)...)
}

// Wipe stops everything and empties it.
func (s *Stack) Wipe(ctx context.Context) error { return s.run(ctx, "down", "--wipe") }

// pid is the process of a part. It is one of this stack only if its command
// line says so: a number may have become another process's.
func (s *Stack) pid(part string) (int, error) {
	content, err := os.ReadFile(filepath.Join(s.Dir, "run", part+".pid"))
	if err != nil {
		return 0, err
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(content)))
	if err != nil {
		return 0, err
	}
	line, err := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid))
	if err != nil {
		return 0, err
	}
	if text := string(line); !strings.Contains(text, s.Dir) && !strings.Contains(text, s.at(redisPort)) {
		return 0, fmt.Errorf("process %d is not %s", pid, part)
	}
	return pid, nil
}

// Signal sends a signal to a part.
func (s *Stack) Signal(part string, signal syscall.Signal) error {
	pid, err := s.pid(part)
	if err != nil {
		return fmt.Errorf("%s: %w", part, err)
	}
	return syscall.Kill(pid, signal)
}

// Kill ends a part as kill -9 does, and waits until it is gone.
func (s *Stack) Kill(ctx context.Context, part string) error {
	pid, err := s.pid(part)
	if err != nil {
		return fmt.Errorf("%s: %w", part, err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return err
	}
	for {
		if _, err := s.pid(part); errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
			return nil
		} else if line, _ := os.ReadFile(fmt.Sprintf("/proc/%d/cmdline", pid)); len(line) == 0 {
			return nil // gone but for its entry, which its parent has not taken yet
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// Tool is a program of the stack, such as mysqldump, ready to run.
func (s *Stack) Tool(ctx context.Context, name string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, filepath.Join(s.Dir, "bin", name), args...)
}

// Package system runs chatlog's built programs as processes, as an operator
// would: the embedded all-in-one, or the three services on real parts. Tests,
// tools and benchmarks drive it.
package system

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Program is one built program with its environment. It can be started, ended
// and started again. Whether it runs may be asked by anybody at any time;
// starting and ending it is for one at a time.
type Program struct {
	Name   string // for messages
	Path   string // of the executable
	Args   []string
	Env    []string    // in addition to the clean environment
	Listen string      // address of its health endpoint
	Log    string      // file that its output is appended to
	Dir    string      // where it runs
	TLS    *tls.Config // of its health endpoint; nil: plain HTTP

	mutex   sync.Mutex // guards what follows
	command *exec.Cmd
	exited  chan struct{}
	err     error // why it exited; set before exited is closed
}

// Another is one more instance of a program, on an address of its own: variable
// is the setting of that address, and env settings that differ.
func (p *Program) Another(name, variable string, env ...string) (*Program, error) {
	at, err := FreeAddress()
	if err != nil {
		return nil, err
	}
	all := append(append(slices.Clone(p.Env), variable+"="+at), env...)
	return &Program{Name: name, Path: p.Path, Args: p.Args, Env: all, Listen: at, TLS: p.TLS, Log: p.Log + "." + strings.ReplaceAll(name, " ", "-"), Dir: p.Dir}, nil
}

// now is the process that was started last; nil before the first start.
func (p *Program) now() (*exec.Cmd, chan struct{}) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return p.command, p.exited
}

// Start starts the program; it is not ready yet.
func (p *Program) Start() error {
	if p.Running() {
		return fmt.Errorf("%s runs already", p.Name)
	}
	log, err := os.OpenFile(p.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close()
	c := exec.Command(p.Path, p.Args...)
	c.Dir, c.Stdout, c.Stderr = p.Dir, log, log
	c.Env = append([]string{"PATH=" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME")}, p.Env...)
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} // no leftovers when a test dies
	if err := c.Start(); err != nil {
		return fmt.Errorf("%s: %w", p.Name, err)
	}
	exited := make(chan struct{})
	p.mutex.Lock()
	p.command, p.exited = c, exited
	p.mutex.Unlock()
	go func() {
		p.err = c.Wait()
		close(exited)
	}()
	return nil
}

// Running reports whether the process is there.
func (p *Program) Running() bool {
	command, exited := p.now()
	if command == nil {
		return false
	}
	select {
	case <-exited:
		return false
	default:
		return true
	}
}

// Exited is closed when the process that was started last has ended.
func (p *Program) Exited() <-chan struct{} {
	_, exited := p.now()
	return exited
}

// PID is the process's id.
func (p *Program) PID() int {
	command, _ := p.now()
	return command.Process.Pid
}

// Ready waits until /readyz answers 200.
func (p *Program) Ready(ctx context.Context) error {
	client := &http.Client{Timeout: 2 * time.Second, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: p.TLS}}
	scheme := "http"
	if p.TLS != nil {
		scheme = "https"
	}
	_, exited := p.now()
	var last error
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+p.Listen+"/readyz", nil)
		if err != nil {
			return err
		}
		response, err := client.Do(request)
		if err == nil {
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
			err = fmt.Errorf("readyz answers %d", response.StatusCode)
		}
		last = err
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w; see %s", p.Name, last, p.Log)
		case <-exited:
			return fmt.Errorf("%s has ended: %w; see %s", p.Name, p.err, p.Log)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Kill ends the process as kill -9 does.
func (p *Program) Kill() error {
	if !p.Running() {
		return nil
	}
	command, exited := p.now()
	err := command.Process.Kill()
	<-exited
	return err
}

// errSlow is told when a program does not end in time.
var errSlow = errors.New("did not end in time and was killed")

// Stop asks the process to end and waits for it. The error tells when it had to
// be killed or ended with another code than 0.
func (p *Program) Stop(patience time.Duration) error {
	if !p.Running() {
		return nil
	}
	command, exited := p.now()
	if err := command.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-exited:
		if p.err != nil {
			return fmt.Errorf("%s: %w; see %s", p.Name, p.err, p.Log)
		}
		return nil
	case <-time.After(patience):
		command.Process.Kill() // its end is waited for below
		<-exited
		return fmt.Errorf("%s %w", p.Name, errSlow)
	}
}

// Signal sends a signal, such as SIGSTOP.
func (p *Program) Signal(s syscall.Signal) error {
	command, _ := p.now()
	return command.Process.Signal(s)
}

// FreeAddress gives a loopback address that nobody listens on now, and that it has not
// given in this process before: programs that are to be started together get theirs
// before any of them listens.
func FreeAddress() (string, error) {
	err := errors.New("no port")
	for range endPort - firstPort {
		port := firstPort + int(given.Add(1))%(endPort-firstPort)
		var l net.Listener
		if l, err = net.Listen("tcp", fmt.Sprint("127.0.0.1:", port)); err == nil {
			return l.Addr().String(), l.Close()
		}
	}
	return "", err
}

// Programs listen below the ports that Linux gives to connections of its own accord
// (ip_local_port_range), or a client next door gets a program's port before it starts.
const (
	firstPort = 25_000
	endPort   = 32_000
)

// given is the last port that was tried, counted on. Each process begins elsewhere.
var given atomic.Uint32

func init() { given.Store(rand.Uint32N(endPort - firstPort)) }

package e2e

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// gate stands before a part that is shared with others, and can be shut.
type gate struct {
	listener net.Listener
	mutex    sync.Mutex
	closed   bool
	through  map[net.Conn]bool
}

func newGate(t *testing.T, to string) *gate {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{listener: l, through: map[net.Conn]bool{}}
	var all sync.WaitGroup
	t.Cleanup(func() {
		l.Close()
		g.shut()
		all.Wait()
	})
	all.Go(func() {
		for {
			from, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { g.pass(from, to) })
		}
	})
	return g
}

func (g *gate) pass(from net.Conn, address string) {
	defer from.Close()
	to, err := net.DialTimeout("tcp", address, 5*time.Second)
	if err != nil {
		return
	}
	defer to.Close()
	g.mutex.Lock()
	if g.closed {
		g.mutex.Unlock()
		return
	}
	g.through[from], g.through[to] = true, true
	g.mutex.Unlock()
	go func() {
		io.Copy(to, from)
		to.Close() // ends the copying below
	}()
	io.Copy(from, to)
	g.mutex.Lock()
	defer g.mutex.Unlock()
	delete(g.through, from)
	delete(g.through, to)
}

func (g *gate) shut() {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.closed = true
	for c := range g.through {
		c.Close()
	}
}

func (g *gate) open() {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	g.closed = false
}

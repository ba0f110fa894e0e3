package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"time"
)

// lean are connections that send prepared requests and hardly look at the
// answers: on one machine, what the client takes the service does not get.
type lean struct {
	address  string
	free     chan *leanConn // nil: not connected yet
	requests [][]byte
}

type leanConn struct {
	net.Conn
	in *textproto.Reader
}

// answerTime is how long an answer may take.
const answerTime = 10 * time.Second

// newLean prepares a POST of a body to each path.
func newLean(base string, paths []string, body string, connections int) *lean {
	l := &lean{address: strings.TrimPrefix(base, "http://"), free: make(chan *leanConn, connections)}
	for _, path := range paths {
		l.requests = append(l.requests, fmt.Appendf(nil, "POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", path, l.address, len(body), body))
	}
	for range connections {
		l.free <- nil
	}
	return l
}

func (l *lean) close() {
	for {
		select {
		case c := <-l.free:
			if c != nil {
				c.Close() // nothing is under way on it
			}
		default:
			return
		}
	}
}

// post sends one of the requests; anything but 200 is an error.
func (l *lean) post(ctx context.Context, r *rand.Rand) error {
	c := <-l.free
	defer func() { l.free <- c }() // as it is then
	if c == nil {                  // a server does not wait for long for a connection's first request
		to, err := new(net.Dialer).DialContext(ctx, "tcp", l.address)
		if err != nil {
			return err
		}
		c = &leanConn{to, textproto.NewReader(bufio.NewReader(to))}
	}
	if err := c.SetDeadline(time.Now().Add(answerTime)); err != nil {
		return err
	}
	if _, err := c.Write(l.requests[r.IntN(len(l.requests))]); err != nil {
		return err
	}
	return c.answer()
}

func (c *leanConn) answer() error {
	status, err := c.in.ReadLineBytes()
	if err != nil {
		return err
	}
	good := bytes.HasPrefix(status, []byte("HTTP/1.1 200 "))
	said, length := string(status), -1
	for {
		line, err := c.in.ReadLineBytes()
		if err != nil {
			return err
		}
		if len(line) == 0 {
			break
		}
		if name, value, _ := bytes.Cut(line, []byte(": ")); bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(value)); err != nil {
				return err
			}
		}
	}
	if length < 0 {
		return fmt.Errorf("%s: no Content-Length", said)
	}
	if _, err := c.in.R.Discard(length); err != nil {
		return fmt.Errorf("body: %w", err)
	}
	if !good {
		return errors.New("answered " + said)
	}
	return nil
}

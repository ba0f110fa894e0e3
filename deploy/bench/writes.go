package main

import (
	"context"
	"errors"
	"syscall"
	"time"
)

// writes compares POST message with a router that keeps nothing, and with a
// service that counts in Redis.
func (b *bench) writes(ctx context.Context) (err error) {
	bare, err := b.yardstick(ctx, "bare")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, bare.Stop(10*time.Second)) }()
	ours := b.used("ingest", "kafka")
	ways := []spread{
		{"64 connections, 1,000 chats", 64, b.paths(apps, chatsPer)},
		{"256 connections, 1,000 chats", 256, b.paths(apps, chatsPer)},
		{"64 connections, 1 chat", 64, b.paths(1, 1)},
		{"256 connections, 1 chat", 256, b.paths(1, 1)},
	}
	for _, s := range ways {
		l := load{method: "POST", paths: s.paths, body: body, connections: s.connections}
		mine, theirs := l, l
		mine.base, theirs.base = b.Writes, "http://"+bare.Listen
		if err := b.compare(ctx, Row{Name: "POST message, " + s.name, Yardstick: "bare httprouter", Reach: 0.5}, b.sent(mine, ours),
			b.sent(theirs, map[string]int{"bare": bare.PID()})); err != nil {
			return err
		}
	}
	if b.embedded {
		return nil
	}
	return b.unsunk(ctx, ours, ways[:2])
}

// spread is how writes come.
type spread struct {
	name        string
	connections int
	paths       []string
}

// unsunk compares writes while the sinks stand still.
func (b *bench) unsunk(ctx context.Context, ours map[string]int, ways []spread) (err error) {
	counter, err := b.yardstick(ctx, "counter")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, counter.Stop(10*time.Second)) }()
	sinks := b.Program("sinks")
	if err := sinks.Signal(syscall.SIGSTOP); err != nil {
		return err
	}
	defer func() { // what the sinks have to catch up with is no load for the next row
		err = errors.Join(err, sinks.Signal(syscall.SIGCONT))
		if err == nil {
			err = b.caughtUp(ctx)
		}
	}()
	for _, s := range ways {
		l := load{method: "POST", paths: s.paths, body: body, connections: s.connections}
		mine, theirs := l, l
		mine.base, theirs.base = b.Writes, "http://"+counter.Listen
		if err := b.compare(ctx, Row{Name: "POST message, sinks paused, " + s.name, Yardstick: "counters in Redis", Reach: 3}, b.sent(mine, ours),
			b.sent(theirs, processes(map[string]int{"counter": counter.PID(), "redis": part("redis")}))); err != nil {
			return err
		}
	}
	return nil
}

// settleTime is how long the views may take to come to the log's end.
const settleTime = 15 * time.Minute

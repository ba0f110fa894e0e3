package diskfull

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"chatlog/deploy/client"
	"chatlog/deploy/system"
	"chatlog/deploy/workload"
)

const (
	size    = 128 << 20 // bytes of the disk
	reserve = 24 << 20  // local.min_free: enough for what the views write meanwhile
	dearth  = 12 << 20  // bytes that are left when only the reserve is gone
)

// end is what happens to the program while the disk is full, before there is
// room again.
type end int

const (
	stays   end = iota
	killed      // by kill -9, and started again
	stopped     // as an operator does, and started again
)

// rounds are the ways in which the disk becomes full.
var rounds = []struct {
	name string
	rest int64 // bytes that are left
	end  end
}{
	{"below the reserve", dearth, stays},
	{"below the reserve, killed", dearth, killed},
	{"to the last byte", 0, stays},
	{"to the last byte, killed", 0, killed},
	{"to the last byte, stopped", 0, stopped},
	{"to the last byte again", 0, stays},
	{"to the last byte again, killed", 0, killed},
}

// Drill runs the built all-in-one (bin/local) on a small disk in dir and fills
// it in several ways under load. An error tells what was lost, or did not go on
// by itself; ErrMount that nothing could be tried. say tells what is done.
func Drill(ctx context.Context, bin, dir string, say func(string, ...any)) (err error) {
	disk, unmount, err := mount(dir, size)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, unmount()) }()
	s, err := system.Embedded(bin, disk, fmt.Sprintf("CHATLOG_LOCAL_MIN_FREE=%d", int64(reserve)))
	if err != nil {
		return err
	}
	local := s.Programs[0]
	local.Log, local.Dir = filepath.Join(dir, "local.log"), dir // what it tells must not be lost on the full disk
	defer func() { err = errors.Join(err, s.Stop(), calm(local.Log)) }()
	if err := s.Start(ctx); err != nil {
		return err
	}
	d := &drill{System: s, disk: disk, say: say, ingest: client.New(s.Writes, 64), query: client.New(s.Reads, 64)}
	defer d.ingest.Close()
	defer d.query.Close()
	d.load = &workload.Load{Clients: []*client.Client{d.ingest, d.query}, Count: 16, Chats: 8, Patience: time.Minute}
	if err := d.load.Start(context.WithoutCancel(ctx)); err != nil {
		return err
	}
	err = d.run(ctx)
	d.load.Stop()
	if err != nil {
		return err
	}
	say("%d acked writes, %d answers 503, %d broken requests", d.load.Acks.Load(), d.load.Unavailable.Load(), d.load.Broken.Load())
	return d.kept(ctx)
}

// drill is a system on a small disk, with clients that write to it.
type drill struct {
	*system.System
	disk          string
	say           func(string, ...any)
	ingest, query *client.Client
	load          *workload.Load
}

func (d *drill) run(ctx context.Context) error {
	for _, r := range rounds {
		if err := d.more(ctx, 200); err != nil {
			return fmt.Errorf("before %s: %w", r.name, err)
		}
		if err := d.round(ctx, r.rest, r.end); err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
		if err := d.more(ctx, 200); err != nil {
			return fmt.Errorf("after %s: %w", r.name, err)
		}
		d.say("%s: %d acked writes in all", r.name, d.load.Acks.Load())
	}
	return nil
}

// round fills the disk, looks, and gives the room back.
func (d *drill) round(ctx context.Context, rest int64, how end) error {
	if err := fill(d.disk, rest, 500*time.Millisecond); err != nil {
		return err
	}
	if err := d.full(ctx); err != nil {
		return err
	}
	if how != stays {
		if err := d.restart(ctx, how); err != nil {
			return err
		}
	}
	if err := empty(d.disk); err != nil {
		return err
	}
	began := time.Now()
	if !d.Programs[0].Running() { // it has refused to start, which only a full disk allows
		if err := d.Start(ctx); err != nil {
			return err
		}
	}
	if err := d.more(ctx, 1); err != nil {
		return err
	}
	d.say("writes go on %s after there is room", time.Since(began).Round(time.Millisecond))
	return nil
}

// restart ends the program and starts it while the disk is full: it serves
// reads, or says clearly why it does not start.
func (d *drill) restart(ctx context.Context, how end) error {
	local, end := d.Programs[0], d.Programs[0].Kill
	if how == stopped {
		end = d.Stop
	}
	if err := end(); err != nil {
		return err
	}
	if err := d.Start(ctx); err == nil {
		return d.full(ctx)
	} else if local.Running() {
		return fmt.Errorf("started while the disk is full: %w", err)
	}
	told, err := tail(local.Log)
	if err != nil {
		return err
	}
	if !strings.Contains(told, "no space left") && !strings.Contains(told, "is full") {
		return fmt.Errorf("ended while the disk is full, and does not say why: %s", told)
	}
	d.say("does not start: %s", told)
	return nil
}

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/twmb/franz-go/pkg/kfake"

	"chatlog/shared/fault"
	"chatlog/shared/telemetry"
)

// disk decides whether the embedded broker may write. It may not while less is
// free than the reserve, nor after a write that failed, until what that write
// left behind was mended.
//
// The reserve is not what acknowledged writes rest on: anybody may fill a disk
// between a look and a write, and the broker then answers an error for a batch
// that it could not write (TestABatchThatCannotBeWrittenIsNotAcked). The reserve
// is for the rest of the folder: the views need it to take in what the log has,
// and the broker acks new topics and committed offsets whether it can keep them
// or not.
type disk struct {
	dir    string
	least  int64                 // bytes that must be free
	free   func() (int64, error) // bytes that are free for us
	logger *slog.Logger
	failed atomic.Pointer[error] // a write of the broker that failed and is not mended yet

	refusals, failures prometheus.Counter
	cancel             context.CancelFunc
	work               sync.WaitGroup
}

func newDisk(dir string, least int64, logger *slog.Logger) *disk {
	return &disk{dir: dir, least: least, logger: logger, free: func() (int64, error) { return freeBytes(dir) },
		refusals: prometheus.NewCounter(prometheus.CounterOpts{Name: "chatlog_disk_refusals_total",
			Help: "Produce requests refused because too little of the data folder's disk is free, or because a write to it had failed."}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{Name: "chatlog_disk_failures_total",
			Help: "Writes of the embedded broker that failed. Nothing that failed was acknowledged."})}
}

// freeBytes is what is left for us on a folder's disk; what is kept for root is
// not, so that the program does not need to be root to use the reserve.
func freeBytes(dir string) (int64, error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(dir, &s); err != nil {
		return 0, fmt.Errorf("statfs %s: %w", dir, err)
	}
	return int64(s.Bavail) * s.Bsize, nil
}

// register shows the metrics.
func (d *disk) register(r prometheus.Registerer) {
	r.MustRegister(d.refusals, d.failures, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "chatlog_disk_free_bytes",
		Help: "Bytes that are free on the data folder's disk; below local.min_free nothing is written."}, func() float64 {
		n, err := d.free()
		if err != nil {
			return -1
		}
		return float64(n)
	}))
}

// part is the disk as /readyz names it. Writes need it, reads do not.
func (d *disk) part(required bool) telemetry.Part {
	return telemetry.Part{Name: "disk", Required: required, Check: func(context.Context) error { return d.room() }}
}

// room tells why nothing may be written; nil: it may. A disk that cannot be
// asked is one that nothing is written to.
func (d *disk) room() error {
	n, err := d.free()
	switch {
	case err != nil:
		return fault.Wrap(fault.Transient, "the disk cannot be asked how much is free", err)
	case n < d.least:
		return fault.New(fault.Transient, fmt.Sprintf("the disk is full: %d MiB are free, %d MiB must be (local.min_free)", n>>20, d.least>>20))
	}
	if failed := d.failed.Load(); failed != nil {
		return fault.Wrap(fault.Transient, "a write to the disk failed and is being mended", *failed)
	}
	return nil
}

// Logf takes what the broker logs; it is the only place where it tells of a
// write that failed. It is called by the goroutine that answers requests, before
// the answer: no request after it sees a disk that has not failed.
func (d *disk) Logf(level kfake.LogLevel, format string, args ...any) {
	if level > kfake.LogLevelWarn {
		return
	}
	err := fmt.Errorf(format, args...)
	d.logger.Warn("embedded broker", "told", err)
	// "persist batch" is a batch; "persist %s" the list of topics, without which
	// their records are not found at the next start; "… truncate: %v" the torn end
	// of a file at the start. Offsets ("persist group entry") are only a courtesy
	// to Kafka's tools.
	if strings.HasPrefix(format, "persist batch") || strings.HasPrefix(format, "persist %s") || strings.HasSuffix(format, "truncate: %v") {
		d.failures.Inc()
		d.failed.Store(&err)
	}
}

// mendEvery is how often a disk that failed is tried again.
const mendEvery = 200 * time.Millisecond

// watch mends what a failed write left behind once there is room again.
func (d *disk) watch(mend func() error) {
	ctx, cancel := context.WithCancel(context.Background())
	d.cancel = cancel
	d.work.Go(func() {
		t := time.NewTicker(mendEvery)
		defer t.Stop()
		told := ""
		for {
			select {
			case <-t.C:
				if err := d.tryMend(mend); err != nil && err.Error() != told {
					told = err.Error()
					d.logger.Error("the embedded broker's files cannot be mended, nothing is written", "error", err)
				}
			case <-ctx.Done():
				return
			}
		}
	})
}

func (d *disk) tryMend(mend func() error) error {
	failed := d.failed.Load()
	if failed == nil {
		return nil
	}
	if n, err := d.free(); err != nil || n < d.least {
		return nil // it would fail again
	}
	if err := mend(); err != nil {
		return errors.Join(*failed, err)
	}
	// Unless another write has failed meanwhile.
	if d.failed.CompareAndSwap(failed, nil) {
		d.logger.Warn("the embedded broker's files are whole, writes go on", "failed", *failed)
	}
	return nil
}

func (d *disk) close() {
	if d.cancel != nil {
		d.cancel()
		d.work.Wait()
	}
}

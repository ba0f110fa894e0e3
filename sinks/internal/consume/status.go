package consume

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"chatlog/shared/command"
	"chatlog/shared/fault"
)

// Status is how all partitions of one view are doing.
type Status struct {
	view       string
	clock      func() time.Time
	mutex      sync.Mutex
	partitions map[int32]*partitionStatus
	leftAt     time.Time // zero: in a generation of the group
	metrics    *MetricSet
}

// stuckAfter is how long a partition may lag without any progress before the
// sink counts as unhealthy. An idle sink is healthy.
const stuckAfter = 30 * time.Second

// cutPatience is how long a log may seem shorter than the view before the
// worker stops: a new leader's high watermark may lag for a moment (KIP-207).
const cutPatience = 5 * time.Second

// MetricSet is the metrics of all views of a process.
type MetricSet struct {
	records  *prometheus.CounterVec
	entries  *prometheus.HistogramVec
	seconds  *prometheus.HistogramVec
	next     *prometheus.GaugeVec
	lag      *prometheus.GaugeVec
	failures *prometheus.CounterVec
	bisects  *prometheus.CounterVec
	stopped  *prometheus.GaugeVec
	setBacks *prometheus.CounterVec
}

// Metrics registers the metrics that all views of a process share.
func Metrics(r prometheus.Registerer) *MetricSet {
	m := &MetricSet{
		records:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "chatlog_sink_records_total", Help: "Records read, by view and verdict."}, []string{"view", "verdict"}),
		entries:  prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "chatlog_sink_batch_records", Help: "Commands per batch.", Buckets: prometheus.ExponentialBuckets(1, 2, 12)}, []string{"view"}),
		seconds:  prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "chatlog_sink_apply_seconds", Help: "Time to bring a batch into the view, retries included.", Buckets: prometheus.ExponentialBuckets(.001, 2, 15)}, []string{"view"}),
		next:     prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "chatlog_sink_next_offset", Help: "The view's progress: the next offset to read."}, []string{"view", "partition"}),
		lag:      prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "chatlog_sink_lag_records", Help: "Records between the view's progress and the log's end."}, []string{"view", "partition"}),
		failures: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "chatlog_sink_failures_total", Help: "Attempts that failed and are tried again."}, []string{"view"}),
		bisects:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "chatlog_sink_bisects_total", Help: "Batches split to find a record that the view cannot take."}, []string{"view"}),
		stopped:  prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "chatlog_sink_partition_stopped", Help: "1 if the partition's worker has stopped and needs an operator."}, []string{"view", "partition"}),
		setBacks: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "chatlog_sink_set_back_total", Help: "Times that a worker went back to its view's progress: the view was set back, made anew or replaced, or somebody else had moved it."}, []string{"view"}),
	}
	r.MustRegister(m.records, m.entries, m.seconds, m.next, m.lag, m.failures, m.bisects, m.stopped, m.setBacks)
	return m
}

// NewStatus makes the status of a view.
func NewStatus(view string, m *MetricSet, clock func() time.Time) *Status {
	return &Status{view: view, clock: clock, partitions: map[int32]*partitionStatus{}, metrics: m}
}

// partitionStatus is how one partition is doing. Its worker tells it.
type partitionStatus struct {
	all        *Status
	label      string
	next, high int64
	progressAt time.Time // when it last moved on or was at the end
	shortSince time.Time
	err        error
	halted     error
}

// assign gives the status of a partition that a worker begins to own.
func (s *Status) assign(partition int32) *partitionStatus {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	p := &partitionStatus{all: s, label: strconv.Itoa(int(partition)), progressAt: s.clock()}
	s.partitions[partition] = p
	s.metrics.stopped.WithLabelValues(s.view, p.label).Set(0)
	return p
}

// release forgets a partition that somebody else owns now.
func (s *Status) release(partition int32) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if p := s.partitions[partition]; p != nil {
		s.metrics.lag.DeleteLabelValues(s.view, p.label)
		s.metrics.next.DeleteLabelValues(s.view, p.label)
		s.metrics.stopped.DeleteLabelValues(s.view, p.label)
	}
	delete(s.partitions, partition)
}

// left says that this process is in no generation of its group; joined, that it
// is again, with or without partitions.
func (s *Status) left() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.leftAt.IsZero() {
		s.leftAt = s.clock()
	}
}

func (s *Status) joined() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.leftAt = time.Time{}
}

// Check reports partitions that have stopped, or lag without any progress, and
// a group that cannot be joined: nobody may be reading then.
func (s *Status) Check(context.Context) error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if !s.leftAt.IsZero() && s.clock().Sub(s.leftAt) > stuckAfter {
		return fault.New(fault.Transient, "the consumer group cannot be joined, see the log")
	}
	var halted, stuck []int
	for number, p := range s.partitions {
		switch {
		case p.halted != nil:
			halted = append(halted, int(number))
		case s.clock().Sub(p.progressAt) > stuckAfter:
			stuck = append(stuck, int(number))
		}
	}
	sort.Ints(halted)
	sort.Ints(stuck)
	switch {
	case len(halted) > 0:
		return fault.New(fault.Transient, fmt.Sprintf("partitions %v have stopped, see the log", halted))
	case len(stuck) > 0:
		return fault.New(fault.Transient, fmt.Sprintf("partitions %v make no progress", stuck))
	}
	return nil
}

// halted tells of the partitions that have stopped for good.
func (s *Status) halted() error {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	var errs []error
	for _, p := range s.partitions {
		errs = append(errs, p.halted)
	}
	return errors.Join(errs...)
}

func (p *partitionStatus) change(do func()) {
	p.all.mutex.Lock()
	defer p.all.mutex.Unlock()
	do()
	p.all.metrics.next.WithLabelValues(p.all.view, p.label).Set(float64(p.next))
	p.all.metrics.lag.WithLabelValues(p.all.view, p.label).Set(float64(max(0, p.high-p.next)))
}

func (p *partitionStatus) start(next int64) { p.change(func() { p.next, p.err = next, nil }) }

func (p *partitionStatus) end(high int64) { p.change(func() { p.high = high }) }

func (p *partitionStatus) idle() {
	p.change(func() {
		if p.next >= p.high {
			p.progressAt, p.err = p.all.clock(), nil
		}
	})
}

func (p *partitionStatus) moved(next int64, verdicts [8]int, entries int) {
	m := p.all.metrics
	for v, n := range verdicts {
		if n > 0 {
			m.records.WithLabelValues(p.all.view, command.Verdict(v).String()).Add(float64(n))
		}
	}
	m.entries.WithLabelValues(p.all.view).Observe(float64(entries))
	p.change(func() { p.next, p.progressAt, p.err = next, p.all.clock(), nil })
}

func (p *partitionStatus) fail(err error) {
	p.all.metrics.failures.WithLabelValues(p.all.view).Inc()
	p.change(func() { p.err = err })
}

func (p *partitionStatus) stop(err error) {
	p.all.metrics.stopped.WithLabelValues(p.all.view, p.label).Set(1)
	p.change(func() { p.halted = err })
}

func (p *partitionStatus) applied(took time.Duration) {
	p.all.metrics.seconds.WithLabelValues(p.all.view).Observe(took.Seconds())
}

func (p *partitionStatus) setBack() { p.all.metrics.setBacks.WithLabelValues(p.all.view).Inc() }

func (p *partitionStatus) bisected() { p.all.metrics.bisects.WithLabelValues(p.all.view).Inc() }

// short reports whether the log has seemed too short for long enough.
func (p *partitionStatus) short() (long bool) {
	p.change(func() {
		if p.shortSince.IsZero() {
			p.shortSince = p.all.clock()
		}
		long = p.all.clock().Sub(p.shortSince) >= cutPatience
	})
	return long
}

func (p *partitionStatus) long() { p.change(func() { p.shortSince = time.Time{} }) }

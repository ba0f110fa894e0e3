package imports

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"chatlog/shared/fault"
)

// outcome is what became of a record, as it is counted.
type outcome string

const (
	imported   outcome = "imported"
	repeated   outcome = "repeated" // it was in the log already
	refused    outcome = "refused"  // told of in a dead letter
	toldBefore outcome = "told"     // likewise, at an earlier try
	control    outcome = "control"  // a transaction's marker
)

// Metrics are what all partitions tell.
type Metrics struct {
	records  *prometheus.CounterVec
	failures prometheus.Counter
	lag      *prometheus.GaugeVec
	jumps    *prometheus.CounterVec
}

// NewMetrics registers the metrics.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{
		records:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "chatlog_imports_records_total", Help: "Records of the topic of imports that are settled, by outcome."}, []string{"outcome"}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{Name: "chatlog_imports_failures_total", Help: "Attempts to read imports, commit offsets or write dead letters that failed and are tried again."}),
		lag:      prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "chatlog_imports_lag_records", Help: "Records of the topic of imports that are not settled, of partitions that this instance holds."}, []string{"partition"}),
		jumps:    prometheus.NewCounterVec(prometheus.CounterOpts{Name: "chatlog_imports_jumps_total", Help: "Times that imports were read from their start because the committed offset was not there, by why."}, []string{"why"}),
	}
	for _, o := range []outcome{imported, repeated, refused, toldBefore, control} {
		m.records.WithLabelValues(string(o))
	}
	for _, why := range []string{"trimmed", "short"} {
		m.jumps.WithLabelValues(why)
	}
	r.MustRegister(m.records, m.failures, m.lag, m.jumps)
	return m
}

// stuckAfter is how long a partition's imports may fail, or not move while some are
// on their way, before that shows in readiness.
const stuckAfter = 30 * time.Second

// status is how one partition's imports are doing.
type status struct {
	mutex sync.Mutex
	held  bool
	at    time.Time // when they last moved, or were at the end
	err   error     // since then
}

func (s *status) set(do func()) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	do()
}

func (s *status) idle() { s.set(func() { s.held, s.err = false, nil }) }

func (s *status) began(now time.Time) {
	s.set(func() {
		if !s.held {
			s.held, s.at = true, now
		}
	})
}

func (s *status) moved(now time.Time) { s.set(func() { s.at, s.err = now, nil }) }

// failed notes an error, and reports whether it is another one than the last.
func (s *status) failed(err error) (news bool) {
	s.set(func() {
		news = s.err == nil || s.err.Error() != err.Error()
		s.err = err
	})
	return news
}

// Importer imports all partitions whose leases this instance holds.
type Importer struct {
	workers []*worker
	clock   func() time.Time
	cancel  context.CancelFunc
	work    sync.WaitGroup
}

// Parts are what an importer works with, by partition where they take one.
type Parts struct {
	Source  Source
	Owner   func(partition int32) Owner
	Letters func(partition int32) Letters
	Holds   func(partition int32) bool
	Clock   func() time.Time
	Metrics *Metrics
	Log     *slog.Logger
}

// New makes an importer; nothing happens before Start.
func New(cfg Config, p Parts) *Importer {
	i := &Importer{clock: p.Clock}
	for n := range int32(cfg.Partitions) {
		i.workers = append(i.workers, &worker{partition: n, label: strconv.Itoa(int(n)), cfg: cfg, source: p.Source, owner: p.Owner(n), letters: p.Letters(n),
			holds: func() bool { return p.Holds(n) }, clock: p.Clock, metrics: p.Metrics, status: &status{}, logger: p.Log.With("partition", n)})
	}
	return i
}

// Name gives the component's name.
func (i *Importer) Name() string { return "imports" }

// Start begins to import in the background: Kafka may be down.
func (i *Importer) Start(ctx context.Context) error {
	ctx, i.cancel = context.WithCancel(context.WithoutCancel(ctx))
	for _, w := range i.workers {
		i.work.Go(func() { w.run(ctx) })
	}
	return nil
}

// Stop submits no more and commits what is settled. What is on its way is settled by
// whoever holds the partition next.
func (i *Importer) Stop(ctx context.Context) error {
	i.cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		i.work.Wait()
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Check reports partitions whose imports fail or do not move.
func (i *Importer) Check(context.Context) error {
	var stuck []int32
	var why error
	now := i.clock()
	for _, w := range i.workers {
		w.status.set(func() {
			if w.status.held && now.Sub(w.status.at) > stuckAfter {
				stuck, why = append(stuck, w.partition), w.status.err
			}
		})
	}
	if len(stuck) == 0 {
		return nil
	}
	text := fmt.Sprintf("imports of partitions %v make no progress", stuck)
	if why != nil {
		return fault.Wrap(fault.Transient, text, why)
	}
	return fault.New(fault.Transient, text)
}

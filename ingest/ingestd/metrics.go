package ingestd

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"

	"chatlog/ingest/internal/lease"
	"chatlog/ingest/internal/partition"
	"chatlog/shared/command"
)

// metrics are what the owners tell, by partition.
type metrics struct {
	batches, records, conflicts, failures, oversized, recoveries *prometheus.CounterVec
	loads, confirmations, rebuilds, evicted                      *prometheus.CounterVec
	read                                                         *prometheus.CounterVec
	batchSize                                                    prometheus.Histogram
	end, entries, waiting, ready                                 *prometheus.GaugeVec
}

func newMetrics(r prometheus.Registerer) *metrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, append([]string{"partition"}, labels...))
		r.MustRegister(c)
		return c
	}
	gauge := func(name, help string) *prometheus.GaugeVec {
		g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, []string{"partition"})
		r.MustRegister(g)
		return g
	}
	m := &metrics{
		batches:       counter("chatlog_append_batches_total", "Batches that count in the log."),
		records:       counter("chatlog_append_records_total", "Records of batches that count in the log."),
		conflicts:     counter("chatlog_append_conflicts_total", "Batches that do not count because somebody else had appended."),
		failures:      counter("chatlog_append_failures_total", "Produce requests that failed or whose outcome was unknown."),
		oversized:     counter("chatlog_append_oversized_total", "Batches that the broker found too large."),
		recoveries:    counter("chatlog_append_recoveries_total", "Times that an owner read the log on to its end."),
		loads:         counter("chatlog_cold_loads_total", "Reads of the MySQL view for items not in memory."),
		confirmations: counter("chatlog_end_confirmations_total", "Lookups of the log's end before something was denied."),
		rebuilds:      counter("chatlog_state_rebuilds_total", "Times that the state was rebuilt because the view was set back or far behind."),
		evicted:       counter("chatlog_state_evicted_total", "Entries dropped from memory because the view has them."),
		read:          counter("chatlog_append_read_records_total", "Records that owners read, by verdict.", "verdict"),
		end:           gauge("chatlog_log_end_offset", "The log's end as its owner knows it."),
		entries:       gauge("chatlog_state_entries", "Entries in memory."),
		waiting:       gauge("chatlog_append_waiting", "Requests without an answer."),
		ready:         gauge("chatlog_partition_ready", "1 while the partition takes writes."),
		batchSize: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "chatlog_append_batch_records",
			Help: "Records per batch.", Buckets: prometheus.ExponentialBuckets(1, 2, 10)}),
	}
	r.MustRegister(m.batchSize)
	return m
}

// observer gives the function that an owner calls after every turn. It adds
// what has changed since, because a machine counts for itself.
func (m *metrics) observer(number int32) func(*partition.Machine) {
	p := strconv.Itoa(int(number))
	counters := []prometheus.Counter{m.batches.WithLabelValues(p), m.records.WithLabelValues(p), m.conflicts.WithLabelValues(p),
		m.failures.WithLabelValues(p), m.oversized.WithLabelValues(p), m.recoveries.WithLabelValues(p), m.loads.WithLabelValues(p),
		m.confirmations.WithLabelValues(p), m.rebuilds.WithLabelValues(p), m.evicted.WithLabelValues(p)}
	end, entries, waiting, ready := m.end.WithLabelValues(p), m.entries.WithLabelValues(p), m.waiting.WithLabelValues(p), m.ready.WithLabelValues(p)
	var last partition.Stats
	return func(machine *partition.Machine) {
		now := machine.Stats()
		for i, pair := range [][2]uint64{{now.Batches, last.Batches}, {now.Records, last.Records}, {now.Conflicts, last.Conflicts},
			{now.Failures, last.Failures}, {now.Oversized, last.Oversized}, {now.Recoveries, last.Recoveries}, {now.Loads, last.Loads},
			{now.Confirmations, last.Confirmations}, {now.Rebuilds, last.Rebuilds}, {now.Evicted, last.Evicted}} {
			if pair[0] != pair[1] {
				counters[i].Add(float64(pair[0] - pair[1]))
			}
		}
		if now.Batches != last.Batches {
			m.batchSize.Observe(float64(now.Records - last.Records))
		}
		for v := range now.Verdicts {
			if now.Verdicts[v] != last.Verdicts[v] {
				m.read.WithLabelValues(p, command.Verdict(v).String()).Add(float64(now.Verdicts[v] - last.Verdicts[v]))
			}
		}
		last = now
		end.Set(float64(machine.End()))
		entries.Set(float64(machine.Size()))
		waiting.Set(float64(machine.Waiting()))
		if phase, _ := machine.Phase(); phase == "ready" {
			ready.Set(1)
		} else {
			ready.Set(0)
		}
	}
}

// forwardCounter counts writes of other instances' partitions.
func forwardCounter(r prometheus.Registerer) func(outcome string) {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "chatlog_owner_forwards_total",
		Help: "Writes brought to the instance that holds their partition, by outcome."}, []string{"outcome"})
	r.MustRegister(c)
	return func(outcome string) { c.WithLabelValues(outcome).Inc() }
}

// leaseGauges tell which leases this instance holds.
func leaseGauges(r prometheus.Registerer, k *lease.Keeper, partitions int) {
	for p := range partitions {
		r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "chatlog_partition_leased", Help: "1 while this instance holds the partition's lease.",
			ConstLabels: prometheus.Labels{"partition": strconv.Itoa(p)}}, func() float64 {
			if k.Holds(int32(p)) {
				return 1
			}
			return 0
		}))
	}
}

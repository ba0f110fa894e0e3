package queryd

import (
	"github.com/prometheus/client_golang/prometheus"

	"chatlog/query/internal/freshness"
)

// metrics are what the service tells beside its requests.
type metrics struct {
	waits     *prometheus.CounterVec
	forwarded *prometheus.CounterVec
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		waits: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "chatlog_freshness_total",
			Help: "Reads that had to wait for a view, or could not, or looked again because the index was replaced: waited, timeout, unconfirmed, replaced."}, []string{"view", "outcome"}),
		forwarded: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "chatlog_forwarded_writes_total",
			Help: "Writes passed on to ingest, by outcome."}, []string{"outcome"}),
	}
	r.MustRegister(m.waits, m.forwarded)
	return m
}

func (m *metrics) waiting(r prometheus.Registerer, view string, w *freshness.Watcher) {
	r.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "chatlog_freshness_waiting",
		Help: "Reads that wait for a view now.", ConstLabels: prometheus.Labels{"view": view}},
		func() float64 { return float64(w.Waiting()) }))
}

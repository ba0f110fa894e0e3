package sinkd

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"chatlog/shared/deadletter"
)

// lookAtLetters is how often the dead letters are looked at. Where there are no new
// ones it is one small request.
const lookAtLetters = 15 * time.Second

// openLetters counts the letters that wait for an operator, whoever has told them.
// Each sinks process counts all of them, so the greatest count is the newest one.
type openLetters struct {
	settler *deadletter.Settler
	views   []string // that are counted even if they never had a letter
	gauge   *prometheus.GaugeVec
	every   time.Duration
	logger  *slog.Logger
}

func newOpenLetters(settler *deadletter.Settler, views []string, r prometheus.Registerer, logger *slog.Logger) *openLetters {
	g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "chatlog_dead_letters_open",
		Help: "Dead letters that nobody has retried or dropped yet, by view."}, []string{"view"})
	r.MustRegister(g)
	return &openLetters{settler: settler, views: views, gauge: g, every: lookAtLetters, logger: logger}
}

// run looks until ctx ends. What cannot be read now is read the next time; that
// Kafka is away is told by others.
func (o *openLetters) run(ctx context.Context) {
	for {
		if err := o.settler.CatchUp(ctx, nil); err != nil {
			o.logger.Debug("dead letters cannot be counted now", "error", err)
		} else {
			o.tell(o.settler.Book().Open())
		}
		select {
		case <-time.After(o.every):
		case <-ctx.Done():
			return
		}
	}
}

func (o *openLetters) tell(open map[string]int) {
	for _, view := range o.views {
		o.gauge.WithLabelValues(view).Set(float64(open[view]))
	}
	for view, n := range open {
		o.gauge.WithLabelValues(view).Set(float64(n))
	}
}

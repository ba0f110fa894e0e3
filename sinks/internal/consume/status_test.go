package consume

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

var checkCases = []struct {
	name string
	do   func(p *partitionStatus)
	want string
}{
	{"just assigned", func(*partitionStatus) {}, ""},
	{"idle for an hour", func(p *partitionStatus) {
		p.end(5)
		p.moved(5, [8]int{}, 0)
		for range 60 {
			time.Sleep(time.Minute)
			p.idle()
		}
	}, ""},
	{"lagging, and moving", func(p *partitionStatus) {
		p.end(1000)
		for n := range int64(60) {
			time.Sleep(stuckAfter - time.Second)
			p.moved(n, [8]int{}, 1)
		}
	}, ""},
	{"lagging for a moment", func(p *partitionStatus) {
		p.end(9)
		time.Sleep(stuckAfter)
		p.idle()
	}, ""},
	{"lagging without progress", func(p *partitionStatus) {
		p.end(9)
		time.Sleep(stuckAfter + time.Second)
		p.idle()
	}, "partitions [3] make no progress"},
	{"never heard of again", func(*partitionStatus) { time.Sleep(stuckAfter + time.Second) }, "partitions [3] make no progress"},
	{"stopped", func(p *partitionStatus) { p.stop(errors.New("x")) }, "partitions [3] have stopped, see the log"},
	{"given to somebody else", func(p *partitionStatus) {
		p.stop(errors.New("x"))
		p.all.release(3)
	}, ""},
	{"given to somebody else and back", func(p *partitionStatus) {
		p.stop(errors.New("x"))
		p.all.release(3)
		p.all.assign(3)
	}, ""},
}

// A sink is unhealthy when a partition lags without progress or has stopped;
// one that has nothing to do is healthy.
func TestCheck(t *testing.T) {
	for _, c := range checkCases {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := NewStatus("fake", Metrics(prometheus.NewRegistry()), time.Now)
				c.do(s.assign(3))
				got := ""
				if err := s.Check(t.Context()); err != nil {
					got = err.Error()
				}
				if got != c.want {
					t.Errorf("says %q, want %q", got, c.want)
				}
			})
		})
	}
}

// gauges gives what the registry tells of partitions.
func gauges(t *testing.T, r *prometheus.Registry) map[string]float64 {
	t.Helper()
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			key := f.GetName()
			for _, l := range m.GetLabel() {
				if l.GetName() != "view" {
					key += " " + l.GetValue()
				}
			}
			out[key] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	return out
}

func TestMetricsTellOfEveryRecord(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		records := append(conversation(4), misplaced(4), control(5), unmarked(6), said(7, "bad"), newer(8))
		s := newStand(t, nowhere(), records...)
		s.view.refuse = refuseTexts("bad")
		defer s.run(-1)()
		s.within(time.Minute, "the worker has stopped", func() bool { return s.halted() != nil })
		got := gauges(t, s.metrics)
		for key, want := range map[string]float64{
			"chatlog_sink_records_total counts": 5, "chatlog_sink_records_total misplaced": 1, "chatlog_sink_records_total control": 1,
			"chatlog_sink_records_total unmarked": 1, "chatlog_sink_next_offset 0": 8, "chatlog_sink_lag_records 0": 1,
			"chatlog_sink_partition_stopped 0": 1, "chatlog_sink_bisects_total": 2, "chatlog_sink_failures_total": 0,
		} {
			if got[key] != want {
				t.Errorf("%s is %v, want %v", key, got[key], want)
			}
		}
		s.status.release(0)
		for key := range gauges(t, s.metrics) {
			if strings.HasSuffix(key, " 0") {
				t.Errorf("%s is still told after the partition went to somebody else", key)
			}
		}
	})
}

package main

import (
	"slices"
	"time"

	"chatlog/deploy/chaos/history"
)

// rates are acked writes per second around a fault.
type rates struct {
	before, during, after float64
	firstAck              time.Duration // from the moment when the cause was taken away to the next acked write
	refused               int           // answers 503 while it was on
	broken                int           // requests without a whole answer while it was on
}

// meter counts acked writes by when they were acked.
type meter struct {
	acks  []int64
	tries []history.Try
}

func newMeter(calls []history.Call) *meter {
	m := &meter{}
	for i := range calls {
		if calls[i].Kind.Write() && calls[i].Outcome == history.OK {
			m.acks = append(m.acks, calls[i].End)
		}
		m.tries = append(m.tries, calls[i].Tries...)
	}
	slices.Sort(m.acks)
	slices.SortFunc(m.tries, func(a, b history.Try) int { return int(a.End - b.End) })
	return m
}

func (m *meter) rate(from, to int64) float64 {
	if to <= from {
		return 0
	}
	a, _ := slices.BinarySearch(m.acks, from)
	b, _ := slices.BinarySearch(m.acks, to)
	return float64(b-a) / (float64(to-from) / 1e9)
}

func (m *meter) around(w history.Window) rates {
	r := rates{before: m.rate(w.Begin-int64(quiet), w.Begin), during: m.rate(w.Begin, w.Undone), after: m.rate(w.Settled, w.Settled+int64(quiet))}
	if i, _ := slices.BinarySearch(m.acks, w.Undone); i < len(m.acks) {
		r.firstAck = time.Duration(m.acks[i] - w.Undone)
	}
	i, _ := slices.BinarySearchFunc(m.tries, w.Begin, func(t history.Try, at int64) int { return int(t.End - at) })
	for ; i < len(m.tries) && m.tries[i].End <= w.Settled; i++ {
		if m.tries[i].Status == 503 {
			r.refused++
		} else if m.tries[i].Status == 0 {
			r.broken++
		}
	}
	return r
}

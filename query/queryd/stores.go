package queryd

import (
	"chatlog/query/internal/freshness"
	"chatlog/query/internal/read"
	"chatlog/query/internal/traced"
	"chatlog/shared/searchview"
)

// stores is what reads are answered from, and what they wait for.
type stores struct {
	rows    read.Rows
	index   searchview.Index
	ends    read.Ends
	refresh read.Refresh
	waiter  func(view string, w *freshness.Watcher) read.Waiter
}

// storesOf gives the stores as they are, or such that tell of every call as a span.
func storesOf(parts Parts, ends read.Ends, refresh read.Refresh, told bool) stores {
	if !told {
		return stores{rows: parts.Rows, index: parts.Index, ends: ends, refresh: refresh, waiter: func(_ string, w *freshness.Watcher) read.Waiter { return w }}
	}
	return stores{rows: traced.Rows{Rows: parts.Rows, Engine: parts.Rows.Engine()}, index: traced.Index{Index: parts.Index}, ends: traced.Ends{Ends: ends},
		refresh: traced.Refresh{Refresh: refresh}, waiter: func(view string, w *freshness.Watcher) read.Waiter { return traced.Waiter{Waiter: w, View: view} }}
}

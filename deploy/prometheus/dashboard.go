package main

import "encoding/json"

// panel is one graph of the dashboard, along the way of the data.
type panel struct {
	title, unit string
	queries     []query
}

type query struct{ expression, legend string }

var panels = []panel{
	{"Requests", "reqps", []query{{`sum by (service, code) (rate(chatlog_http_requests_total[1m]))`, "{{service}} {{code}}"}}},
	{"Answered within (99 %)", "s", []query{{`histogram_quantile(0.99, sum by (service, route, le) (rate(chatlog_http_request_seconds_bucket[5m])))`, "{{service}} {{route}}"}}},
	{"Requests under way", "short", []query{{`sum by (service) (chatlog_http_in_flight)`, "{{service}}"}, {`sum(chatlog_append_waiting)`, "waiting for an append"}}},
	{"Appended", "cps", []query{{`sum(rate(chatlog_append_records_total[1m]))`, "records"}, {`sum(rate(chatlog_append_batches_total[1m]))`, "batches"}}},
	{"Appends that did not count", "cps", []query{{`sum(rate(chatlog_append_conflicts_total[5m]))`, "conflicts"}, {`sum(rate(chatlog_append_failures_total[5m]))`, "failures"},
		{`sum(rate(chatlog_append_oversized_total[5m]))`, "too large"}, {`sum(rate(chatlog_append_recoveries_total[5m]))`, "log read on"}}},
	{"Records per batch (half)", "short", []query{{`histogram_quantile(0.5, sum by (le) (rate(chatlog_append_batch_records_bucket[5m])))`, "ingest"},
		{`histogram_quantile(0.5, sum by (view, le) (rate(chatlog_sink_batch_records_bucket[5m])))`, "sink {{view}}"}}},
	{"Owners", "short", []query{{`sum by (instance) (chatlog_partition_leased)`, "leased by {{instance}}"}, {`sum by (instance) (chatlog_partition_ready)`, "ready on {{instance}}"}}},
	{"Writes brought to others", "cps", []query{{`sum by (outcome) (rate(chatlog_owner_forwards_total[5m]))`, "ingest: {{outcome}}"}, {`sum by (outcome) (rate(chatlog_forwarded_writes_total[5m]))`, "query: {{outcome}}"}}},
	{"State in ingest's memory", "short", []query{{`sum(chatlog_state_entries)`, "entries"}, {`sum(rate(chatlog_cold_loads_total[5m]))`, "cold loads/s"},
		{`sum(rate(chatlog_state_evicted_total[5m]))`, "dropped/s"}, {`sum(increase(chatlog_state_rebuilds_total[1h]))`, "rebuilds in an hour"}}},
	{"Behind the log's end", "short", []query{{`max by (view, partition) (chatlog_sink_lag_records)`, "{{view}} {{partition}}"}}},
	{"Into the views", "cps", []query{{`sum by (view, verdict) (rate(chatlog_sink_records_total[1m]))`, "{{view}}: {{verdict}}"}}},
	{"A batch into a view (99 %)", "s", []query{{`histogram_quantile(0.99, sum by (view, le) (rate(chatlog_sink_apply_seconds_bucket[5m])))`, "{{view}}"}}},
	{"Sinks in trouble", "short", []query{{`sum by (view) (rate(chatlog_sink_failures_total[5m]))`, "{{view}}: tried again/s"}, {`sum by (view) (increase(chatlog_sink_set_back_total[1h]))`, "{{view}}: set back in an hour"},
		{`sum by (view) (chatlog_sink_partition_stopped)`, "{{view}}: partitions stopped"}, {`sum by (view) (increase(chatlog_dead_letters_total[1h]))`, "{{view}}: dead letters in an hour"},
		{`max by (view) (chatlog_dead_letters_open)`, "{{view}}: dead letters open"}}},
	{"Reads that waited for a view", "cps", []query{{`sum by (outcome) (rate(chatlog_freshness_total[5m]))`, "{{outcome}}"}, {`sum(chatlog_freshness_waiting)`, "waiting now"}}},
	{"Imports", "cps", []query{{`sum by (outcome) (rate(chatlog_imports_records_total[1m]))`, "{{outcome}}"}, {`sum(chatlog_imports_lag_records)`, "left"}, {`sum(rate(chatlog_imports_failures_total[5m]))`, "tried again/s"}}},
}

// dashboard is the dashboard as Grafana imports it: two graphs in a row.
func dashboard() ([]byte, error) {
	source := map[string]string{"type": "prometheus", "uid": "${datasource}"}
	var graphs []map[string]any
	for i, p := range panels {
		var targets []map[string]any
		for j, q := range p.queries {
			targets = append(targets, map[string]any{"refId": string(rune('A' + j)), "datasource": source, "expr": q.expression, "legendFormat": q.legend})
		}
		graphs = append(graphs, map[string]any{"id": i + 1, "type": "timeseries", "title": p.title, "datasource": source, "targets": targets,
			"gridPos":     map[string]int{"x": i % 2 * 12, "y": i / 2 * 8, "w": 12, "h": 8},
			"fieldConfig": map[string]any{"defaults": map[string]any{"unit": p.unit, "min": 0}, "overrides": []any{}}})
	}
	content, err := json.MarshalIndent(map[string]any{"title": "chatlog", "uid": "chatlog", "schemaVersion": 39, "tags": []string{"chatlog"}, "refresh": "10s",
		"time": map[string]string{"from": "now-1h", "to": "now"}, "panels": graphs,
		"templating": map[string]any{"list": []map[string]any{{"name": "datasource", "type": "datasource", "query": "prometheus"}}}}, "", "  ")
	return append(content, '\n'), err
}

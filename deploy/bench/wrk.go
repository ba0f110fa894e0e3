package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// load is what wrk sends: a request for each path, in turn by chance.
type load struct {
	base        string
	method      string
	paths       []string
	body        string
	connections int
}

// script makes wrk choose a path for every request, and print its figures as
// JSON.
const script = `
local paths = {%s}
wrk.method = "%s"
wrk.headers["Content-Type"] = "application/json"
%s
local seed = 1
function setup(thread) thread:set("seed", seed); seed = seed + 1 end
function init(args) math.randomseed(seed) end
function request() return wrk.format(nil, paths[math.random(#paths)]) end
function done(summary, latency, requests)
  io.write(string.format('\nJSON {"requests":%%d,"duration":%%d,"p50":%%d,"p99":%%d,"errors":%%d}\n', summary.requests, summary.duration,
    latency:percentile(50), latency:percentile(99), summary.errors.connect + summary.errors.read + summary.errors.write + summary.errors.status + summary.errors.timeout))
end
`

// wrk sends a load for a time.
func (l load) wrk(ctx context.Context, dir string, d time.Duration) (Sample, float64, error) {
	quoted := make([]string, len(l.paths))
	for i, p := range l.paths {
		quoted[i] = strconv.Quote(p)
	}
	body := ""
	if l.body != "" {
		body = "wrk.body = [[" + l.body + "]]"
	}
	file := filepath.Join(dir, "load.lua")
	if err := os.WriteFile(file, fmt.Appendf(nil, script, strings.Join(quoted, ","), l.method, body), 0o600); err != nil {
		return Sample{}, 0, err
	}
	out, err := exec.CommandContext(ctx, "wrk", "-t1", fmt.Sprint("-c", l.connections), fmt.Sprintf("-d%.0fs", d.Seconds()), "--timeout", "10s", "-s", file, l.base).CombinedOutput()
	if err != nil {
		return Sample{}, 0, fmt.Errorf("wrk: %w: %s", err, out)
	}
	_, text, found := strings.Cut(string(out), "\nJSON ")
	var r struct{ Requests, Duration, P50, P99, Errors int64 } // times in microseconds
	if err := json.Unmarshal([]byte(text), &r); !found || err != nil || r.Requests == 0 {
		return Sample{}, 0, fmt.Errorf("wrk says %q: %w", out, err)
	}
	return Sample{Rate: float64(r.Requests) / (float64(r.Duration) / 1e6), P50: time.Duration(r.P50) * time.Microsecond,
		P99: time.Duration(r.P99) * time.Microsecond, Errors: int(r.Errors)}, float64(r.Requests), nil
}

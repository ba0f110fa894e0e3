// Package telemetry is what a service tells about itself: logs, metrics and
// whether it is healthy.
package telemetry

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"chatlog/shared/version"
)

// LogConfig is the section `log`.
type LogConfig struct {
	Level  string `mapstructure:"level"`  // debug, info, warn or error
	Format string `mapstructure:"format"` // json or text
}

// DefaultLog gives the section's defaults.
func DefaultLog() LogConfig { return LogConfig{Level: "info", Format: "json"} }

// Validate checks the section.
func (c LogConfig) Validate() []error {
	var errs []error
	if err := new(slog.Level).UnmarshalText([]byte(c.Level)); err != nil {
		errs = append(errs, fmt.Errorf("level: %q is none of debug, info, warn, error", c.Level))
	}
	if c.Format != "json" && c.Format != "text" {
		errs = append(errs, fmt.Errorf("format: %q is neither json nor text", c.Format))
	}
	return errs
}

// NewLogger makes the program's logger. c must be valid.
func NewLogger(c LogConfig, out io.Writer) *slog.Logger {
	var level slog.Level
	if level.UnmarshalText([]byte(c.Level)) != nil {
		level = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: level}
	if c.Format == "text" {
		return slog.New(slog.NewTextHandler(out, options))
	}
	return slog.New(slog.NewJSONHandler(out, options))
}

// NewRegistry makes a registry with what the runtime and the process tell.
func NewRegistry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), collectors.NewBuildInfoCollector())
	build := version.Read()
	info := prometheus.NewGauge(prometheus.GaugeOpts{Name: "chatlog_build_info", Help: "1; its labels say what the program was built from.",
		ConstLabels: prometheus.Labels{"version": build.Version, "revision": build.Revision, "go_version": build.Go}})
	info.Set(1)
	r.MustRegister(info)
	return r
}

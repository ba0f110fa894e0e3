// Package sinkd is the sinks service: it keeps the views up to date with the log.
package sinkd

import (
	"errors"
	"fmt"
	"time"

	"chatlog/shared/httpserve"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/mysqlconn"
	"chatlog/shared/profile"
	"chatlog/shared/searchconn"
	"chatlog/shared/telemetry"
	"chatlog/shared/topic"
	"chatlog/shared/tracing"
)

// Config is the sections that the service reads.
type Config struct {
	Log           telemetry.LogConfig `mapstructure:"log"`
	Profile       profile.Config      `mapstructure:"profile"`
	Tracing       tracing.Config      `mapstructure:"tracing"`
	Kafka         kafkaconn.Config    `mapstructure:"kafka"`
	Topics        topic.Config        `mapstructure:"topics"`
	MySQL         mysqlconn.Config    `mapstructure:"mysql"`
	Elasticsearch searchconn.Config   `mapstructure:"elasticsearch"`
	Sinks         Section             `mapstructure:"sinks"`
}

// Section is the section `sinks`.
type Section struct {
	HTTP       httpserve.Config `mapstructure:",squash"` // for health and metrics
	FetchBytes int              `mapstructure:"fetch_bytes"`
	MySQL      ViewSection      `mapstructure:"mysql"`
	Search     ViewSection      `mapstructure:"search"`
}

// ViewSection is how one view is kept.
type ViewSection struct {
	Group        string `mapstructure:"group"`         // consumer group
	BatchRecords int    `mapstructure:"batch_records"` // most commands in one batch
	BatchBytes   int    `mapstructure:"batch_bytes"`   // most bytes of commands in one batch
	// Gather is how long commands may gather before the next batch, when the view has
	// all others and more than one came in the last time: what a busy view may be later
	// by, for batches that cost the store less.
	Gather time.Duration `mapstructure:"gather"`
}

// Default gives all defaults.
func Default() Config {
	return Config{Log: telemetry.DefaultLog(), Tracing: tracing.Default(), Kafka: kafkaconn.Default(), Topics: topic.Default(), MySQL: mysqlconn.Default(),
		Elasticsearch: searchconn.Default(), Sinks: DefaultSection()}
}

// DefaultSection gives the defaults of the section `sinks`.
func DefaultSection() Section {
	return Section{HTTP: httpserve.Default("127.0.0.1:8001"), FetchBytes: 2 << 20,
		MySQL:  ViewSection{Group: "chatlog-mysql", BatchRecords: 1000, BatchBytes: 8 << 20, Gather: 20 * time.Millisecond},
		Search: ViewSection{Group: "chatlog-search", BatchRecords: 1000, BatchBytes: 4 << 20, Gather: 100 * time.Millisecond}}
}

// mostGather is less than readers wait for a view.
const mostGather = time.Second

// Validate checks the section.
func (s Section) Validate() []error {
	errs := s.HTTP.Validate()
	if s.FetchBytes < 64<<10 {
		errs = append(errs, errors.New("fetch_bytes: must be at least 65536"))
	}
	for name, v := range map[string]ViewSection{"mysql": s.MySQL, "search": s.Search} {
		if v.Group == "" {
			errs = append(errs, fmt.Errorf("%s.group: must be given", name))
		}
		if v.BatchRecords < 1 || v.BatchBytes < 1 {
			errs = append(errs, fmt.Errorf("%s: batch_records and batch_bytes must be positive", name))
		}
		if v.Gather < 0 || v.Gather > mostGather {
			errs = append(errs, fmt.Errorf("%s.gather: must be within 0s and %s: readers with a Consistency-Token wait for it", name, mostGather))
		}
	}
	if s.MySQL.Group == s.Search.Group {
		errs = append(errs, errors.New("mysql.group and search.group: must differ, or each view misses what the other reads"))
	}
	return errs
}

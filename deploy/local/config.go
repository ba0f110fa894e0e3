package main

import (
	"errors"
	"fmt"

	"chatlog/ingest/ingestd"
	"chatlog/query/queryd"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/profile"
	"chatlog/shared/ratelimit"
	"chatlog/shared/redisconn"
	"chatlog/shared/relay"
	"chatlog/shared/telemetry"
	"chatlog/shared/topic"
	"chatlog/shared/tracing"
	"chatlog/sinks/sinkd"
)

// Config is the sections that the all-in-one reads. Where its parts are, it
// knows by itself.
type Config struct {
	Log     telemetry.LogConfig `mapstructure:"log"`
	Profile profile.Config      `mapstructure:"profile"`
	Tracing tracing.Config      `mapstructure:"tracing"`
	Kafka   kafkaconn.Config    `mapstructure:"kafka"`
	Topics  topic.Config        `mapstructure:"topics"`
	Redis   redisconn.Config    `mapstructure:"redis"`
	Limits  ratelimit.Config    `mapstructure:"limits"`
	Forward relay.Config        `mapstructure:"forward"`
	Ingest  ingestd.Section     `mapstructure:"ingest"`
	Sinks   sinkd.Section       `mapstructure:"sinks"`
	Query   queryd.Section      `mapstructure:"query"`
	Local   Section             `mapstructure:"local"`
}

// Section is the section `local`.
type Section struct {
	DataDir string `mapstructure:"data_dir"` // everything that is kept lies in it
	// MinFree is how many bytes of that folder's disk must be free for writes to
	// be taken; reads go on without.
	MinFree int64 `mapstructure:"min_free"`
}

// Default gives all defaults. Requests are not logged on the terminal.
func Default() Config {
	return Config{Log: telemetry.LogConfig{Level: "warn", Format: "text"}, Tracing: tracing.Default(), Kafka: kafkaconn.Default(), Topics: topic.Default(), Redis: redisconn.Default(), Limits: ratelimit.Default(),
		Forward: relay.Default(), Ingest: ingestd.DefaultSection(), Sinks: sinkd.DefaultSection(), Query: queryd.DefaultSection(), Local: Section{DataDir: "data", MinFree: 256 << 20}}
}

// Validate checks the section.
func (s Section) Validate() (errs []error) {
	if s.DataDir == "" {
		errs = append(errs, errors.New("data_dir: must be given"))
	}
	if s.MinFree < leastFree {
		errs = append(errs, fmt.Errorf("min_free: must be at least %d bytes", leastFree))
	}
	return errs
}

// leastFree is the least reserve, in bytes: the largest batch of the log, and
// what the views write when they take it in.
const leastFree = 8 << 20

// Package ingestd is the ingest service: it takes writes over HTTP and appends
// them, numbered, to the log.
package ingestd

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"time"

	"chatlog/shared/config"
	"chatlog/shared/httpserve"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/mysqlconn"
	"chatlog/shared/profile"
	"chatlog/shared/ratelimit"
	"chatlog/shared/redisconn"
	"chatlog/shared/relay"
	"chatlog/shared/telemetry"
	"chatlog/shared/topic"
	"chatlog/shared/tracing"
)

// Config is the sections that the service reads.
type Config struct {
	Log     telemetry.LogConfig `mapstructure:"log"`
	Profile profile.Config      `mapstructure:"profile"`
	Tracing tracing.Config      `mapstructure:"tracing"`
	Kafka   kafkaconn.Config    `mapstructure:"kafka"`
	Topics  topic.Config        `mapstructure:"topics"`
	MySQL   mysqlconn.Config    `mapstructure:"mysql"`
	Redis   redisconn.Config    `mapstructure:"redis"`
	Limits  ratelimit.Config    `mapstructure:"limits"`
	Forward relay.Config        `mapstructure:"forward"`
	Ingest  Section             `mapstructure:"ingest"`
}

// Section is the section `ingest`.
type Section struct {
	HTTP           httpserve.Config `mapstructure:",squash"`
	Advertise      string           `mapstructure:"advertise"`       // base URL under which others reach this instance; empty: listen, as http or https
	RequestTimeout time.Duration    `mapstructure:"request_timeout"` // until a write is answered with 503
	Queue          int              `mapstructure:"queue"`           // most writes that wait, per partition
	BatchRecords   int              `mapstructure:"batch_records"`   // most records in one produce request
	BatchBytes     int              `mapstructure:"batch_bytes"`     // most bytes in one produce request
	// TokenSecret is what tokens of applications made with an Idempotency-Key
	// are derived with, the same for every instance: a list with commas, the one
	// for new applications first. It is rotated by adding the new one behind on
	// all instances, then moving it to the front; an old one that is taken away
	// makes the retry of a request of its time a new application.
	TokenSecret config.Secret `mapstructure:"token_secret"`
	State       StateSection  `mapstructure:"state"`
	Imports     ImportSection `mapstructure:"imports"`
}

// ImportSection is how histories of other systems are brought in.
type ImportSection struct {
	Enabled  bool   `mapstructure:"enabled"`
	Group    string `mapstructure:"group"`     // consumer group that their offsets are committed for
	InFlight int    `mapstructure:"in_flight"` // most records on their way, per partition
	// BatchRecords is the most of them in one produce request: what a request of a
	// client may have to wait for.
	BatchRecords int `mapstructure:"batch_records"`
	// Ahead is the most records that MySQL may lack of the log for an import to be
	// appended: a reader with a Consistency-Token waits for them.
	Ahead int64 `mapstructure:"ahead"`
	// Rate is the most of them in a second, per partition, which leaves the machine
	// to requests; 0: as fast as MySQL keeps up.
	Rate int `mapstructure:"rate"`
}

// StateSection bounds what is kept in memory, per partition.
type StateSection struct {
	MaxChats    int `mapstructure:"max_chats"`    // applications, and chats, kept
	MaxMessages int `mapstructure:"max_messages"` // messages, and keyed commands, kept
	MaxUnsunk   int `mapstructure:"max_unsunk"`   // entries in all, when the MySQL view does not have them yet and none can be dropped; more: 503
}

// Default gives all defaults.
func Default() Config {
	return Config{Log: telemetry.DefaultLog(), Tracing: tracing.Default(), Kafka: kafkaconn.Default(), Topics: topic.Default(), MySQL: mysqlconn.Default(),
		Redis: redisconn.Default(), Limits: ratelimit.Default(), Forward: relay.Default(), Ingest: DefaultSection()}
}

// Validate checks what the sections say of one another.
func (c Config) Validate() []error {
	if c.Forward.Secret == "" && !httpserve.OnLoopback(c.Ingest.HTTP.Listen) {
		return []error{fmt.Errorf("forward.secret: must be given when ingest.listen is %q: whoever reaches that address could pretend to be another instance", c.Ingest.HTTP.Listen)}
	}
	return nil
}

// DefaultSection gives the defaults of the section `ingest`.
func DefaultSection() Section {
	return Section{HTTP: httpserve.Default("127.0.0.1:8000"), RequestTimeout: 5 * time.Second, Queue: 4096, BatchRecords: 500, BatchBytes: 900 << 10,
		State:   StateSection{MaxChats: 100_000, MaxMessages: 20_000, MaxUnsunk: 500_000},
		Imports: ImportSection{Enabled: true, Group: "chatlog-imports", InFlight: 1000, BatchRecords: 100, Ahead: 2000}}
}

// minSecret is the least length of a token secret, in characters.
const minSecret = 32

// Validate checks the section.
func (s Section) Validate() []error {
	errs := s.HTTP.Validate()
	for _, secret := range s.TokenSecret.List() {
		if len(secret) < minSecret {
			errs = append(errs, fmt.Errorf("token_secret: must have at least %d characters each", minSecret))
			break
		}
	}
	if s.Advertise != "" {
		if u, err := url.Parse(s.Advertise); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
			errs = append(errs, fmt.Errorf("advertise: %q is not a base URL", s.Advertise))
		} else if u.Scheme == "http" && s.HTTP.TLS.Enabled() {
			errs = append(errs, errors.New("advertise: must be https when the listener has a certificate"))
		}
	}
	if host, _, err := net.SplitHostPort(s.HTTP.Listen); err == nil && s.Advertise == "" && (host == "" || net.ParseIP(host).IsUnspecified()) {
		errs = append(errs, fmt.Errorf("advertise: must be given when listen is %q: others cannot reach that address", s.HTTP.Listen))
	}
	if s.RequestTimeout <= 0 || s.RequestTimeout >= s.HTTP.ReplyTimeout {
		errs = append(errs, errors.New("request_timeout: must be positive and shorter than reply_timeout"))
	}
	if s.Queue < 1 || s.BatchRecords < 1 {
		errs = append(errs, errors.New("queue and batch_records: must be positive"))
	}
	if s.BatchBytes < 1<<10 {
		errs = append(errs, errors.New("batch_bytes: must be at least 1024"))
	}
	if least := 2*(s.State.MaxChats+s.State.MaxMessages) + 10*s.BatchRecords; s.State.MaxChats < 1 || s.State.MaxMessages < 1 || s.State.MaxUnsunk < least {
		errs = append(errs, fmt.Errorf("state: max_chats and max_messages must be positive, max_unsunk at least %d: twice their sum, and room for ten batches", least))
	}
	if i := s.Imports; i.Group == "" || i.InFlight < 1 || i.BatchRecords < 1 || i.Ahead < 1 || i.Rate < 0 {
		errs = append(errs, errors.New("imports: group must be given, in_flight, batch_records and ahead must be positive, rate not negative"))
	}
	return errs
}

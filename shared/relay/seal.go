package relay

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"chatlog/shared/config"
	"chatlog/shared/fault"
	"chatlog/shared/httpserve"
	"chatlog/shared/tlsconf"
)

// Config is the section `forward`: how instances pass requests on to one another.
type Config struct {
	// Secret is what instances know one another by, the same for every ingest and
	// query: a list with commas, the one to seal with first. It is rotated by
	// adding the new one behind on all instances, then moving it to the front, then
	// taking the old one away. Without it only what comes from this machine is
	// believed to have been passed on.
	Secret config.Secret  `mapstructure:"secret"`
	Skew   time.Duration  `mapstructure:"skew"` // how far the clocks of two instances may be apart
	TLS    tlsconf.Client `mapstructure:"tls"`  // over https only, and whom to trust
}

// Default gives the section's defaults.
func Default() Config { return Config{Skew: time.Minute} }

// minSecret is the least length of a secret, in characters.
const minSecret = 32

// Validate checks the section.
func (c Config) Validate() []error {
	errs := c.TLS.Validate()
	for _, secret := range c.Secret.List() {
		if len(secret) < minSecret {
			errs = append(errs, fmt.Errorf("secret: must have at least %d characters each", minSecret))
			break
		}
	}
	if c.Skew < time.Second || c.Skew > time.Hour {
		errs = append(errs, errors.New("skew: must be within 1s and 1h"))
	}
	return errs
}

// HeaderSeal is the header that proves that a request was passed on by an
// instance: the time in milliseconds since 1970, a point, and the HMAC in hex.
const HeaderSeal = "X-Chatlog-Seal"

// sealed are the headers that only an instance may send. A new one belongs here.
var sealed = []string{Guard, Instance}

// Seal tells requests that instances pass on from those of clients who pretend
// to be one. It covers the method, the path, the headers above and the time. The
// body and the key are a client's own: whoever can alter them on the way can do
// so with any client's request, and only TLS helps.
type Seal struct {
	secrets [][]byte
	skew    time.Duration
	now     func() time.Time
	count   func(reason string)
}

// NewSeal makes a seal. count is told why a request was refused.
func NewSeal(cfg Config, now func() time.Time, count func(reason string)) *Seal {
	s := &Seal{skew: cfg.Skew, now: now, count: count}
	for _, secret := range cfg.Secret.List() {
		s.secrets = append(s.secrets, []byte(secret))
	}
	return s
}

// Refusals counts requests that only pretended to be passed on.
func Refusals(r prometheus.Registerer) func(reason string) {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "chatlog_forward_refused_total",
		Help: "Requests refused because they say that an instance has passed them on and do not prove it: unsealed, malformed, stale, forged."}, []string{"reason"})
	r.MustRegister(c)
	return func(reason string) { c.WithLabelValues(reason).Inc() }
}

// put seals a request that is about to be sent.
func (s *Seal) put(r *http.Request) {
	if len(s.secrets) == 0 {
		return
	}
	at := strconv.FormatInt(s.now().UnixMilli(), 10)
	r.Header.Set(HeaderSeal, at+"."+hex.EncodeToString(s.sum(s.secrets[0], r, r.URL.EscapedPath(), at)))
}

// sum is the HMAC. Every field has its length before it, so that no two requests
// are the same bytes.
func (s *Seal) sum(secret []byte, r *http.Request, path, at string) []byte {
	h := hmac.New(sha256.New, secret)
	write := func(field string) {
		h.Write(binary.BigEndian.AppendUint32(nil, uint32(len(field))))
		h.Write([]byte(field))
	}
	write("chatlog forward 1")
	write(r.Method)
	write(strings.TrimRight(path, "/")) // the router drops a trailing slash
	write(at)
	for _, name := range sealed {
		values := r.Header.Values(name)
		write(strconv.Itoa(len(values)))
		for _, value := range values {
			write(value)
		}
	}
	return h.Sum(nil)
}

// errNotOurs is what a forged request and one of an instance with a wrong secret
// or clock get alike. It is a 503: to a client whose write one of our own
// instances could not pass on, repeating it is right.
const errNotOurs = "Forwarded request is not authenticated, nothing was written"

// Admit lets clients' requests through, and of those that say that they were
// passed on the ones that prove it. They are refused rather than taken for a
// client's: two instances that do not believe each other would pass a write
// to and fro for ever. Its path must be as it was escaped.
func (s *Seal) Admit(w http.ResponseWriter, r *http.Request) error {
	claims := false
	for _, name := range sealed {
		claims = claims || len(r.Header.Values(name)) > 0
	}
	if !claims {
		return nil
	}
	if reason := s.judge(r); reason != "" {
		s.count(reason)
		w.Header().Set(Unwritten, "1")
		return fault.Wrap(fault.Transient, errNotOurs, fmt.Errorf("its seal is %s, it says to come from %.40q", reason, r.Header.Get(Guard)))
	}
	return nil
}

// judge tells what is wrong with a seal; empty: nothing.
func (s *Seal) judge(r *http.Request) string {
	if len(s.secrets) == 0 {
		if httpserve.OnLoopback(r.RemoteAddr) {
			return ""
		}
		return "unsealed"
	}
	header := r.Header.Get(HeaderSeal)
	if header == "" {
		return "unsealed"
	}
	at, sum, _ := strings.Cut(header, ".")
	millis, errAt := strconv.ParseInt(at, 10, 64)
	given, errSum := hex.DecodeString(sum)
	if errAt != nil || errSum != nil || len(given) != sha256.Size {
		return "malformed"
	}
	ours := false
	for _, secret := range s.secrets {
		ours = ours || hmac.Equal(given, s.sum(secret, r, r.URL.Path, at))
	}
	if !ours {
		return "forged"
	}
	if off := s.now().Sub(time.UnixMilli(millis)); off > s.skew || off < -s.skew {
		return "stale"
	}
	return ""
}

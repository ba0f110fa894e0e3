package fault

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestWhatAnErrorBecomes(t *testing.T) {
	cause := errors.New("dial tcp 10.0.0.7:3306: SELECT secret")
	outer := Wrap(Transient, "MySQL is down", cause)
	for _, c := range []struct {
		name   string
		err    error
		kind   Kind
		public string
		retry  time.Duration
	}{
		{"a kind of its own", New(NotFound, "Chat not found"), NotFound, "Chat not found", 0},
		{"with a cause", outer, Transient, "MySQL is down", DefaultRetryAfter},
		{"wrapped by fmt", fmt.Errorf("load chat 5: %w", outer), Transient, "MySQL is down", DefaultRetryAfter},
		{"joined", errors.Join(errors.New("x"), New(Conflict, "Key used")), Conflict, "Key used", 0},
		{"the outermost decides", Wrap(Terminal, "Log was cut", outer), Terminal, "Log was cut", 0},
		{"over a context's end too", Wrap(Invalid, "Bad", context.Canceled), Invalid, "Bad", 0},
		{"limited", New(Limited, "Slow down"), Limited, "Slow down", DefaultRetryAfter},
		{"its own wait", &Error{Kind: Limited, Public: "Slow down", RetryAfter: 7 * time.Second}, Limited, "Slow down", 7 * time.Second},
		{"cancelled", fmt.Errorf("read: %w", context.Canceled), Transient, "Temporarily unavailable", DefaultRetryAfter},
		{"out of time", context.DeadlineExceeded, Transient, "Temporarily unavailable", DefaultRetryAfter},
		{"unknown", cause, Terminal, "Internal error", 0},
		{"without public text", Wrap(Transient, "", cause), Transient, "Temporarily unavailable", DefaultRetryAfter},
		{"without a kind", &Error{Public: "Odd"}, Terminal, "Odd", 0},
		{"of a kind that is none", &Error{Kind: 99, Public: "Odd"}, Terminal, "Odd", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := KindOf(c.err); got != c.kind {
				t.Errorf("kind %v, want %v", got, c.kind)
			}
			if got := PublicOf(c.err); got != c.public {
				t.Errorf("public %q, want %q", got, c.public)
			}
			if got := RetryAfterOf(c.err); got != c.retry {
				t.Errorf("retry after %v, want %v", got, c.retry)
			}
			for k := Invalid; k <= Terminal; k++ {
				if Is(c.err, k) != (k == c.kind) {
					t.Errorf("Is(%v) is %v", k, Is(c.err, k))
				}
			}
		})
	}
}

func TestNoErrorIsOfNoKind(t *testing.T) {
	for k := Invalid; k <= Terminal; k++ {
		if Is(nil, k) {
			t.Errorf("nil is %v", k)
		}
	}
}

func TestTheCauseIsForTheLogOnly(t *testing.T) {
	cause := errors.New("dial tcp 10.0.0.7:3306")
	err := Wrap(Transient, "MySQL is down", cause)
	if got := err.Error(); got != "MySQL is down: dial tcp 10.0.0.7:3306" {
		t.Errorf("for the log: %q", got)
	}
	if strings.Contains(PublicOf(err), "10.0.0.7") {
		t.Errorf("the public text tells an address: %q", PublicOf(err))
	}
	if !errors.Is(err, cause) {
		t.Error("the cause is lost")
	}
	if got := New(Invalid, "Bad").Error(); got != "Bad" {
		t.Errorf("without a cause: %q", got)
	}
}

func TestEveryKindHasAName(t *testing.T) {
	seen := map[string]Kind{}
	for k := Invalid; k <= Terminal; k++ {
		name := k.String()
		if before, twice := seen[name]; twice || name == "" || name == "unknown" {
			t.Errorf("kind %d is called %q, as is %d", k, name, before)
		}
		seen[name] = k
	}
	for _, k := range []Kind{0, 99} {
		if got := k.String(); got != "unknown" {
			t.Errorf("kind %d is called %q", k, got)
		}
	}
}

// Package fault is the small closed set of kinds of error that chatlog knows.
// The adapter next to a store or a client decides the kind; HTTP maps it to a
// status in one place; nobody else looks at what is inside.
package fault

import (
	"context"
	"errors"
	"time"
)

// Kind says what can be done about an error.
type Kind uint8

// The kinds, with the HTTP status that each becomes.
const (
	Invalid     Kind = iota + 1 // 400: the request can never be served
	TooLarge                    // 413
	Unsupported                 // 415: not JSON
	NotFound                    // 404
	Conflict                    // 422: a key used again with another body
	Limited                     // 429: over the rate limit
	Transient                   // 503 with Retry-After: try again later
	Terminal                    // 500: a defect, or a state that needs an operator
)

var names = [...]string{"", "invalid", "too_large", "unsupported", "not_found", "conflict", "limited", "transient", "terminal"}

// String gives the kind's name as metrics and logs show it.
func (k Kind) String() string {
	if k >= Invalid && k <= Terminal {
		return names[k]
	}
	return "unknown"
}

// Error is an error of a kind. Public is all that a client may see of it; Err,
// which may hold addresses, SQL and the like, is for the log.
type Error struct {
	Kind       Kind
	Public     string
	RetryAfter time.Duration // zero: the default of its kind
	Err        error
}

// Error gives the public text and the cause, for logs.
func (e *Error) Error() string {
	if e.Err == nil {
		return e.Public
	}
	return e.Public + ": " + e.Err.Error()
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// New makes an error without a cause.
func New(kind Kind, public string) *Error { return &Error{Kind: kind, Public: public} }

// Wrap gives err a kind and a public text. err must not be nil.
func Wrap(kind Kind, public string, err error) *Error {
	return &Error{Kind: kind, Public: public, Err: err}
}

// KindOf gives the kind of the outermost Error in err's chain. A context that
// ended is Transient; anything without a kind is Terminal, because nobody has
// decided that trying again is right.
func KindOf(err error) Kind {
	var e *Error
	switch {
	case errors.As(err, &e) && e.Kind >= Invalid && e.Kind <= Terminal:
		return e.Kind
	case e != nil: // of no kind that we know
		return Terminal
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return Transient
	}
	return Terminal
}

// Is reports whether err is an error of the kind.
func Is(err error, kind Kind) bool { return err != nil && KindOf(err) == kind }

// PublicOf gives what a client may see of err.
func PublicOf(err error) string {
	var e *Error
	if errors.As(err, &e) && e.Public != "" {
		return e.Public
	}
	if KindOf(err) == Transient {
		return "Temporarily unavailable"
	}
	return "Internal error"
}

// DefaultRetryAfter is what Transient and Limited errors tell a client to wait
// when they do not say otherwise.
const DefaultRetryAfter = time.Second

// RetryAfterOf gives how long a client should wait before it tries again; zero
// when trying again is no use.
func RetryAfterOf(err error) time.Duration {
	var e *Error
	if errors.As(err, &e) && e.RetryAfter > 0 {
		return e.RetryAfter
	}
	switch KindOf(err) {
	case Transient, Limited:
		return DefaultRetryAfter
	}
	return 0
}

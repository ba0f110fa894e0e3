package httpapi

import (
	"net/http"
	"net/url"
	"time"

	"chatlog/shared/fault"
)

// times are when a message was created and last edited, as ?detail=true adds
// them; without it they are empty and leave the reply as it is.
type times struct {
	Created string `json:"created,omitempty"`
	Edited  string `json:"edited,omitempty"` // empty: never
}

// micros is RFC 3339 with as many digits as are kept.
const micros = "2006-01-02T15:04:05.000000Z07:00"

func timesOf(detail bool, created, edited time.Time) (t times) {
	if !detail {
		return t
	}
	t.Created = created.UTC().Format(micros)
	if !edited.IsZero() {
		t.Edited = edited.UTC().Format(micros)
	}
	return t
}

var errDetail = fault.New(fault.Invalid, "detail must be true or false")

// detailed reports whether the times are wanted.
func detailed(r *http.Request) (bool, error) { return flag(r.URL.Query(), "detail", errDetail) }

// flag reads a parameter that is true or false; missing is false.
func flag(query url.Values, name string, wrong *fault.Error) (bool, error) {
	switch query.Get(name) {
	case "", "false":
		return false, nil
	case "true":
		return true, nil
	}
	return false, wrong
}

package deadletter

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// State is what has become of a letter.
type State string

// The states. A letter that is not Open is settled.
const (
	Open    State = "open"
	Retried State = "retried" // its record was taken after all, or handed to imports
	Dropped State = "dropped" // somebody has decided against it
)

// Settlement says that a letter needs nobody any more. It lies in the letters' own
// topic, behind its letter and under the same key, as JSON; no letter is ever removed.
type Settlement struct {
	Letter string `json:"letter"` // its name
	State  State  `json:"state"`  // Retried or Dropped
	Time   string `json:"time"`   // RFC 3339 in UTC
	Why    string `json:"why"`    // for people: the operator's reason, or what the retry came to
	By     string `json:"by,omitempty"`
}

// decodeSettlement reads a settlement strictly.
func decodeSettlement(key, value []byte) (s Settlement, err error) {
	if err := strictly(value, &s); err != nil {
		return s, err
	}
	switch _, bad := time.Parse(time.RFC3339Nano, s.Time); {
	case s.State != Retried && s.State != Dropped:
		return s, fmt.Errorf("a settlement's state is retried or dropped, not %.40q", s.State)
	case s.Why == "":
		return s, errors.New("a settlement says why")
	case bad != nil:
		return s, errors.New("time is not RFC 3339: " + strconv.Quote(s.Time))
	case string(key) != s.Letter:
		return s, fmt.Errorf("the key is %.80q, the settlement is of %.80q", key, s.Letter)
	}
	return s, nil
}

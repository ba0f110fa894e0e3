//go:build skewedclock

package clock

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"
)

func TestSkew(t *testing.T) {
	for text, skew := range map[string]time.Duration{"": 0, "0": 0, "1h": time.Hour, "-1h": -time.Hour, "90m": 90 * time.Minute} {
		before := time.Now().Add(skew)
		told, err := tell(t, text)
		if err != nil || told.Before(before) || told.After(time.Now().Add(skew)) {
			t.Errorf("with %q it says %s (%v), which must be after %s", text, told, err, before)
		}
	}
}

func TestAWrongValueEndsTheProgram(t *testing.T) {
	for _, text := range []string{"an hour", "1", "1h ", "--1h", "300000000h"} {
		_, err := tell(t, text)
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != wrongConfiguration || !strings.Contains(string(exit.Stderr), variable) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// Differences must not see the skew, or the computer's clock being set.
func TestTheMonotonicReadingIsKept(t *testing.T) {
	if !strings.Contains(Now().String(), " m=") {
		t.Error("it is lost: ", Now())
	}
}

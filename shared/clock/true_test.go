//go:build !skewedclock

package clock

import (
	"os"
	"strings"
	"testing"
	"time"
)

// An ordinary build has no ears for the variable, not even for a wrong value.
func TestTheVariableDoesNothing(t *testing.T) {
	for _, skew := range []string{"", "1h", "-1h", "nonsense"} {
		before := time.Now()
		told, err := tell(t, skew)
		if err != nil || told.Before(before) || told.After(time.Now()) {
			t.Errorf("with %q it says %s (%v), which must be after %s", skew, told, err, before)
		}
	}
}

// The words of skewed.go must not be in the program; put together at run time,
// they are not in it because of this test either.
func TestNothingOfItIsLinkedIn(t *testing.T) {
	content, err := os.ReadFile(os.Args[0])
	if err != nil {
		t.Fatal(err)
	}
	if words := strings.Join([]string{"is not a duration", "such as 1h"}, " "); strings.Contains(string(content), words) {
		t.Error("an ordinary build knows of the skew")
	}
}

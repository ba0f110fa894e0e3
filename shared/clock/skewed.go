//go:build skewedclock

package clock

import (
	"fmt"
	"os"
	"time"
)

// variable says how far this process's clock is ahead, negative: behind. It
// begins with CHATLOG_TEST_, which the configuration leaves alone.
const variable = "CHATLOG_TEST_CLOCK_SKEW"

// wrongConfiguration is the exit code that all programs have for it.
const wrongConfiguration = 2

// skew is read before main begins, and never again: a clock that jumps while
// its process runs is another fault than one that is wrong.
var skew = fromEnvironment()

func fromEnvironment() time.Duration {
	d, err := parse(os.Getenv(variable))
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(wrongConfiguration)
	}
	return d
}

// parse reads the variable; empty is no skew.
func parse(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		return 0, fmt.Errorf("%s: %q is not a duration such as 1h or -90m", variable, text)
	}
	return d, nil
}

func present() time.Time { return time.Now().Add(skew) }

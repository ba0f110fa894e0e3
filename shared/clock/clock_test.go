package clock

import (
	"os"
	"os/exec"
	"testing"
	"time"
)

// TestMain lets the test binary be run as a program that tells its time.
func TestMain(m *testing.M) {
	if os.Getenv("TELL_TIME") != "" {
		os.Stdout.WriteString(Now().UTC().Format(time.RFC3339Nano))
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// tell runs this test as a program with a skew.
func tell(t *testing.T, skew string) (told time.Time, err error) {
	t.Helper()
	c := exec.CommandContext(t.Context(), os.Args[0])
	c.Env = append(os.Environ(), "TELL_TIME=1", "CHATLOG_TEST_CLOCK_SKEW="+skew)
	out, err := c.Output()
	if err != nil {
		return told, err
	}
	return time.Parse(time.RFC3339Nano, string(out))
}

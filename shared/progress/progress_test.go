package progress

import (
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// pass passes 400 records in four steps of four seconds each.
func pass(bar bool) (result, told string) {
	now := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	var out, to strings.Builder
	p := &Progress{to: &to, bar: bar, unit: "records", now: func() time.Time { return now }}
	for done := int64(100); done <= 400; done += 100 {
		p.Passed("b", done, 400)
		p.Passed("b", done+1, 400) // too soon to be told
		now = now.Add(4 * time.Second)
	}
	p.Tell(&out, "done in %d steps", 4)
	p.Passed("c", 7, 0)
	p.End()
	p.End()
	return out.String(), to.String()
}

func TestLines(t *testing.T) {
	result, told := pass(false)
	if result != "done in 4 steps\n" || told != "b: 400 of 400 records, 25/s\n" {
		t.Errorf("result %q, told %q", result, told)
	}
}

func TestBar(t *testing.T) {
	result, told := pass(true)
	const half = "\r[###############               ]  50% b: 200 of 400 records, 25/s, 8s to go\x1b[K"
	if result != "done in 4 steps\n" || strings.Count(told, "\r") != 5 || strings.Count(told, "\n") != 2 || !strings.Contains(told, half) ||
		!strings.HasSuffix(told, "\n\rc: 7 records, 0/s\x1b[K\n") {
		t.Errorf("result %q, told %q", result, told)
	}
}

// A share beyond the whole, as of a log that grows meanwhile, is a whole bar.
func TestBarNeverRunsOver(t *testing.T) {
	var to strings.Builder
	p := &Progress{to: &to, bar: true, unit: "records", now: time.Now}
	p.Passed("b", 500, 400)
	if want := "[" + strings.Repeat("#", barWidth) + "] 100%"; !strings.Contains(to.String(), want) {
		t.Errorf("%q", to.String())
	}
}

func TestWhoLooks(t *testing.T) {
	null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0) // a device, and no terminal
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	none := func(string) string { return "" }
	if terminal(null, none) || terminal(&strings.Builder{}, none) {
		t.Error("nobody looks there")
	}
	tty := pseudoTerminal(t)
	if !terminal(tty, none) {
		t.Error("somebody looks there")
	}
	for name, value := range map[string]string{"NO_COLOR": "1", "TERM": "dumb"} {
		if terminal(tty, func(asked string) string {
			if asked == name {
				return value
			}
			return ""
		}) {
			t.Errorf("%s=%s asks for lines", name, value)
		}
	}
}

// pseudoTerminal gives a terminal that nobody holds the other end of but the kernel.
func pseudoTerminal(t *testing.T) *os.File {
	t.Helper()
	f, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip("no pseudo-terminals here: ", err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func TestManyTellAtOnce(t *testing.T) {
	p := New(io.Discard, "calls")
	p.bar = true
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for i := range int64(200) {
				p.Passed("a", i, 200)
				p.Tell(io.Discard, "line")
			}
		})
	}
	group.Wait()
	p.End()
	var nobody *Progress
	nobody.Passed("a", 1, 2)
	nobody.End()
}

package sinkd

import (
	"fmt"
	"io"
	"strings"
	"time"
)

// progress tells people how far something is: by a bar on a terminal, else by a
// line from time to time.
type progress struct {
	out, bar io.Writer // bar is nil when nobody looks
	name     string    // of what is passed
	began    time.Time
	from     int64 // how far it was when it began
	told     time.Time
	drawn    bool // there is a bar in the line
	now      func() time.Time
}

// lineEvery is how often a line is written where there is no bar.
const lineEvery = 10 * time.Second

// barWidth is how many marks make a whole bar.
const barWidth = 30

func newProgress(out, bar io.Writer) *progress { return &progress{out: out, bar: bar, now: time.Now} }

// passed hears how many of all records something has.
func (p *progress) passed(name string, done, all int64) {
	now := p.now()
	if name != p.name {
		p.name, p.began, p.from, p.told = name, now, done, now
	}
	rate := 0.0
	if took := now.Sub(p.began).Seconds(); took > 0 {
		rate = max(0, float64(done-p.from)/took)
	}
	share := 1.0
	if all > 0 {
		share = float64(done) / float64(all)
	}
	text := fmt.Sprintf("%s: %d of %d records, %.0f/s", name, done, all, rate)
	switch {
	case p.bar != nil:
		marks := int(share * barWidth)
		fmt.Fprintf(p.bar, "\r[%s%s] %3.0f%% %s   ", strings.Repeat("#", marks), strings.Repeat(" ", barWidth-marks), 100*share, text)
		p.drawn = true
	case now.Sub(p.told) >= lineEvery:
		fmt.Fprintln(p.out, text)
		p.told = now
	}
}

// tell writes a line, below the bar if there is one.
func (p *progress) tell(format string, args ...any) {
	p.end()
	fmt.Fprintf(p.out, format+"\n", args...)
}

// end ends the bar's line.
func (p *progress) end() {
	if p.drawn {
		fmt.Fprintln(p.bar)
		p.drawn = false
	}
}

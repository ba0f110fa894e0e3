// Package progress tells people how far something long is: by a bar on a
// terminal, else by a line from time to time.
package progress

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/mattn/go-isatty"
)

// Progress is what is told of one run. Its methods may be called by anybody at
// any time; a nil one tells nothing.
type Progress struct {
	to   io.Writer
	bar  bool
	unit string // of what is counted, such as "records"
	now  func() time.Time

	mutex sync.Mutex
	name  string    // of what is passed
	began time.Time // with it
	from  int64     // how far it was when it began
	told  time.Time // when a bar was drawn or a line written
	drawn bool      // there is a bar in the line
}

const (
	lineEvery = 10 * time.Second       // between two lines where there is no bar
	barEvery  = 100 * time.Millisecond // between two drawings of a bar
	barWidth  = 30                     // how many marks make a whole one
)

// New makes a progress that is told to a stream, usually the standard error, so
// that it never mixes with a result; unit is what is counted, such as "records".
func New(to io.Writer, unit string) *Progress {
	return &Progress{to: to, bar: terminal(to, os.Getenv), unit: unit, now: time.Now}
}

// terminal says whether somebody looks at a stream who can be shown a bar. NO_COLOR
// (no-color.org) and TERM=dumb ask for plain text.
func terminal(to io.Writer, env func(string) string) bool {
	f, ok := to.(*os.File)
	return ok && isatty.IsTerminal(f.Fd()) && env("NO_COLOR") == "" && env("TERM") != "dumb"
}

// Passed hears how many of all there are something has; all is 0 while nobody
// knows.
func (p *Progress) Passed(name string, done, all int64) {
	if p == nil {
		return
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	now := p.now()
	if name != p.name {
		p.end()
		p.name, p.began, p.from, p.told = name, now, done, now
	} else if since := now.Sub(p.told); p.bar && since < barEvery && done != all || !p.bar && since < lineEvery {
		return
	}
	text := p.text(done, all, now)
	switch {
	case p.bar && all > 0:
		share := min(1, max(0, float64(done)/float64(all)))
		marks := int(share * barWidth)
		fmt.Fprintf(p.to, "\r[%s%s] %3.0f%% %s\x1b[K", strings.Repeat("#", marks), strings.Repeat(" ", barWidth-marks), 100*share, text)
		p.drawn = true
	case p.bar:
		fmt.Fprintf(p.to, "\r%s\x1b[K", text)
		p.drawn = true
	case now.Sub(p.told) >= lineEvery:
		fmt.Fprintln(p.to, text)
	default:
		return
	}
	p.told = now
}

func (p *Progress) text(done, all int64, now time.Time) string {
	rate := 0.0
	if took := now.Sub(p.began).Seconds(); took > 0 {
		rate = max(0, float64(done-p.from)/took)
	}
	if all <= 0 {
		return fmt.Sprintf("%s: %d %s, %.0f/s", p.name, done, p.unit, rate)
	}
	left := ""
	if rate > 0 && done < all {
		left = ", " + (time.Duration(float64(all-done)/rate) * time.Second).String() + " to go"
	}
	return fmt.Sprintf("%s: %d of %d %s, %.0f/s%s", p.name, done, all, p.unit, rate, left)
}

// Tell writes a line of a result to out, not into the bar.
func (p *Progress) Tell(out io.Writer, format string, args ...any) {
	if p != nil {
		p.mutex.Lock()
		defer p.mutex.Unlock()
		p.end()
	}
	fmt.Fprintf(out, format+"\n", args...)
}

// End ends the bar's line. What comes after begins anew.
func (p *Progress) End() {
	if p == nil {
		return
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.end()
	p.name = ""
}

func (p *Progress) end() {
	if p.drawn {
		fmt.Fprintln(p.to)
		p.drawn = false
	}
}

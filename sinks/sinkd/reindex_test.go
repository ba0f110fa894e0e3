package sinkd

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestParseReindex(t *testing.T) {
	for _, c := range []struct {
		args, rest string
		dry, drop  bool
		seed       int32 // -1: any
		bad        bool
	}{
		{"", "", false, false, -1, false},
		{"--dry-run", "", true, false, -1, false},
		{"-drop-old --config=x", "--config=x", false, true, -1, false},
		{"--seed=7 --dry-run", "", true, false, 7, false},
		{"dry-run", "dry-run", false, false, -1, false}, // refused where flags are read
		{"--dry-run=no", "--dry-run=no", false, false, -1, false},
		{"--seed=x", "", false, false, -1, true},
		{"--seed=-1", "", false, false, -1, true},
		{"--seed=99999999999", "", false, false, -1, true},
		{"--dry-run --drop-old", "", true, true, -1, true},
	} {
		o, rest, err := ParseReindex(strings.Fields(c.args))
		if c.bad != (err != nil) {
			t.Errorf("%q: %v", c.args, err)
		}
		if c.bad {
			continue
		}
		if o.Dry != c.dry || o.DropOld != c.drop || c.seed >= 0 && o.Seed != c.seed || o.Seed < 0 || !slices.Equal(rest, strings.Fields(c.rest)) {
			t.Errorf("%q: %+v, left %q", c.args, o, rest)
		}
	}
}

func TestProgress(t *testing.T) {
	now := time.Date(2026, 11, 24, 0, 0, 0, 0, time.UTC)
	var out, bar strings.Builder
	pass := func(p *progress) {
		p.now = func() time.Time { return now }
		for done := int64(100); done <= 400; done += 100 {
			p.passed("b", done, 400)
			now = now.Add(4 * time.Second)
		}
		p.tell("done in %d steps", 4)
		p.passed("b", 0, 0) // of an empty log
		p.end()
		p.end()
	}
	pass(newProgress(&out, nil))
	if want := "b: 400 of 400 records, 25/s\ndone in 4 steps\n"; out.String() != want {
		t.Errorf("lines %q, want %q", out.String(), want)
	}
	out.Reset()
	pass(newProgress(&out, &bar))
	if out.String() != "done in 4 steps\n" || strings.Count(bar.String(), "\r[") != 5 || strings.Count(bar.String(), "\n") != 2 ||
		!strings.Contains(bar.String(), "\r[###############               ]  50% b: 200 of 400 records, 25/s") {
		t.Errorf("lines %q, bar %q", out.String(), bar.String())
	}
}

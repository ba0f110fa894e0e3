package sinkd

import (
	"flag"
	"io"
	"strings"
	"testing"
)

func TestReindexFlags(t *testing.T) {
	for _, c := range []struct {
		args      string
		dry, drop bool
		seed      int32 // -1: any
		bad       bool
	}{
		{"", false, false, -1, false},
		{"--dry-run", true, false, -1, false},
		{"-drop-old", false, true, -1, false},
		{"--seed=7 --dry-run", true, false, 7, false},
		{"--seed 7", false, false, 7, false},
		{"--seed=x", false, false, -1, true},
		{"--seed=-1", false, false, -1, true},
		{"--seed=99999999999", false, false, -1, true},
		{"--dry-run --drop-old", true, true, -1, true},
	} {
		var o ReindexOptions
		f := flag.NewFlagSet("", flag.ContinueOnError)
		f.SetOutput(io.Discard)
		o.Flags(f)
		err := f.Parse(strings.Fields(c.args))
		if err == nil {
			err = o.Check()
		}
		if c.bad != (err != nil) {
			t.Errorf("%q: %v", c.args, err)
		}
		if !c.bad && (o.Dry != c.dry || o.DropOld != c.drop || c.seed >= 0 && o.Seed != c.seed || o.Seed < 0) {
			t.Errorf("%q: %+v", c.args, o)
		}
	}
}

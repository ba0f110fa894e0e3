package reindex

import (
	"fmt"
	"testing"
	"time"

	"chatlog/shared/searchview/elastic"
	"chatlog/shared/view"
)

func TestPlan(t *testing.T) {
	for name, c := range map[string]struct {
		f     elastic.Family
		fresh bool
		bad   bool
	}{
		"nothing is searched":    {elastic.Family{Free: "c"}, false, true},
		"the first time":         {elastic.Family{Current: "a", Free: "b"}, true, false},
		"broken off":             {elastic.Family{Current: "a", Next: "b"}, false, false},
		"by another version":     {elastic.Family{Current: "a", Next: "b", Foreign: true}, false, true},
		"one is kept":            {elastic.Family{Current: "b", Kept: "a"}, false, true},
		"one is kept, and built": {elastic.Family{Current: "b", Kept: "a", Next: "c"}, false, true},
		"the kept one is back":   {elastic.Family{Current: "a", Kept: "a"}, false, true},
		"its place is empty":     {elastic.Family{Next: "b"}, false, true},
	} {
		fresh, err := plan(c.f)
		if c.bad != (err != nil) || fresh != c.fresh {
			t.Errorf("%s: %v, %v", name, fresh, err)
		}
	}
}

func at(next ...int64) map[int32]view.Progress {
	all := map[int32]view.Progress{}
	for p, n := range next {
		if n >= 0 { // else it has none
			all[int32(p)] = view.Progress{Partition: int32(p), Next: n}
		}
	}
	return all
}

func ends(next ...int64) map[int32]int64 {
	all := map[int32]int64{}
	for p, n := range next {
		all[int32(p)] = n
	}
	return all
}

func TestTotal(t *testing.T) {
	for _, c := range []struct {
		at        map[int32]view.Progress
		ends      map[int32]int64
		done, all int64
	}{
		{nil, nil, 0, 0},
		{nil, ends(3, 0), 0, 3},
		{at(1, -1, 4), ends(3, 2, 4), 5, 9},
		{at(9, 2), ends(3, 2), 5, 5}, // beyond what was asked for makes up for nothing
		{at(9, 1), ends(3, 2), 4, 5},
	} {
		if done, all := total(c.at, c.ends); done != c.done || all != c.all {
			t.Errorf("%v of %v: %d of %d", c.at, c.ends, done, all)
		}
	}
}

func TestCounts(t *testing.T) {
	for _, c := range []struct {
		old, new int64
		at, next map[int32]view.Progress
		ends     map[int32]int64
		agrees   bool
	}{
		{5, 5, at(7, 3), at(7, 3), ends(7, 3), true},
		{5, 4, at(7, 3), at(7, 3), ends(7, 3), false},
		{4, 5, at(7, 3), at(7, 3), ends(7, 3), false},
		{5, 4, at(7, 3), at(6, 3), ends(7, 3), true}, // the new one lacks a record yet
		{4, 5, at(6, 3), at(7, 3), ends(7, 3), true}, // the old one does
		{4, 6, at(6, 3), at(7, 3), ends(7, 3), false},
		{4, 5, at(7, 3), at(7, 3), ends(8, 3), true}, // one came meanwhile
		{5, 3, at(7, 3), at(6, 2), ends(7, 3), true},
		{5, 2, at(7, 3), at(6, 2), ends(7, 3), false},
		{5, 4, at(9, 3), at(9, 3), ends(7, 3), false}, // a leader that does not know the end yet
		{5, 0, at(7), at(-1), ends(7), true},
	} {
		count := Count{c.old, c.new, moved(c.at, c.next, c.ends)}
		if count.agrees() != c.agrees {
			t.Errorf("%+v agrees: %v", count, count.agrees())
		}
	}
}

func TestDifferences(t *testing.T) {
	key := view.MessageKey{Application: "a", Chat: 1, Number: 2}
	m := func(version int64, text string) *view.Message {
		return &view.Message{Application: "a", Chat: 1, Number: 2, Version: version, Text: text, Created: time.UnixMicro(7).UTC()}
	}
	gone := m(5, "")
	gone.Deleted = true
	for name, c := range map[string]struct {
		old, next *view.Message
		wrong     bool
	}{
		"equal":                        {m(5, "x"), m(5, "x"), false},
		"edited since":                 {m(5, "x"), m(6, "y"), false},
		"deleted since":                {m(4, "x"), gone, false},
		"older":                        {m(5, "x"), m(4, "x"), true},
		"missing":                      {m(5, "x"), nil, true},
		"another one at this version":  {m(5, "x"), m(5, "y"), true},
		"a tombstone at this version":  {m(5, ""), gone, true},
		"removed from the old one":     {nil, m(5, "x"), false},
		"removed from it, and missing": {nil, nil, false},
	} {
		of := func(m *view.Message) map[view.MessageKey]view.Message {
			if m == nil {
				return nil
			}
			return map[view.MessageKey]view.Message{key: *m}
		}
		if got := differences([]view.MessageKey{key}, of(c.old), of(c.next)); c.wrong != (len(got) == 1) {
			t.Errorf("%s: %v", name, fmt.Sprint(got))
		}
	}
}

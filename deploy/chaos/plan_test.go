package main

import (
	"reflect"
	"regexp"
	"testing"

	"chatlog/deploy/chaos/faults"
	"chatlog/deploy/chaos/history"
)

// shape is what a seed decides.
func shape(steps []step) (all []any) {
	for _, s := range steps {
		all = append(all, s.fault.Name, s.hold, s.seed)
	}
	return all
}

func TestPlan(t *testing.T) {
	any := regexp.MustCompile("")
	seen := map[string]int{}
	for _, lane := range faults.Lanes {
		steps := plan(1, lane, faults.All(), any)
		for _, s := range steps {
			seen[s.fault.Name]++
			if s.hold < holdLeast || s.hold >= holdMost {
				t.Errorf("%s is held for %s", s.fault.Name, s.hold)
			}
		}
		if !reflect.DeepEqual(shape(steps), shape(plan(1, lane, faults.All(), any))) {
			t.Error("the same seed gives another plan")
		}
		if reflect.DeepEqual(shape(steps), shape(plan(2, lane, faults.All(), any))) {
			t.Error("another seed gives the same plan")
		}
	}
	for _, f := range faults.All() {
		if seen[f.Name] != 1 {
			t.Errorf("%s comes %d times in a round", f.Name, seen[f.Name])
		}
	}
}

// TestOneFault wants a fault that is run alone to be as it is among all others.
func TestOneFault(t *testing.T) {
	one := plan(7, faults.Log, faults.All(), regexp.MustCompile("^two brokers"))
	if len(one) != 1 {
		t.Fatal(shape(one))
	}
	for _, s := range plan(7, faults.Log, faults.All(), regexp.MustCompile("")) {
		if s.fault.Name == one[0].fault.Name && !reflect.DeepEqual(shape([]step{s}), shape(one)) {
			t.Errorf("%v alone, %v among others", shape(one), shape([]step{s}))
		}
	}
}

func TestRates(t *testing.T) {
	var calls []history.Call
	for i := range 100 { // one acked write every 100 ms, but none from 4 s to 5 s
		at := int64(i) * 1e8
		c := history.Call{Kind: history.CreateMessage, Outcome: history.OK, Begin: at - 1e7, End: at}
		if i >= 40 && i < 50 {
			c.Outcome, c.Tries = history.Fail, []history.Try{{Begin: at - 1e7, End: at, Status: 503}, {Begin: at - 1e7, End: at}}
		}
		calls = append(calls, c)
	}
	r := newMeter(calls).around(history.Window{Begin: 4e9, Undone: 48e8, Settled: 6e9})
	if r.before != 10 || r.during != 0 || r.after != 10 || r.refused != 10 || r.broken != 10 || r.firstAck != 2e8 {
		t.Errorf("%+v", r)
	}
}

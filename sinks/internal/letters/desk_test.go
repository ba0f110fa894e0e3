package letters

import (
	"errors"
	"strings"
	"testing"

	"chatlog/shared/deadletter"
	"chatlog/shared/fault"
)

// TestRetryByFilter: what counted is applied again to its view, everything else goes
// through imports without where it was written for, and both are settled after.
func TestRetryByFilter(t *testing.T) {
	foreign := letter("foreign", 2, "app", "old")
	foreign.Headers = []deadletter.Header{{Key: "at", Value: []byte("x:1")}, {Key: "traceparent", Value: []byte("00-1")}, {Key: "\ufffd", KeyBytes: []byte("\xff"), Value: []byte("v")}}
	large := letter("unmarked", 4, "", "")
	large.Key, large.Value, large.Truncated = nil, nil, true
	gone := letter("unmarked", 5, "", "")
	gone.Truncated = true
	imports := letter(deadletter.Rejected, 6, "app", "imported")
	imports.View, imports.Log = "imports", ""
	d := newDesk(t, letter(deadletter.Rejected, 1, "app", "one"), foreign, letter(deadletter.Rejected, 3, "app", "three"), large, gone, imports)
	d.whole[large.Name()] = []byte("large")
	d.refuses[3] = "still too long"
	left, err := d.desk().Retry(t.Context(), nil, Filter{Partition: -1}, nil)
	if left != 2 || err != nil {
		t.Errorf("%d left, %v", left, err)
	}
	d.did("again mysql 1", "0 retried", "put app old [traceparent=00-1 \xff=v]", "1 retried", "again mysql 3", "put  large []", "3 retried", "put app imported []", "5 retried")
	for i, want := range []string{"mysql has it now", "it was written to imports", "not taken: still too long", "it was written to imports", "it is gone", "it was written to imports"} {
		if o := d.told[i]; o.Text != want || o.Done != (i != 2 && i != 4) || o.Name != d.entries[i].Letter.Name() {
			t.Errorf("told %+v, want %q", o, want)
		}
	}
	// The rest can be retried, and only the rest.
	d.refuses[3] = ""
	if left, err := d.desk().Retry(t.Context(), nil, Filter{Partition: -1}, nil); left != 1 || err != nil {
		t.Errorf("%d left, %v", left, err)
	}
	d.did("again mysql 3", "2 retried")
}

func TestRetryByID(t *testing.T) {
	d := newDesk(t, letter(deadletter.Rejected, 1, "app", "one"), letter("unmarked", 2, "app", "two"))
	desk := d.desk()
	left, err := desk.Retry(t.Context(), []string{"1", "7", d.entries[0].Letter.Name(), "0", "x", "mysql/x/0/1", "-1"}, Filter{}, nil)
	if left != 5 || err != nil {
		t.Errorf("%d left, %v", left, err)
	}
	d.did("put app two []", "1 retried", "again mysql 1", "0 retried")
	if o := d.told[3]; o.Done || o.Text != "it is settled already: retried" {
		t.Errorf("settled twice: %+v", d.told)
	}
}

// TestDownEndsTheWork: nothing is settled that was not done.
func TestDownEndsTheWork(t *testing.T) {
	for _, class := range []string{deadletter.Rejected, "unmarked"} {
		d := newDesk(t, letter(class, 1, "app", "one"), letter(class, 2, "app", "two"))
		d.down = fault.New(fault.Transient, "down")
		if _, err := d.desk().Retry(t.Context(), nil, Filter{Partition: -1}, nil); !errors.Is(err, d.down) {
			t.Error(class, err)
		}
		d.did()
	}
}

func TestDry(t *testing.T) {
	d := newDesk(t, letter(deadletter.Rejected, 1, "app", "one"), letter("unmarked", 2, "app", "two"))
	desk := d.desk()
	desk.Dry = true
	left, err := desk.Retry(t.Context(), nil, Filter{Partition: -1}, nil)
	dropped, bad := desk.Drop(t.Context(), []string{"0"}, "x")
	if left != 0 || err != nil || dropped != 0 || bad != nil {
		t.Error(left, err, dropped, bad)
	}
	d.did()
	for i, want := range []string{"would be applied again to mysql", "it would be written to imports", "would be dropped: x"} {
		if d.told[i].Text != want {
			t.Errorf("told %+v", d.told[i])
		}
	}
	if len(d.entries) != 2 {
		t.Errorf("written: %+v", d.entries[2:])
	}
}

func TestMended(t *testing.T) {
	d := newDesk(t, letter(deadletter.Rejected, 1, "app", "one"), letter("unmarked", 2, "wrong", "two"), letter("invalid", 3, "app", "three"))
	desk := d.desk()
	for id, want := range map[string]int{"0": 1, "1": 0, "2": 0} { // a number that was given stays given
		if left, err := desk.Retry(t.Context(), []string{id}, Filter{}, []byte(`{"application":"right"}`)); left != want || err != nil {
			t.Error(id, left, err)
		}
	}
	if got := strings.Join(d.done, "; "); strings.Count(got, `put right {"application":"right"} []`) != 2 || strings.Contains(got, "again") {
		t.Error(got)
	}
	d = newDesk(t, letter("unmarked", 2, "app", "two"))
	for _, value := range []string{"two", `{"application":7}`, `{}`} {
		if left, err := d.desk().Retry(t.Context(), []string{"0"}, Filter{}, []byte(value)); left != 1 || err != nil {
			t.Error(value, left, err)
		}
	}
	d.did()
}

// TestTwoDesks: who comes second hears of it.
func TestTwoDesks(t *testing.T) {
	d := newDesk(t, letter(deadletter.Rejected, 1, "app", "one"))
	d.between = func() {
		d.add(deadletter.Entry{Settlement: &deadletter.Settlement{Letter: d.entries[0].Letter.Name(), State: deadletter.Dropped}})
	}
	left, err := d.desk().Retry(t.Context(), []string{"0"}, Filter{}, nil)
	if left != 1 || err != nil || d.told[0].Done || d.told[0].Text != "it is settled already" {
		t.Error(left, err, d.told)
	}
}

func TestDropAndFind(t *testing.T) {
	d := newDesk(t, letter("unmarked", 1, "app", "one"), letter("unmarked", 2, "app", "two"))
	d.add(deadletter.Entry{Odd: errors.New("no JSON")})
	desk := d.desk()
	if left, err := desk.Drop(t.Context(), []string{"1", "2", "1"}, "nobody's"); left != 2 || err != nil {
		t.Error(left, err)
	}
	d.did("1 dropped")
	i, err := desk.Find(t.Context(), "1")
	if s := i.Settlement; err != nil || i.State != deadletter.Dropped || s == nil || s.Why != "nobody's" || s.By != "me" || s.Letter != i.Name() {
		t.Errorf("%+v, %v", i, err)
	}
	if i, err := desk.Find(t.Context(), "0"); err != nil || i.State != deadletter.Open || i.Settlement != nil || string(i.Value) != "one" {
		t.Errorf("%+v, %v", i, err)
	}
	if _, err := desk.Find(t.Context(), "2"); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
	for state, want := range map[string]int{Open: 1, Settled: 1, All: 2} {
		seen := 0
		if err := desk.Each(t.Context(), Filter{Partition: -1, State: state}, func(Item) error { seen++; return nil }); err != nil || seen != want {
			t.Error(state, seen, err)
		}
	}
}

func TestWayOf(t *testing.T) {
	early := letter("foreign", 1, "", "")
	early.Log = ""
	strange := letter(deadletter.Rejected, 1, "", "")
	strange.View = "graph"
	anew := letter("invalid", 1, "", "") // ingest makes up a log where the topic of imports was made anew
	anew.View, anew.Topic = "imports", "chat.imports"
	for _, c := range []struct {
		l      deadletter.Letter
		mended bool
		want   Way
	}{
		{letter(deadletter.Rejected, 1, "", ""), false, ByView},
		{letter(deadletter.Rejected, 1, "", ""), true, 0},
		{letter("invalid", 1, "", ""), false, ByView},
		{letter("invalid", 1, "", ""), true, ByImports},
		{letter("unmarked", 1, "", ""), false, ByImports},
		{letter("foreign", 1, "", ""), true, ByImports},
		{early, false, ByImports},
		{strange, false, 0},
		{anew, false, ByImports},
		{anew, true, ByImports},
	} {
		if got, err := WayOf(c.l, []string{"mysql", "search"}, c.mended); got != c.want || (err == nil) != (c.want != 0) {
			t.Errorf("%+v, mended %v: %d, %v", c.l, c.mended, got, err)
		}
	}
}

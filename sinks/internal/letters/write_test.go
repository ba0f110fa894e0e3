package letters

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"chatlog/shared/deadletter"
)

func TestFilter(t *testing.T) {
	i := Item{ID: 4, Letter: letter("unmarked", 2, "app", `{"application":"inner"}`), State: deadletter.Open}
	any := Filter{Partition: -1, State: All}
	with := func(change func(*Filter)) Filter {
		f := any
		change(&f)
		return f
	}
	large := i // was left where it lies, but for its key
	large.Value, large.Truncated = nil, true
	if of := with(func(f *Filter) { f.Application = "app" }); !of.Matches(large) {
		t.Error("an application's letters are not all of them")
	}
	at := told.Add(2 * time.Hour)
	for n, c := range []struct {
		f    Filter
		want bool
	}{
		{any, true},
		{with(func(f *Filter) { f.View = "mysql" }), true},
		{with(func(f *Filter) { f.View = "search" }), false},
		{with(func(f *Filter) { f.Class = "unmarked" }), true},
		{with(func(f *Filter) { f.Class = "foreign" }), false},
		{with(func(f *Filter) { f.Partition = 3 }), true},
		{with(func(f *Filter) { f.Partition = 0 }), false},
		{with(func(f *Filter) { f.Application = "app" }), true},
		{with(func(f *Filter) { f.Application = "inner" }), true},
		{with(func(f *Filter) { f.Application = "ap" }), false},
		{with(func(f *Filter) { f.Reason = "TOO un" }), true},
		{with(func(f *Filter) { f.Reason = "other" }), false},
		{with(func(f *Filter) { f.Since, f.Until = at, at.Add(1) }), true},
		{with(func(f *Filter) { f.Since = at.Add(1) }), false},
		{with(func(f *Filter) { f.Until = at }), false},
		{with(func(f *Filter) { f.State = Open }), true},
		{with(func(f *Filter) { f.State = Settled }), false},
	} {
		if c.f.Matches(i) != c.want {
			t.Errorf("case %d: %+v", n, c.f)
		}
	}
}

// TestNothingMovesTheCursor: letters are written by strangers, and read at a terminal.
func TestNothingMovesTheCursor(t *testing.T) {
	l := letter("unmarked", 1, "\x1b[2J", "\x1b]0;x\a\nsecond")
	l.Reason = "\x1b[31m\nred"
	l.Headers = []deadletter.Header{{Key: "\x1b", Value: []byte("\x1b")}, {Key: "\ufffd", KeyBytes: []byte{0xff}, Value: nil}}
	var out strings.Builder
	for _, write := range []func() error{
		func() error { return WriteRow(&out, Item{Letter: l, State: deadletter.Open}) },
		func() error { return WriteLine(&out, Item{Letter: l, State: deadletter.Open}) },
		func() error { return WriteWhole(&out, Item{Letter: l, State: deadletter.Open}) },
		func() error {
			return WriteDetail(&out, Item{Letter: l, Settlement: &deadletter.Settlement{Why: "\x1b", By: "\x1b"}})
		},
		func() error { return Counts{{"\x1b", "\x1b"}: 1}.Write(&out, false) },
		func() error { return WriteOutcome(&out, Outcome{ID: "\x1b", Name: "\x1b", Text: "\x1b"}, false) },
	} {
		if err := write(); err != nil {
			t.Error(err)
		}
	}
	if strings.ContainsAny(out.String(), "\x1b\a") {
		t.Errorf("%q", out.String())
	}
}

func TestDetail(t *testing.T) {
	l := letter("unmarked", 1, "app", "مرحبا, \"world\"")
	l.Headers = []deadletter.Header{{Key: "h", Value: []byte{0xff, 0}}}
	var out strings.Builder
	settled := Item{ID: 17, Letter: l, State: deadletter.Dropped, Settlement: &deadletter.Settlement{State: deadletter.Dropped, Time: "now", Why: "nobody's", By: "me"}}
	if err := WriteDetail(&out, settled); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"letter     17, dropped\n", "name       mysql/" + log + "/3/1\n", "settled    dropped now: nobody's\n", "by         me\n", "key        app\n",
		"header     h = base64 /wA=\n", "value      مرحبا, \"world\"\n"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
	out.Reset()
	if err := WriteWhole(&out, settled); err != nil {
		t.Fatal(err)
	}
	var back struct {
		ID, Name, State, ValueText string `json:",omitempty"`
		Text                       string `json:"value_text"`
		Value                      []byte
		Settlement                 deadletter.Settlement
	}
	if err := json.Unmarshal([]byte(out.String()), &back); err != nil || back.Text != string(l.Value) || string(back.Value) != string(l.Value) || back.Settlement.Why != "nobody's" {
		t.Errorf("%s: %+v, %v", out.String(), back, err)
	}
	out.Reset()
	l.Value, l.Headers, l.Truncated = nil, nil, true
	gone := Item{ID: 17, Letter: l, State: deadletter.Open}
	if err := errors.Join(WriteDetail(&out, gone), WriteLine(&out, gone)); err != nil || !strings.Contains(out.String(), "key        app\nbytes      too many") ||
		!strings.Contains(out.String(), `"application":"app","bytes":0,"truncated":true}`) || strings.Contains(out.String(), "(none)") {
		t.Errorf("%s, %v", out.String(), err)
	}
	for value, want := range map[string]string{"": "(empty)", "\xff": "base64 /w==", "a\tb": `"a\tb"`} {
		if got := bytesText([]byte(value)); got != want {
			t.Errorf("%q is shown as %s", value, got)
		}
	}
	if bytesText(nil) != "(none)" {
		t.Error("nothing is shown as ", bytesText(nil))
	}
}

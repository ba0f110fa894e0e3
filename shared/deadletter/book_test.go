package deadletter

import (
	"errors"
	"maps"
	"testing"
)

// TestBook says what has become of letters, whatever is written in whatever order.
func TestBook(t *testing.T) {
	letter := func(view, class string, offset int64) Entry {
		return Entry{Letter: Letter{View: view, Class: class, Log: string(ours), Offset: offset}}
	}
	settle := func(of Entry, state State) Entry {
		return Entry{Settlement: &Settlement{Letter: of.Letter.Name(), State: state}}
	}
	a, b, other := letter("mysql", Rejected, 7), letter("mysql", "unmarked", 8), letter("search", Rejected, 7)
	odd := Entry{Odd: errors.New("no JSON")}
	for _, c := range []struct {
		what    string
		entries []Entry
		states  string // of the letter at each offset
		open    map[string]int
	}{
		{"nothing", nil, "", map[string]int{}},
		{"open", []Entry{a, b, other}, "open open open", map[string]int{"mysql": 2, "search": 1}},
		{"dropped", []Entry{a, b, settle(a, Dropped)}, "dropped open -", map[string]int{"mysql": 1}},
		{"another view's", []Entry{a, other, settle(other, Retried)}, "open retried -", map[string]int{"mysql": 1, "search": 0}},
		{"the first settlement counts", []Entry{a, settle(a, Dropped), settle(a, Retried)}, "dropped - -", map[string]int{"mysql": 0}},
		{"a copy", []Entry{a, a, settle(a, Retried), odd}, "retried - - -", map[string]int{"mysql": 0}},
		{"a copy of what was dropped", []Entry{a, settle(a, Dropped), a}, "dropped - -", map[string]int{"mysql": 0}},
		{"a copy of what is not told again", []Entry{b, settle(b, Retried), b}, "retried - -", map[string]int{"mysql": 0}},
		{"rejected again", []Entry{a, settle(a, Retried), a}, "retried - open", map[string]int{"mysql": 1}},
		{"and settled again", []Entry{a, settle(a, Retried), a, settle(a, Dropped), a}, "retried - dropped - -", map[string]int{"mysql": 0}},
		{"a settlement of nothing", []Entry{settle(a, Dropped), a}, "- open", map[string]int{"mysql": 1}},
		{"what cannot be read", []Entry{odd, a, odd}, "- open -", map[string]int{"mysql": 1}},
	} {
		book := NewBook()
		for i, e := range c.entries {
			e.Offset = int64(i)
			book.Take(e)
		}
		states := ""
		for i := range c.entries {
			state, settled, known := book.State(int64(i))
			if !known {
				state = "-"
			}
			if known && (state == Open) != (settled == 0) {
				t.Errorf("%s: %d is %s by %d", c.what, i, state, settled)
			}
			if i > 0 {
				states += " "
			}
			states += string(state)
		}
		if states != c.states || !maps.Equal(book.Open(), c.open) {
			t.Errorf("%s: states %q, open %v", c.what, states, book.Open())
		}
	}
}

// TestBookFinds: a name means its last letter that is no copy.
func TestBookFinds(t *testing.T) {
	book, l := NewBook(), Letter{View: "mysql", Class: Rejected, Log: string(ours), Offset: 7}
	if at, known := book.Find(l.Name()); known {
		t.Error("found before it is there, at ", at)
	}
	for i, e := range []Entry{{Letter: l}, {Letter: l}, {Settlement: &Settlement{Letter: l.Name(), State: Retried}}, {Letter: l}} {
		e.Offset = int64(i)
		book.Take(e)
		want := int64(0)
		if i == 3 {
			want = 3
		}
		if at, known := book.Find(l.Name()); !known || at != want {
			t.Errorf("after %d: found at %d, %v, want %d", i, at, known, want)
		}
	}
}

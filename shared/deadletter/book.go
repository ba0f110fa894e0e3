package deadletter

import (
	"crypto/sha256"
	"unique"
)

// Book knows what has become of letters, from their entries in order. It keeps some
// hundred bytes of each and nothing of its record. It is pure.
type Book struct {
	live  map[digest]int64 // offset of a name's last letter that is no copy
	marks map[int64]mark   // by the letter's offset
	open  map[unique.Handle[string]]int
}

type digest [16]byte

func digestOf(name string) digest {
	whole := sha256.Sum256([]byte(name))
	return digest(whole[:16])
}

type mark struct {
	state   State
	view    unique.Handle[string]
	returns bool  // it is told again if it is refused again
	settled int64 // offset of the settlement
}

// NewBook makes the book of an empty topic.
func NewBook() *Book {
	return &Book{live: map[digest]int64{}, marks: map[int64]mark{}, open: map[unique.Handle[string]]int{}}
}

// Take hears of the next entry.
//
// A second letter of one name is a copy and means nothing, unless its record was
// rejected, was retried, and is rejected again, by a store that was made anew, say:
// then it is a letter of its own. The first settlement of an open letter counts,
// every later one means nothing.
func (b *Book) Take(e Entry) {
	switch {
	case e.Odd != nil:
	case e.Settlement != nil:
		offset, known := b.live[digestOf(e.Settlement.Letter)]
		if m := b.marks[offset]; known && m.state == Open {
			m.state, m.settled = e.Settlement.State, e.Offset
			b.marks[offset] = m
			b.open[m.view]--
		}
	default:
		name := digestOf(e.Letter.Name())
		if offset, known := b.live[name]; known && !b.marks[offset].again() {
			return
		}
		m := mark{state: Open, view: unique.Make(e.Letter.View), returns: e.Letter.Class == Rejected}
		b.live[name], b.marks[e.Offset] = e.Offset, m
		b.open[m.view]++
	}
}

// again reports whether another letter of the same name is a new one.
func (m mark) again() bool { return m.returns && m.state == Retried }

// Find gives the offset of the letter that a name means now.
func (b *Book) Find(name string) (offset int64, known bool) {
	offset, known = b.live[digestOf(name)]
	return offset, known
}

// State gives the state of the letter at an offset and, when it is settled, the
// settlement's offset. known is false where no letter lies, or a copy of one.
func (b *Book) State(offset int64) (state State, settled int64, known bool) {
	m, known := b.marks[offset]
	return m.state, m.settled, known
}

// Open gives the number of open letters by view; 0 for a view that has none left.
func (b *Book) Open() map[string]int {
	all := map[string]int{}
	for view, n := range b.open {
		all[view.Value()] = n
	}
	return all
}

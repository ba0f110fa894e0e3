package analysis

import (
	"slices"
	"strings"
)

// Class is how well a text meets a query: as badly as it meets the clause that
// it meets worst. A greater one is better.
type Class int

// The classes. A search gives the best ones first.
const (
	None  Class = iota // some clause is not met
	Typo               // a word is there with typos
	Part               // a word is there as a part of another one, or in another form
	Exact              // all words and phrases are there as they were written
)

// Match tells how well a text meets all clauses. It is the definition of what a
// search finds; engines that cannot compare positions well ask it about their
// candidates.
func Match(text string, clauses []Clause) Class {
	f := Index(text)
	class := Exact
	for _, c := range clauses {
		if class = min(class, c.match(f)); class == None {
			return None
		}
	}
	return class
}

func (c *Clause) match(f Fields) Class {
	switch {
	case stands(f.Words, c.Words):
		return Exact
	case len(c.Grams) > 0 && stands(f.Grams, c.Grams), slices.ContainsFunc(c.Forms, func(form []string) bool { return stands(f.Words, form) }):
		return Part
	case c.Typos > 0 && anyNear(f.Words, c.Words[0], c.Typos):
		return Typo
	}
	return None
}

// stands reports whether terms stand next to each other in a field.
func stands(field string, terms []string) bool {
	return next(field, strings.Join(terms, " "), 0) >= 0
}

// next is where a run of terms stands in a field, not before a byte; -1: nowhere.
func next(field, run string, from int) int {
	for at := from; at <= len(field); {
		found := strings.Index(field[at:], run)
		if found < 0 {
			return -1
		}
		start := at + found
		end := start + len(run)
		if (start == 0 || field[start-1] == ' ') && (end == len(field) || field[end] == ' ') {
			return start
		}
		at = start + 1
	}
	return -1
}

func anyNear(words, word string, n int) bool {
	for other := range strings.SplitSeq(words, " ") {
		if Near(word, other, n) {
			return true
		}
	}
	return false
}

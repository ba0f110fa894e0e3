package analysis

import "strings"

// Match reports whether a text meets all clauses, and whether it does so with
// whole words alone. It is the definition of what a search finds; engines that
// cannot compare positions well ask it about their candidates.
func Match(text string, clauses []Clause) (met, exact bool) {
	f := Index(text)
	exact = true
	for _, c := range clauses {
		if stands(f.Words, c.Words) {
			continue
		}
		if len(c.Grams) == 0 || !stands(f.Grams, c.Grams) {
			return false, false
		}
		exact = false
	}
	return true, exact
}

// stands reports whether terms stand next to each other in a field.
func stands(field string, terms []string) bool {
	run := strings.Join(terms, " ")
	for at := 0; ; {
		found := strings.Index(field[at:], run)
		if found < 0 {
			return false
		}
		start := at + found
		end := start + len(run)
		if (start == 0 || field[start-1] == ' ') && (end == len(field) || field[end] == ' ') {
			return true
		}
		at = start + 1
	}
}

package analysis

import (
	"strings"
	"unicode"
)

// Clause is one thing that a message must have. All clauses of a query must be
// met, in any order.
type Clause struct {
	// Words must stand next to each other in Fields.Words: a single word, the
	// characters of a run without spaces, or a quoted phrase.
	Words []string
	// Grams, if any, may stand next to each other in Fields.Grams instead: the
	// clause's only word as a part of another one.
	Grams []string
	// Forms are other ways to write the words, each a run of Fields.Words. They
	// meet the clause as a part does.
	Forms [][]string
	// Typos is how many typos the clause's only word may have, 0 to 2.
	Typos int
}

// Bounds of a query. A longer one is refused before it gets here.
const (
	MaxQueryBytes = 4 << 10
	MaxClauses    = 32
	maxGrams      = 64 // of one clause: a longer part is found by its beginning
	maxPhrase     = 128
)

// Query gives what a query text asks for. No character in it is special but
// double quotes around a phrase. ok is false when it is longer than the bounds.
// A text without any word or character in it asks for nothing.
func Query(text string) (clauses []Clause, ok bool) {
	if len(text) > MaxQueryBytes {
		return nil, false
	}
	text = withoutInnerQuotes(text)
	for i, piece := range strings.Split(text, `"`) {
		if i%2 == 1 && strings.Count(text, `"`) > i { // between two quotes
			clauses = appendPhrase(clauses, piece)
		} else {
			clauses = appendWords(clauses, piece)
		}
	}
	return clauses, len(clauses) <= MaxClauses
}

// withoutInnerQuotes leaves out the quotes that are a part of a word, as in a
// Hebrew acronym: no phrase begins there.
func withoutInnerQuotes(text string) string {
	if !strings.Contains(text, `"`) {
		return text
	}
	out := make([]byte, 0, len(text))
	for at := range len(text) {
		if text[at] != '"' || !inside(text, at) {
			out = append(out, text[at])
		}
	}
	return string(out)
}

func appendPhrase(clauses []Clause, text string) []Clause {
	var c Clause
	var buffer [128]byte
	scan(text, buffer[:], func(t token) bool {
		c.Words = append(c.Words, string(term(t.text)))
		return len(c.Words) < maxPhrase
	})
	if len(c.Words) == 0 {
		return clauses
	}
	return append(clauses, c)
}

// asked is a token of a query.
type asked struct {
	token
	word  string
	grams []string
	typos int
}

// askedFor gives the tokens of a piece of a query.
func askedFor(text string) (list []asked) {
	var buffer [128]byte
	scan(text, buffer[:], func(t token) bool {
		a := asked{token: t, word: string(term(t.text))}
		if t.whole {
			if grams := appendGrams(nil, t.text); len(grams) > 0 {
				a.grams = strings.Split(string(grams), " ")
				a.grams = a.grams[:min(len(a.grams), maxGrams)]
			}
			a.typos = typos(t.text)
		}
		a.text = nil // it is valid only here
		list = append(list, a)
		return true
	})
	return list
}

func appendWords(clauses []Clause, text string) []Clause {
	uncertain := 0 // clauses that may have typos
	for _, c := range clauses {
		if c.Typos > 0 {
			uncertain++
		}
	}
	list := askedFor(text)
	for i, n := 0, 0; i < len(list) && len(clauses) <= MaxClauses; i += n {
		n = together(text, list[i:])
		var c Clause
		for _, a := range list[i : i+n] {
			c.Words = append(c.Words, a.word)
		}
		if first := &list[i]; n == 1 && first.whole {
			c.Grams = first.grams
			c.Forms = append(forms(text[first.start:first.end], first.word), joinedForms(list, i)...)
			if uncertain < maxTypoWords && first.typos > 0 {
				c.Typos = first.typos
				uncertain++
			}
		} else if !first.whole {
			c.Forms = runForms(c.Words)
		}
		clauses = append(clauses, c)
	}
	return clauses
}

// together is how many tokens from the first one on are one clause: characters
// in a row; or words that are written without a space between them, and too short
// or too much of a number to be anything else than what they are, as in 3.14, a/b
// and 2024-01-02. The last of those stands for itself if it may go on.
func together(text string, list []asked) int {
	n := 1
	if !list[0].whole {
		for n < len(list) && n < maxPhrase && !list[n].whole && list[n].start == list[n-1].end {
			n++
		}
		return n
	}
	if list[0].typos > 0 {
		return 1
	}
	for n < len(list) && n < maxPhrase && joined(text, list, n) && list[n].typos == 0 {
		n++
	}
	if len(list[n-1].grams) > 0 && !joined(text, list, n) {
		n--
	}
	return max(n, 1)
}

// joined reports whether a word is written without a space after the one before it.
func joined(text string, list []asked, n int) bool {
	return n < len(list) && list[n].whole && strings.IndexFunc(text[list[n-1].end:list[n].start], unicode.IsSpace) < 0
}

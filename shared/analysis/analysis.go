package analysis

import (
	"strings"
	"unicode/utf8"
)

// Fields are the tokens of a text as they are indexed: joined by spaces, for
// engines that split at white space and count positions.
type Fields struct {
	Words string // words and characters, in order: exact words and phrases
	Grams string // of every word its runs of three letters, words set apart by a mark: parts of words
}

// gram is the length of a gram in letters: the shortest part that is found.
const gram = 3

// between stands between the grams of two words, so that no run of grams goes
// on from one word to the next. No gram contains it.
const between = '.'

// Index gives the tokens of a text.
func Index(text string) Fields {
	words := make([]byte, 0, len(text)+len(text)/4)
	grams := make([]byte, 0, 4*len(text))
	var buffer [128]byte
	scan(text, buffer[:], func(t token) bool {
		if len(words) > 0 {
			words = append(words, ' ')
		}
		words = append(words, term(t.text)...)
		if t.whole {
			before := len(grams)
			if before > 0 {
				grams = append(grams, ' ', between)
			}
			if g := appendGrams(grams, t.text); len(g) > len(grams) {
				grams = g
			} else {
				grams = grams[:before]
			}
		}
		return true
	})
	return Fields{Words: string(words), Grams: string(grams)}
}

// appendGrams adds the grams of a word, each with a space before it unless it
// is the first of all.
func appendGrams(dst, word []byte) []byte {
	for start, end, letters := 0, 0, 0; end < len(word); {
		_, size := utf8.DecodeRune(word[end:])
		end += size
		if letters++; letters < gram {
			continue
		}
		if len(dst) > 0 {
			dst = append(dst, ' ')
		}
		dst = append(dst, word[start:end]...)
		_, size = utf8.DecodeRune(word[start:])
		start += size
	}
	return dst
}

// Clause is one thing that a message must have. All clauses of a query must be
// met, in any order.
type Clause struct {
	// Words must stand next to each other in Fields.Words: a single word, the
	// characters of a run without spaces, or a quoted phrase.
	Words []string
	// Grams, if any, may stand next to each other in Fields.Grams instead: the
	// clause's only word as a part of another one.
	Grams []string
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
	for i, piece := range strings.Split(text, `"`) {
		if i%2 == 1 && strings.Count(text, `"`) > i { // between two quotes
			clauses = appendPhrase(clauses, piece)
		} else {
			clauses = appendWords(clauses, piece)
		}
	}
	return clauses, len(clauses) <= MaxClauses
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

func appendWords(clauses []Clause, text string) []Clause {
	var buffer [128]byte
	uncertain := 0 // clauses that may have typos
	for _, c := range clauses {
		if c.Typos > 0 {
			uncertain++
		}
	}
	end := -1 // of the run of units that the last clause is
	scan(text, buffer[:], func(t token) bool {
		word := string(term(t.text))
		if !t.whole {
			if last := len(clauses) - 1; t.start == end && len(clauses[last].Words) < maxPhrase {
				clauses[last].Words = append(clauses[last].Words, word)
			} else {
				clauses = append(clauses, Clause{Words: []string{word}})
			}
			end = t.end
			return true
		}
		c := Clause{Words: []string{word}}
		if grams := appendGrams(nil, t.text); len(grams) > 0 {
			c.Grams = strings.Split(string(grams), " ")
			c.Grams = c.Grams[:min(len(c.Grams), maxGrams)]
		}
		if uncertain < maxTypoWords {
			if c.Typos = typos(t.text); c.Typos > 0 {
				uncertain++
			}
		}
		clauses, end = append(clauses, c), -1
		return len(clauses) <= MaxClauses
	})
	return clauses
}

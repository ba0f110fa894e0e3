package analysis

import (
	"html"
	"slices"
	"strings"
)

// Highlight gives a text escaped for HTML, with <em> around what meets the
// clauses. Of each clause only the best is marked that the text has of it: no
// part of a word where the word itself stands, and no typo where either does.
func Highlight(text string, clauses []Clause) string {
	m := newMarked(text)
	for i := range clauses {
		c := &clauses[i]
		if m.words(strings.Join(c.Words, " ")) {
			continue
		}
		part := ungram(c.Grams)
		found := part != "" && m.parts(part)
		for _, form := range c.Forms {
			found = m.words(strings.Join(form, " ")) || found
		}
		if found {
			continue
		}
		if c.Typos > 0 {
			m.typos(c.Words[0], c.Typos)
		}
	}
	return m.html()
}

// marked is a text with what is marked in it.
type marked struct {
	text   string
	tokens []token
	terms  string  // Fields.Words
	at     []int   // where each token's term begins in terms
	edges  []int32 // per byte, how many more marks begin there than end
	found  bool    // something is marked
}

func (m *marked) mark(start, end int) {
	m.edges[start]++
	m.edges[end]--
	m.found = true
}

func newMarked(text string) *marked {
	m := &marked{text: text, edges: make([]int32, len(text)+1)}
	var terms strings.Builder
	var buffer [128]byte
	scan(text, buffer[:], func(t token) bool {
		if len(m.tokens) > 0 {
			terms.WriteByte(' ')
		}
		m.at = append(m.at, terms.Len())
		terms.Write(term(t.text))
		t.text = slices.Clone(t.text)
		m.tokens = append(m.tokens, t)
		return true
	})
	m.terms = terms.String()
	return m
}

// words marks a run of terms wherever it stands, token by token.
func (m *marked) words(run string) bool {
	done := 0 // tokens before it are marked already
	m.found = false
	for at := next(m.terms, run, 0); at >= 0; at = next(m.terms, run, at+1) {
		first, _ := slices.BinarySearch(m.at, at)
		end, _ := slices.BinarySearch(m.at, at+len(run))
		for _, t := range m.tokens[max(first, done):end] {
			m.mark(t.start, t.end)
		}
		done = end
	}
	return m.found
}

// parts marks a part of words wherever it stands in one.
func (m *marked) parts(part string) bool {
	m.found = false
	for _, t := range m.tokens {
		if !t.whole {
			continue
		}
		word := string(t.text)
		var from []int
		for at := 0; ; at++ {
			found := strings.Index(word[at:], part)
			if found < 0 {
				break
			}
			if from == nil {
				from = origins(m.text, t)
			}
			at += found
			end := at + len(part)
			for end < len(word) && from[end] == from[end-1] { // a letter that is folded to several is marked as a whole
				end++
			}
			m.mark(from[at], from[end])
		}
	}
	return m.found
}

// typos marks the words that are near one.
func (m *marked) typos(word string, n int) {
	for i, t := range m.tokens {
		end := len(m.terms)
		if i+1 < len(m.at) {
			end = m.at[i+1] - 1
		}
		if Near(word, m.terms[m.at[i]:end], n) {
			m.mark(t.start, t.end)
		}
	}
}

// html gives the text with its marks; marks that touch are one.
func (m *marked) html() string {
	var out strings.Builder
	done, depth := 0, int32(0)
	for at, edge := range m.edges {
		before := depth
		depth += edge
		switch {
		case before == 0 && depth > 0:
			out.WriteString(html.EscapeString(m.text[done:at]))
			out.WriteString("<em>")
			done = at
		case before > 0 && depth == 0:
			out.WriteString(html.EscapeString(m.text[done:at]))
			out.WriteString("</em>")
			done = at
		}
	}
	out.WriteString(html.EscapeString(m.text[done:]))
	return out.String()
}

// origins tells for every byte of a token where in the text the character
// begins that it was folded from. One more is the token's end.
func origins(text string, t token) []int {
	out := make([]int, 0, len(t.text)+1)
	folded := make([]byte, 0, len(t.text))
	for at := t.start; at < t.end; {
		r, size := decode(text, at)
		folded = appendFolded(folded, r)
		for len(out) < len(folded) {
			out = append(out, at)
		}
		at += size
	}
	return append(out, t.end)
}

// ungram gives the part of a word that grams, each a letter further than the
// one before, were made of.
func ungram(grams []string) string {
	if len(grams) == 0 {
		return ""
	}
	var part strings.Builder
	part.WriteString(grams[0])
	for _, g := range grams[1:] {
		runes := []rune(g)
		part.WriteRune(runes[len(runes)-1])
	}
	return part.String()
}

package main

import (
	"math/rand/v2"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// kinds of queries that are derived from texts. Each draws one from a text, ""
// if the text is not made for it.
var kinds = []struct {
	name string
	draw func(d *drawer, text string, list []token) string
}{
	{"words in any order", (*drawer).anyOrder},
	{"phrase", (*drawer).phrase},
	{"part of a word", (*drawer).part},
	{"one typo", func(d *drawer, text string, list []token) string { return d.typo(text, list, oneTypo+1, 1) }},
	{"two typos", func(d *drawer, text string, list []token) string { return d.typo(text, list, twoTypos+1, 2) }},
	{"case and marks", (*drawer).otherwise},
}

// longest is the longest word that is drawn, in letters: nobody types longer ones.
const longest = 25

// drawer draws from the texts of one language.
type drawer struct {
	random *rand.Rand
	units  bool // of a script without spaces
}

// derive draws up to so many different queries of a kind.
func (d *drawer) derive(texts []string, kind, count int) (queries []string) {
	seen := map[string]bool{"": true}
	for tries := 0; len(queries) < count && tries < 40*count; tries++ {
		text := texts[d.random.IntN(len(texts))]
		query := kinds[kind].draw(d, text, tokens(text))
		if !seen[query] && !strings.ContainsAny(query, "\x00\n") {
			seen[query] = true
			queries = append(queries, query)
		}
	}
	return queries
}

// word draws a whole word of least letters or more, as it is written.
func (d *drawer) word(text string, list []token, least int) (string, int) {
	for range 8 {
		if len(list) == 0 {
			break
		}
		i := d.random.IntN(len(list))
		t := list[i]
		if n := utf8.RuneCountInString(t.text); !t.unit && n >= least && n <= longest {
			return text[t.start:t.end], i
		}
	}
	return "", -1
}

// run draws so many characters in a row, as they are written.
func (d *drawer) run(text string, list []token, n int) (string, int) {
	for range 8 {
		if len(list) < n {
			break
		}
		i := d.random.IntN(len(list) - n + 1)
		whole := list[i].unit && unicode.IsLetter([]rune(list[i].text)[0])
		for j := i + 1; j < i+n; j++ {
			whole = whole && list[j].unit && list[j].start == list[j-1].end
		}
		if whole {
			return text[list[i].start:list[i+n-1].end], i
		}
	}
	return "", -1
}

// piece draws a word, or what is like one in a script without spaces.
func (d *drawer) piece(text string, list []token) (string, int) {
	if d.units {
		return d.run(text, list, 2+d.random.IntN(2))
	}
	return d.word(text, list, 2)
}

func (d *drawer) anyOrder(text string, list []token) string {
	first, i := d.piece(text, list)
	second, j := d.piece(text, list)
	if first == "" || second == "" || i == j {
		return ""
	}
	return first + " " + second // drawn apart: in any order
}

func (d *drawer) phrase(text string, list []token) string {
	n := 2 + d.random.IntN(2)
	if d.units {
		n += 2
	}
	if len(list) < n {
		return ""
	}
	i := d.random.IntN(len(list) - n + 1)
	phrase := text[list[i].start:list[i+n-1].end]
	if strings.Contains(phrase, `"`) || list[i].unit != d.units {
		return ""
	}
	return `"` + phrase + `"`
}

func (d *drawer) part(text string, list []token) string {
	if d.units {
		part, _ := d.run(text, list, 1+d.random.IntN(2))
		return part
	}
	word, i := d.word(text, list, shortestPart+2)
	if i < 0 {
		return ""
	}
	var letters []string // with their marks
	for _, r := range word {
		if goesOn(r) && len(letters) > 0 {
			letters[len(letters)-1] += string(r)
		} else {
			letters = append(letters, string(r))
		}
	}
	if len(letters) < shortestPart+1 {
		return ""
	}
	n := shortestPart + d.random.IntN(len(letters)-shortestPart)
	at := d.random.IntN(len(letters) - n + 1)
	return strings.Join(letters[at:at+n], "")
}

// typo draws a word and puts typos into it, none in its first letter, each in
// another half.
func (d *drawer) typo(text string, list []token, least, count int) string {
	_, i := d.word(text, list, least)
	if i < 0 || d.units || strings.ContainsAny(list[i].text, "0123456789") {
		return ""
	}
	letters := []rune(list[i].text)
	for n := count; n > 0; n-- {
		half := len(letters) / count
		from, to := max(1, half*(n-1)+1), half*n-2
		if to <= from {
			return ""
		}
		at := from + d.random.IntN(to-from)
		switch other := letters[d.random.IntN(len(letters))]; d.random.IntN(4) {
		case 0:
			letters = append(letters[:at:at], letters[at+1:]...)
		case 1:
			letters = append(append(letters[:at:at], other), letters[at:]...)
		case 2:
			letters[at] = other
		default:
			letters[at], letters[at+1] = letters[at+1], letters[at]
		}
	}
	if string(letters) == list[i].text || len(letters) < least-1 { // no typo, or a word too short for so many
		return ""
	}
	return string(letters)
}

// otherwise writes a word as others write it: in capitals, without marks,
// decomposed, in the other kana, or wide.
func (d *drawer) otherwise(text string, list []token) string {
	word, i := d.piece(text, list)
	if i < 0 {
		return ""
	}
	ways := []string{strings.ToUpper(word), fold(word), norm.NFD.String(word), norm.NFC.String(word), wide(word), otherKana(word)}
	for _, n := range d.random.Perm(len(ways)) {
		if ways[n] != word {
			return ways[n]
		}
	}
	return ""
}

func wide(text string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x7F && isWord(r) {
			return r + 0xFEE0
		}
		return r
	}, text)
}

func otherKana(text string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'ぁ' && r <= 'ゖ':
			return r + 0x60
		case r >= 'ァ' && r <= 'ヶ':
			return r - 0x60
		}
		return r
	}, text)
}

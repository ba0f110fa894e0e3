package main

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// What a search must find is said here a second time, as simply as it can be and
// without shared/analysis: a mistake there is none here.

// token is a word of a text, or one character of a script without spaces.
type token struct {
	text       string // folded
	start, end int    // of the original
	unit       bool
}

var spaceless = []*unicode.RangeTable{unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar}

func isUnit(r rune) bool {
	return unicode.In(r, spaceless...) && !unicode.IsDigit(r) || r == 'ー' || unicode.Is(unicode.So, r)
}

func isWord(r rune) bool {
	return !isUnit(r) && (unicode.IsLetter(r) || unicode.IsNumber(r))
}

// goesOn reports whether a rune never begins anything.
func goesOn(r rune) bool {
	return unicode.IsMark(r) || unicode.Is(unicode.Cf, r) || r == 'ﾞ' || r == 'ﾟ' || r >= 0x1160 && r <= 0x11FF || strings.ContainsRune("՚՛՜՞", r)
}

// apostrophe reports whether one stands at a byte in the middle of a word, as it
// does in Ukrainian and Hebrew.
func apostrophe(text string, at int) bool {
	r, size := utf8.DecodeRuneInString(text[at:])
	before, _ := utf8.DecodeLastRuneInString(text[:at])
	after, _ := utf8.DecodeRuneInString(text[at+size:])
	cyrillic := unicode.Is(unicode.Cyrillic, before) && unicode.Is(unicode.Cyrillic, after)
	hebrew := unicode.Is(unicode.Hebrew, before) && unicode.Is(unicode.Hebrew, after) && isWord(after)
	return strings.ContainsRune("'’", r) && (cyrillic || hebrew) || strings.ContainsRune("\"״׳", r) && hebrew
}

// tokens takes a text apart.
func tokens(text string) (list []token) {
	for at := 0; at < len(text); {
		r, size := utf8.DecodeRuneInString(text[at:])
		end := at + size
		if unit := isUnit(r); unit || isWord(r) {
			for end < len(text) {
				next, size := utf8.DecodeRuneInString(text[end:])
				if !goesOn(next) && (unit || !isWord(next) && !apostrophe(text, end)) {
					break
				}
				end += size
			}
			if folded := fold(text[at:end]); folded != "" {
				list = append(list, token{folded, at, end, unit})
			}
		}
		at = end
	}
	return list
}

// same are letters that people take for one another and that Unicode keeps apart.
var same = strings.NewReplacer("ß", "ss", "ς", "σ", "ı", "i", "ł", "l", "ø", "o", "đ", "d", "æ", "ae", "œ", "oe", "ð", "d", "þ", "th",
	"ى", "ي", "ی", "ي", "ک", "ك", "ة", "ه", "ـ", "", "ך", "כ", "ם", "מ", "ן", "נ", "ף", "פ", "ץ", "צ",
	"ґ", "г", "ʼ", "", "\u093c", "", "ँ", "न्", "ं", "न्")

// fold leaves what makes one word differ from another.
func fold(text string) string {
	var out strings.Builder
	base := 'x'
	for _, r := range text {
		if r == 'ำ' { // a vowel of its own, whatever it is made of
			out.WriteRune(r)
			continue
		}
		for _, r := range norm.NFKD.String(string(r)) {
			switch {
			case unicode.IsMark(r):
				if !unicode.In(base, unicode.Latin, unicode.Greek, unicode.Cyrillic, unicode.Hebrew, unicode.Arabic, unicode.Armenian, unicode.Georgian, unicode.Common) {
					out.WriteRune(r)
				}
				continue
			case r >= 'ァ' && r <= 'ヶ':
				r -= 'ァ' - 'ぁ'
			case !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.Is(unicode.So, r):
				continue
			}
			base = r
			out.WriteRune(unicode.ToLower(r))
		}
	}
	return norm.NFC.String(same.Replace(out.String()))
}

// The contract of parts and typos, in letters.
const (
	shortestPart = 3
	oneTypo      = 5
	twoTypos     = 9
)

// meets reports whether a text is an answer to a query, and whether it holds all
// of it as it was written.
func meets(text []token, query string) (found, exact bool) {
	if phrase, quoted := strings.CutPrefix(query, `"`); quoted {
		found = holds(text, tokens(strings.TrimSuffix(phrase, `"`)))
		return found, found
	}
	exact = true
	for field := range strings.FieldsSeq(query) {
		wanted := tokens(field)
		for len(wanted) > 0 {
			n := 1
			for wanted[0].unit && n < len(wanted) && wanted[n].unit {
				n++
			}
			if !holds(text, wanted[:n]) {
				exact = false
				if wanted[0].unit || !resembles(text, wanted[0].text) {
					return false, false
				}
			}
			wanted = wanted[n:]
		}
	}
	return true, exact
}

// holds reports whether a run of tokens stands in a text.
func holds(text, run []token) bool {
	for i := range len(text) - len(run) + 1 {
		n := 0
		for n < len(run) && text[i+n].text == run[n].text {
			n++
		}
		if n == len(run) {
			return true
		}
	}
	return false
}

// resembles reports whether a word is a part of one of the text, or near one.
func resembles(text []token, word string) bool {
	letters := []rune(word)
	typos := 0
	if !strings.ContainsAny(word, "0123456789") {
		switch {
		case len(letters) >= twoTypos:
			typos = 2
		case len(letters) >= oneTypo:
			typos = 1
		}
	}
	stem, definite := strings.CutPrefix(word, "ال") // the article of Arabic, which may as well not be there
	definite = definite && len(letters) >= len("ال")/2+shortestPart
	for _, t := range text {
		if t.unit {
			continue
		}
		if definite && (t.text == stem || t.text == "لل"+stem) {
			return true
		}
		if len(letters) >= shortestPart && strings.Contains(t.text, word) {
			return true
		}
		if other := []rune(t.text); typos > 0 && other[0] == letters[0] && distance(letters, other) <= typos {
			return true
		}
	}
	return false
}

// distance is that of Damerau and Levenshtein: letters left out, added, changed,
// or swapped with their neighbour.
func distance(a, b []rune) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range len(b) + 1 {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			changed := 1
			if a[i-1] == b[j-1] {
				changed = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+changed)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}

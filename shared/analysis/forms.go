package analysis

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Some words are written in more ways than folding can make one. Whoever looks
// for one of them looks for the others, too: that costs nothing in the index.

const (
	article  = "ال" // of Arabic
	toThe    = "لل" // that article after "to"
	joiner   = "\u200c"
	vowel    = "ー" // kana's long one, often left out at a word's end
	leastRun = 3   // letters of a word without what stands before it
)

// prefixes and suffixes of Persian, folded, that are written joined to their
// word, with a space, or with a joiner that cannot be seen.
var (
	prefixes = map[string]bool{"مي": true, "نمي": true}
	suffixes = map[string]bool{"ها": true, "هاي": true, "هايي": true, "تر": true, "ترين": true}
)

// forms are the other ways to write a word of a query.
func forms(original, word string) (list [][]string) {
	first, _ := utf8.DecodeRuneInString(original)
	switch stem, ok := strings.CutPrefix(word, article); {
	case ok && (first == 'ا' || first == 'ٱ') && utf8.RuneCountInString(stem) >= leastRun: // with a hamza it is no article
		list = append(list, []string{stem}, []string{toThe + stem})
	case strings.HasPrefix(word, toThe) && utf8.RuneCountInString(word) >= leastRun+2:
		stem = strings.TrimPrefix(word, toThe)
		list = append(list, []string{stem}, []string{article + stem})
	}
	if stem, ok := strings.CutPrefix(word, "ה"); ok && utf8.RuneCountInString(stem) >= leastRun { // the article of Hebrew
		list = append(list, []string{stem})
	}
	if strings.Contains(original, joiner) {
		var apart []string
		for _, a := range askedFor(strings.ReplaceAll(original, joiner, " ")) {
			apart = append(apart, a.word)
		}
		if len(apart) > 1 {
			list = append(list, apart)
		}
	}
	return list
}

// joinedForms are the words that a word of a query makes with the one before it
// or after it.
func joinedForms(list []asked, i int) (out [][]string) {
	for _, n := range []int{i, i + 1} {
		if n > 0 && n < len(list) && list[n-1].whole && list[n].whole && (prefixes[list[n-1].word] || suffixes[list[n].word]) {
			out = append(out, []string{list[n-1].word + list[n].word})
		}
	}
	return out
}

// runForms are the other ways to write characters in a row.
func runForms(run []string) [][]string {
	if last := len(run) - 1; last >= leastRun && run[last] == vowel {
		return [][]string{run[:last]}
	}
	return nil
}

// inside reports whether the mark at a byte is a part of the word around it: an
// apostrophe between Cyrillic letters, and the marks of Hebrew's acronyms and
// foreign sounds, whichever character is typed for them.
func inside(text string, at int) bool {
	r, size := decode(text, at)
	var scripts []*unicode.RangeTable
	switch r {
	case '\'', '’':
		scripts = cyrillicAndHebrew
	case '"', '”', '״', '׳':
		scripts = cyrillicAndHebrew[1:]
	default:
		return false
	}
	before, _ := utf8.DecodeLastRuneInString(text[:at])
	after, _ := utf8.DecodeRuneInString(text[at+size:])
	for _, script := range scripts {
		if unicode.Is(script, before) && unicode.Is(script, after) && unicode.IsLetter(after) {
			return true
		}
	}
	return false
}

var cyrillicAndHebrew = []*unicode.RangeTable{unicode.Cyrillic, unicode.Hebrew}

// paired reports whether two characters are one: the two letters of a flag, and
// the vowel am of Thai and Lao, when it is typed in two.
func paired(first, second rune) bool {
	return regional(first) && regional(second) || first == 0x0E4D && second == 0x0E32 || first == 0x0ECD && second == 0x0EB2
}

func regional(r rune) bool { return r >= 0x1F1E6 && r <= 0x1F1FF }

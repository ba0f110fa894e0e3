package analysis

import "unicode/utf8"

// A word of a query may be written with one typo from fewLetters letters on and
// with two from manyLetters on: shorter words are too near to too many others.
// Words longer than mostLetters are not compared: what that costs grows with
// their length. Letters are code points, after folding.
const (
	fewLetters  = 5
	manyLetters = 9
	mostLetters = 32
)

// maxTypoWords is how many words of a query may have typos, the first ones.
// Looking for the words that are near another one is the dearest part of a search.
const maxTypoWords = 8

// typos is how many typos a word of a query may have. One with a digit in it is
// a number or a code: another one is another thing.
func typos(word []byte) int {
	for _, c := range word {
		if c >= '0' && c <= '9' { // digits of all scripts are folded to these
			return 0
		}
	}
	switch letters := utf8.RuneCount(word); {
	case letters < fewLetters || letters > mostLetters:
		return 0
	case letters < manyLetters:
		return 1
	}
	return 2
}

// Near reports whether a word is another one with at most n typos: letters left
// out, added, changed, or swapped with their neighbour, no letter in more than
// one of these. The first letter is right. That is the distance that both engines
// know ("optimal string alignment", with a prefix of one).
func Near(word, other string, n int) bool {
	if len(other) > utf8.UTFMax*(mostLetters+n) || word == "" || other == "" {
		return false
	}
	if letters, others := utf8.RuneCountInString(word), utf8.RuneCountInString(other); others > letters+n || others < letters-n {
		return false // before anything is allocated
	}
	a, b := []rune(word), []rune(other)
	if a[0] != b[0] || len(a) > mostLetters {
		return false
	}
	// rows[i%3][j] is the distance of a's first i letters from b's first j.
	var rows [3][mostLetters + 3]int
	for j := range len(b) + 1 {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		row, last, before := &rows[i%3], &rows[(i+2)%3], &rows[(i+1)%3]
		row[0] = i
		least := i
		for j := 1; j <= len(b); j++ {
			changed := last[j-1]
			if a[i-1] != b[j-1] {
				changed++
			}
			row[j] = min(changed, last[j]+1, row[j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
			least = min(least, row[j])
		}
		if least > n { // a swap from the row before this one cannot do better
			return false
		}
	}
	return rows[len(a)%3][len(b)] <= n
}

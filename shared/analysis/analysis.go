package analysis

import "unicode/utf8"

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
		end += width(word, end)
		if letters++; letters < gram {
			continue
		}
		if len(dst) > 0 {
			dst = append(dst, ' ')
		}
		if end == start+gram { // letters of one byte each
			dst = append(dst, word[start], word[start+1], word[start+2])
		} else {
			dst = append(dst, word[start:end]...)
		}
		start += width(word, start)
	}
	return dst
}

// width is the bytes of the letter at a byte.
func width(word []byte, at int) int {
	if word[at] < utf8.RuneSelf {
		return 1
	}
	_, size := utf8.DecodeRune(word[at:])
	return size
}

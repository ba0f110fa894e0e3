package analysis

import (
	"hash/fnv"
	"strconv"
	"unicode/utf8"
)

// token is one word, or one character of a script without spaces, folded.
type token struct {
	text       []byte
	start, end int  // bytes of the original text
	whole      bool // a word of a script with spaces: it has parts
}

// scan calls yield for every token of a text, in order. The token's text is
// valid during the call. Any bytes can be scanned, in linear time.
func scan(text string, buffer []byte, yield func(token) bool) {
	for at := 0; at < len(text); {
		r, size := decode(text, at)
		switch classOf(r) {
		case part:
			end := at + size
			out := appendFolded(buffer[:0], r)
			for end < len(text) {
				if letter := plainFolded(text[end]); letter != 0 {
					out = append(out, letter)
					end++
					continue
				}
				r, size := decode(text, end)
				c := classOf(r)
				if c != part && c != mark && c != void && !inside(text, end) {
					break
				}
				out = appendFolded(out, r)
				end += size
			}
			if len(out) > 0 && !yield(token{out, at, end, true}) {
				return
			}
			buffer, at = out, end
		case unit:
			end := at + size
			out := appendFolded(buffer[:0], r)
			if end < len(text) {
				if second, size := decode(text, end); paired(r, second) {
					out = appendFolded(out, second)
					end += size
				}
			}
			for end < len(text) {
				r, size := decode(text, end)
				if c := classOf(r); c != mark && c != void || len(out) > maxUnit {
					break
				}
				out = appendFolded(out, r)
				end += size
			}
			if len(out) > 0 && !yield(token{out, at, end, false}) {
				return
			}
			buffer, at = out, end
		default:
			at += size
		}
	}
}

// maxUnit bounds a character with its marks, in bytes: there is no end to the
// marks that can be piled on one.
const maxUnit = 64

func decode(text string, at int) (rune, int) {
	if c := text[at]; c < utf8.RuneSelf {
		return rune(c), 1
	}
	return utf8.DecodeRuneInString(text[at:])
}

// plainFolded folds a letter or digit of ASCII, which most texts are made of, and
// gives zero for every other byte.
func plainFolded(c byte) byte {
	switch {
	case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
		return c
	case c >= 'A' && c <= 'Z':
		return c | 0x20
	}
	return 0
}

func appendFolded(dst []byte, r rune) []byte {
	if r < utf8.RuneSelf {
		if letter := plainFolded(byte(r)); letter != 0 {
			return append(dst, letter)
		}
	}
	if appendVowel(dst, r) {
		return dst
	}
	return append(dst, fold(r)...)
}

// maxTerm bounds a term, in bytes. Lucene's whitespace tokenizer cuts tokens at
// 255 characters, and nobody looks for longer words by heart.
const maxTerm = 120

// term is a whole word as a term. A longer one becomes its beginning and a hash
// of all of it: it is found by itself, and by its parts, but never by another.
func term(word []byte) []byte {
	if len(word) <= maxTerm {
		return word
	}
	cut := maxTerm - 20
	for !utf8.RuneStart(word[cut]) {
		cut--
	}
	h := fnv.New64a()
	h.Write(word) // never fails
	return strconv.AppendUint(append(append([]byte(nil), word[:cut]...), '#'), h.Sum64(), 16)
}

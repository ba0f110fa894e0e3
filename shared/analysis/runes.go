// Package analysis is the one analyzer of the search view. It turns a text into
// the tokens that are indexed and a query into what has to be found among them.
// Every engine only splits at white space what comes from here, so all engines
// give the same answers.
package analysis

import (
	"strings"
	"sync/atomic"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// class says how a rune takes part in a text.
type class uint8

const (
	apart class = iota // separates: spaces, punctuation, controls
	part               // part of a word: letters and digits of scripts with spaces
	unit               // a word by itself: scripts without spaces, Hangul, emoji
	mark               // belongs to the rune before it
	void               // is not there: joiners, soft hyphens, variation selectors
)

// unitScripts are written without spaces between words (or, as Korean, glue
// particles to them), so that every character is a token and a word is found as
// a run of them.
var unitScripts = []*unicode.RangeTable{
	unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Hangul, unicode.Bopomofo, unicode.Yi,
	unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar, unicode.Tibetan, unicode.Javanese, unicode.Balinese,
	unicode.Tai_Le, unicode.New_Tai_Lue, unicode.Tai_Tham, unicode.Tai_Viet,
}

// classes caches classOf for the basic plane, offset by one so that zero is unset.
var classes [1 << 16]atomic.Uint32

func classOf(r rune) class {
	if r >= 1<<16 {
		return classify(r)
	}
	if c := classes[r].Load(); c != 0 {
		return class(c - 1)
	}
	c := classify(r)
	classes[r].Store(uint32(c) + 1)
	return c
}

func classify(r rune) class {
	switch {
	case r == utf8.RuneError:
		return apart
	case r == 0x30FC || r == 0xFF70: // long vowel marks of kana, of no script
		return unit
	case r == 0x3099 || r == 0x309A || r == 0xFF9E || r == 0xFF9F: // voicing marks of kana
		return mark
	case r >= 0x1160 && r <= 0x11FF, r >= 0xD7B0 && r <= 0xD7FF: // vowels and finals of Korean syllables, written apart
		return mark
	case unicode.Is(unicode.Cf, r), unicode.Is(unicode.Variation_Selector, r):
		return void
	case r >= 0x02BB && r <= 0x02BD, r >= 0x055A && r <= 0x055C, r == 0x055E: // apostrophes that are letters, Armenian's marks over vowels
		return void
	case r == 0x0E4D, r == 0x0ECD: // begin a vowel, see paired
		return unit
	case unicode.Is(unicode.M, r):
		return mark
	case unicode.IsLetter(r), unicode.IsNumber(r):
		if !unicode.Is(unicode.Nd, r) && unicode.In(r, unitScripts...) {
			return unit
		}
		return part
	case unicode.Is(unicode.So, r), r >= 0x1F3FB && r <= 0x1F3FF: // emoji and their skin tones
		return unit
	}
	return apart
}

// folded caches what runes of the basic plane are folded to.
var folded [1 << 16]atomic.Pointer[string]

// fold gives a rune without case, width, compatibility form and diacritics.
func fold(r rune) string {
	if r >= 1<<16 {
		return foldAnew(r)
	}
	if f := folded[r].Load(); f != nil {
		return *f
	}
	f := foldAnew(r)
	folded[r].Store(&f)
	return f
}

// likeness maps letters that decompose to nothing simpler, and yet are looked
// for by their plain likeness. The Arabic ones are those of Lucene's Arabic and
// Persian normalizers; a nasal of Hindi is a dot, or a letter without its vowel.
var likeness = map[rune]string{
	'ø': "o", 'ł': "l", 'đ': "d", 'ð': "d", 'þ': "th", 'æ': "ae", 'œ': "oe", 'ı': "i", 'ħ': "h", 'ŧ': "t", 'ŋ': "n", 'ĸ': "k", 'ƒ': "f",
	'ٱ': "ا", 'ى': "ي", 'ة': "ه", 'ک': "ك", 'ڪ': "ك", 'ی': "ي", 'ے': "ي", 'ہ': "ه", 'ھ': "ه", 'ە': "ه",
	'ґ': "г", 'ँ': "न्", 'ं': "न्",
	'ך': "כ", 'ם': "מ", 'ן': "נ", 'ף': "פ", 'ץ': "צ",
}

func foldAnew(r rune) string {
	if wholeVowels[r] {
		return string(r)
	}
	if unicode.Is(unicode.Cherokee, r) { // whose large and small letters cases.Fold exchanges
		return string(unicode.ToLower(r))
	}
	text := norm.NFKD.String(cases.Fold().String(norm.NFKD.String(string(r))))
	if strings.ContainsRune(text, '⁄') { // half is not twelve
		return string(r)
	}
	var out []byte
	for _, r := range text {
		switch c := classOf(r); {
		case c == apart || c == void || c == mark && diacritic(r):
		case likeness[r] != "":
			out = append(out, likeness[r]...)
		case r >= 'ァ' && r <= 'ヶ': // katakana as hiragana
			out = utf8.AppendRune(out, r-0x60)
		case unicode.Is(unicode.Nd, r):
			out = append(out, digit(r))
		case r != 0x0640: // tatweel only stretches
			out = utf8.AppendRune(out, r)
		}
	}
	return string(out)
}

// diacritic reports whether a mark may be left out in writing, as the dot below of
// Hindi's foreign sounds. The others of Indic and South-East Asian scripts are
// vowels, those of kana make other sounds: without them it is another word.
func diacritic(r rune) bool {
	return r >= 0x0300 && r <= 0x036F || r >= 0x0483 && r <= 0x0489 || r >= 0x1AB0 && r <= 0x1AFF || r >= 0x1DC0 && r <= 0x1DFF ||
		r >= 0x20D0 && r <= 0x20FF || r >= 0xFE20 && r <= 0xFE2F || r >= 0x0591 && r <= 0x05C7 || r >= 0x0610 && r <= 0x061A ||
		r >= 0x064B && r <= 0x065F || r == 0x0670 || r >= 0x06D6 && r <= 0x06ED || r >= 0x0730 && r <= 0x074A || r >= 0x08CA && r <= 0x08FF ||
		r == 0x093C
}

// digit gives a decimal digit of any script in ASCII. Unicode keeps the ten
// digits of a script together, beginning with its zero.
func digit(r rune) byte {
	for _, table := range unicode.Nd.R16 {
		if r >= rune(table.Lo) && r <= rune(table.Hi) {
			return '0' + byte((r-rune(table.Lo))%10)
		}
	}
	for _, table := range unicode.Nd.R32 {
		if r >= rune(table.Lo) && r <= rune(table.Hi) {
			return '0' + byte((r-rune(table.Lo))%10)
		}
	}
	return '0'
}

package analysis

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzScan: tokens lie in the text, in order, one after the other, on borders of
// letters; and to fold what is folded changes nothing, or an indexed word would
// not be found by itself.
func FuzzScan(f *testing.F) {
	for _, seed := range []string{"Hello, World!", "é ß İ ŒUVRE", "日本語ガ ｶﾞ", "สวัสดี น้ํา", "\xff\xc3", "a\u0301\u0301\u00adb", "👩‍💻👍🏽🇩🇪", "ﷺ ㎏ ½ ①", "صה\"ל ज़रूरत", "ফোল্ডার", "м'ята don't", "ᏣᎳᎩ ꮳꮃꭹ ᏸ", strings.Repeat("x", 130)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		end := 0
		scan(text, nil, func(tok token) bool {
			if tok.start < end || tok.end <= tok.start || tok.end > len(text) || len(tok.text) == 0 || !utf8.Valid(tok.text) {
				t.Fatalf("%q: a token at %d to %d, the last one ended at %d: %q", text, tok.start, tok.end, end, tok.text)
			}
			if !utf8.RuneStart(text[tok.start]) && utf8.ValidString(text) || tok.end < len(text) && utf8.ValidString(text) && !utf8.RuneStart(text[tok.end]) {
				t.Fatalf("%q: a token at %d to %d cuts a letter", text, tok.start, tok.end)
			}
			end = tok.end
			if word := string(tok.text); tok.whole {
				again := ""
				scan(word, nil, func(inner token) bool { again += string(inner.text); return true })
				if again != word {
					t.Fatalf("%q is folded to %q, and that to %q", text[tok.start:tok.end], word, again)
				}
			}
			return true
		})
	})
}

// FuzzNear holds the distance against its definition.
func FuzzNear(f *testing.F) {
	f.Add("hello", "hlelo", 1)
	f.Add("Привет", "превет", 2)
	f.Add("a", "", 0)
	f.Fuzz(func(t *testing.T, word, other string, n int) {
		a, b := []rune(word), []rune(other)
		if n < 1 || n > 2 || len(a) > 7 || len(b) > 7 { // the definition takes time exponential in this
			return
		}
		want := len(a) > 0 && len(b) > 0 && a[0] == b[0] && distance(a, b) <= n
		if got := Near(word, other, n); got != want {
			t.Fatalf("%q is near %q within %d: %v", word, other, n, got)
		}
	})
}

package analysis

import "unicode/utf8"

// vowels are the signs of Indian scripts that stand around their consonant, by
// the two characters that they may be written in. Nobody who types one thinks of
// two: they count as one letter. All of these take three bytes.
var vowels = map[[2]rune]rune{
	{0x09C7, 0x09BE}: 0x09CB, {0x09C7, 0x09D7}: 0x09CC, // Bengali
	{0x0B47, 0x0B56}: 0x0B48, {0x0B47, 0x0B3E}: 0x0B4B, {0x0B47, 0x0B57}: 0x0B4C, // Oriya
	{0x0B92, 0x0BD7}: 0x0B94, {0x0BC6, 0x0BBE}: 0x0BCA, {0x0BC7, 0x0BBE}: 0x0BCB, {0x0BC6, 0x0BD7}: 0x0BCC, // Tamil
	{0x0C46, 0x0C56}: 0x0C48,                                                                                                         // Telugu
	{0x0CBF, 0x0CD5}: 0x0CC0, {0x0CC6, 0x0CD5}: 0x0CC7, {0x0CC6, 0x0CD6}: 0x0CC8, {0x0CC6, 0x0CC2}: 0x0CCA, {0x0CCA, 0x0CD5}: 0x0CCB, // Kannada
	{0x0D46, 0x0D3E}: 0x0D4A, {0x0D47, 0x0D3E}: 0x0D4B, {0x0D46, 0x0D57}: 0x0D4C, // Malayalam
	{0x0DD9, 0x0DCA}: 0x0DDA, {0x0DD9, 0x0DCF}: 0x0DDC, {0x0DDC, 0x0DCA}: 0x0DDD, {0x0DD9, 0x0DDF}: 0x0DDE, // Sinhala
}

var wholeVowels = func() map[rune]bool {
	all := map[rune]bool{}
	for _, r := range vowels {
		all[r] = true
	}
	return all
}()

// appendVowel makes the last character of dst and another one a vowel, if they
// are one. It stays as long as it is.
func appendVowel(dst []byte, r rune) bool {
	if r < 0x09BE || r > 0x0DDF || len(dst) == 0 {
		return false
	}
	last, size := utf8.DecodeLastRune(dst)
	whole := vowels[[2]rune{last, r}]
	if whole != 0 {
		utf8.EncodeRune(dst[len(dst)-size:], whole)
	}
	return whole != 0
}

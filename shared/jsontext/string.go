// Package jsontext writes JSON without reflection, where there is much of it.
package jsontext

const hexDigits = "0123456789abcdef"

// AppendString writes a JSON string (RFC 8259). Only what JSON demands is escaped,
// and DEL, so the text stays readable in every script. s must be valid UTF-8.
func AppendString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; i < len(s); i++ {
		for i+8 <= len(s) && plain(s[i:i+8]) {
			i += 8
		}
		if i == len(s) {
			break
		}
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' && c != 0x7f {
			continue
		}
		dst = append(dst, s[start:i]...)
		start = i + 1
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

// Each byte of a word once, and the highest bit of each.
const (
	ones = 0x0101010101010101
	tops = 0x8080808080808080
)

// plain reports whether none of eight bytes is escaped, by looking at all at once
// (Bit Twiddling Hacks, "Determine if a word has a byte less than n").
func plain(s string) bool {
	_ = s[7]
	x := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 | uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
	quote, backslash, del := x^(ones*'"'), x^(ones*'\\'), x^(ones*0x7f)
	return ((x-ones*0x20)&^x|(quote-ones)&^quote|(backslash-ones)&^backslash|(del-ones)&^del)&tops == 0
}

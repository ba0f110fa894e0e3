package httpserve

// single reads the body that nearly all requests have, an object with one string
// and not an escape in it, in a tenth of the time that encoding/json takes. A
// value of nil says that this is another body; raw must be valid UTF-8.
func single(raw []byte) (name, value []byte) {
	rest, ok := after(raw, '{')
	if !ok {
		return nil, nil
	}
	if name, rest, ok = plain(rest); !ok {
		return nil, nil
	}
	if rest, ok = after(rest, ':'); !ok {
		return nil, nil
	}
	if value, rest, ok = plain(rest); !ok {
		return nil, nil
	}
	if rest, ok = after(rest, '}'); !ok || len(blank(rest)) > 0 {
		return nil, nil
	}
	return name, value
}

// blank leaves out what RFC 8259 calls whitespace.
func blank(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t' || b[0] == '\n' || b[0] == '\r') {
		b = b[1:]
	}
	return b
}

func after(b []byte, sign byte) ([]byte, bool) {
	b = blank(b)
	if len(b) == 0 || b[0] != sign {
		return nil, false
	}
	return b[1:], true
}

// plain reads a string that means what it says: no escapes, and no control
// characters, which JSON does not allow.
func plain(b []byte) (text, rest []byte, ok bool) {
	if b, ok = after(b, '"'); !ok {
		return nil, nil, false
	}
	for i, c := range b {
		switch {
		case c == '"':
			return b[:i:i], b[i+1:], true
		case c == '\\', c < ' ':
			return nil, nil, false
		}
	}
	return nil, nil, false
}

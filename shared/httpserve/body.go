package httpserve

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"unicode/utf8"

	"chatlog/shared/fault"
)

// MaxBody is the largest body that is taken, in bytes.
const MaxBody = 1 << 20

// How much of a body that nobody wants is read and thrown away, so that the client
// gets to read the refusal instead of a reset connection.
const (
	maxDrain     = 32 << 20
	limitedDrain = 256 << 10 // over a limit: a refusal must cost less than what it refuses
)

// unwanted is how much is read of the body of a request that is refused.
func unwanted(status int) int64 {
	if status == http.StatusTooManyRequests {
		return limitedDrain
	}
	return maxDrain
}

// drain reads what is left of the body of a request that is refused, within most
// bytes and the body's time, and tells whether that was all: if not, the connection
// has to be closed. net/http gives up at 256 KiB, and a client that sends everything
// before it reads would see a broken pipe. A client that waits for 100 Continue has
// sent nothing and is not asked to: of it nothing is left.
func drain(r *http.Request, most int64) bool {
	if r.Body == nil || r.Header.Get("Expect") != "" {
		return true
	}
	n, err := io.Copy(io.Discard, io.LimitReader(r.Body, most+1)) // one more, to see whether there is more
	return err == nil && n <= most
}

// Body is a JSON object as it was sent. Field names are compared exactly.
type Body struct {
	Raw         []byte
	fields      map[string]json.RawMessage
	name, value []byte // instead of fields: the only one, a string without escapes
}

// ReadBody reads a request's body: one JSON object in valid UTF-8, at most
// MaxBody bytes.
func ReadBody(r *http.Request) (Body, error) {
	if !isJSON(r.Header.Get("Content-Type")) {
		return Body{}, fault.New(fault.Unsupported, "Content-Type must be application/json")
	}
	if coding := r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
		return Body{}, fault.New(fault.Unsupported, "Content-Encoding is not supported")
	}
	raw, err := ReadRaw(r)
	if err != nil {
		return Body{}, err
	}
	return ParseBody(raw)
}

// ParseBody reads a body's bytes.
func ParseBody(raw []byte) (Body, error) {
	b := Body{Raw: raw}
	if !utf8.Valid(raw) {
		return b, fault.New(fault.Invalid, "Body is not valid UTF-8")
	}
	if b.name, b.value = single(raw); b.value != nil {
		return b, nil
	}
	err := json.Unmarshal(raw, &b.fields)
	var wrongType *json.UnmarshalTypeError
	switch {
	case errors.As(err, &wrongType), err == nil && b.fields == nil:
		return b, fault.New(fault.Invalid, "Body must be a JSON object")
	case err != nil:
		return b, fault.New(fault.Invalid, "Body is not one valid JSON value")
	case loneSurrogate(raw):
		return b, fault.New(fault.Invalid, "Body has an escape that is half of a surrogate pair")
	}
	return b, nil
}

// String gives a field that must be a string; null counts as absent.
func (b Body) String(name string) (value string, present bool, err error) {
	if b.value != nil {
		if string(b.name) != name {
			return "", false, nil
		}
		return string(b.value), true, nil
	}
	raw, present := b.fields[name]
	if !present || string(raw) == "null" {
		return "", false, nil
	}
	if json.Unmarshal(raw, &value) != nil {
		return "", false, fault.New(fault.Invalid, name+" must be a string")
	}
	return value, true, nil
}

// isJSON reports whether a content type is JSON in UTF-8; none at all is taken
// for JSON, because curl -d with the header removed and many scripts send none.
func isJSON(header string) bool {
	if header == "" {
		return true
	}
	kind, parameters, err := mime.ParseMediaType(header)
	if err != nil {
		return false
	}
	if charset := parameters["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
		return false
	}
	return kind == "application/json" || strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json")
}

var errBody = fault.New(fault.TooLarge, "Body is larger than 1 MiB")

// promised is how much memory a request gets for the length that it says it has,
// in bytes; more only as it arrives.
const promised = 16 << 10

// ReadRaw reads a request's body as it is, at most MaxBody bytes.
func ReadRaw(r *http.Request) ([]byte, error) {
	if r.ContentLength > MaxBody {
		return nil, errBody
	}
	var raw bytes.Buffer
	raw.Grow(int(min(max(r.ContentLength, 0), promised)) + bytes.MinRead)
	_, err := raw.ReadFrom(io.LimitReader(r.Body, MaxBody+1))
	switch {
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, err
	case err != nil:
		return nil, fault.Wrap(fault.Invalid, "Body could not be read", err)
	case raw.Len() > MaxBody:
		return nil, errBody
	}
	return raw.Bytes(), nil
}

// loneSurrogate finds a \uD800–\uDFFF escape without its other half in valid
// JSON. encoding/json would silently replace it, and the text that comes back
// would not be the text that was sent.
func loneSurrogate(raw []byte) bool {
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
		if raw[i+1] != 'u' {
			i++
			continue
		}
		switch surrogate(raw[i:]) {
		case low:
			return true
		case high:
			if i+6 >= len(raw) || surrogate(raw[i+6:]) != low {
				return true
			}
			i += 6
		}
		i += 5
	}
	return false
}

type half uint8

const (
	none half = iota
	high
	low
)

// surrogate says which half of a pair the escape at the start of b is.
func surrogate(b []byte) half {
	if len(b) < 6 || b[0] != '\\' || b[1] != 'u' || (b[2] != 'd' && b[2] != 'D') {
		return none
	}
	switch b[3] {
	case '8', '9', 'a', 'b', 'A', 'B':
		return high
	case 'c', 'd', 'e', 'f', 'C', 'D', 'E', 'F':
		return low
	}
	return none
}

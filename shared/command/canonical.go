package command

import (
	"bytes"
	"strconv"
	"strings"
	"sync"
	"time"

	"chatlog/shared/position"
)

// written is memory to write a command again with.
var written = sync.Pool{New: func() any { return new([]byte) }}

// decodeCanonical reads the one spelling that Append has, in a fifth of the time
// that the general decoder takes: every reader of the log reads every record
// once. A command that it takes was written again and is the same bytes, so it
// cannot read anything otherwise than the general decoder does; whatever it does
// not take, that one judges. value must be valid UTF-8.
func decodeCanonical(value []byte) (Command, bool) {
	s := scanner{rest: value}
	var c Command
	s.literal(`{"v":1,"id":"`)
	c.ID = s.text()
	s.literal(`,"op":"`)
	c.Op = s.op()
	want, known := fieldsOf[c.Op]
	if !known {
		return Command{}, false
	}
	s.fields(&c, want)
	s.literal(`,"time":"`)
	c.Time = s.time()
	if want&hasCreated != 0 {
		s.literal(`,"created":"`)
		c.Created = s.time()
	}
	if bytes.HasPrefix(s.rest, []byte(`,"keyed"`)) {
		s.literal(`,"keyed":true,"fingerprint":"`)
		c.Keyed, c.Fingerprint = true, s.text()
	}
	s.literal(`}`)
	if s.bad || len(s.rest) > 0 || c.Validate() != nil {
		return Command{}, false
	}
	buffer := written.Get().(*[]byte)
	defer written.Put(buffer)
	*buffer = Append((*buffer)[:0], &c)
	return c, bytes.Equal(*buffer, value)
}

// fields reads the fields between op and time.
func (s *scanner) fields(c *Command, want fields) {
	if want&hasLog != 0 {
		s.literal(`,"log":"`)
		c.Log = position.LogID(s.text())
		s.literal(`,"generation":`)
		c.Generation = uint32(s.number(32))
	}
	if want&hasApplication != 0 {
		s.literal(`,"application":"`)
		c.Application = s.text()
	}
	if want&hasUsername != 0 {
		s.literal(`,"username":"`)
		c.Username = s.text()
	}
	if want&hasChat != 0 {
		s.literal(`,"chat":`)
		c.Chat = int64(s.number(63))
	}
	if want&hasNumber != 0 {
		s.literal(`,"number":`)
		c.Number = int64(s.number(63))
	}
	if want&hasMessage != 0 {
		s.literal(`,"message":"`)
		c.Message = s.text()
	}
}

// scanner reads a command from its front; bad is set by the first thing that is
// not as Append writes it, and whatever is read after that means nothing.
type scanner struct {
	rest []byte
	bad  bool
}

func (s *scanner) literal(text string) {
	if len(s.rest) < len(text) || string(s.rest[:len(text)]) != text {
		s.bad = true
		return
	}
	s.rest = s.rest[len(text):]
}

// quoted gives what lies before the next quotation mark that no backslash hides.
func (s *scanner) quoted() (inner []byte, escaped bool) {
	for i := 0; i < len(s.rest) && !s.bad; i++ {
		switch s.rest[i] {
		case '"':
			inner, s.rest = s.rest[:i], s.rest[i+1:]
			return inner, escaped
		case '\\':
			escaped = true
			i++
		}
	}
	s.bad = true
	return nil, false
}

func (s *scanner) text() string {
	inner, escaped := s.quoted()
	if !escaped {
		return string(inner)
	}
	return s.unescape(inner)
}

// unescape undoes what jsontext.AppendString does, and nothing else.
func (s *scanner) unescape(inner []byte) string {
	var out strings.Builder
	out.Grow(len(inner))
	for len(inner) > 0 && !s.bad {
		n := bytes.IndexByte(inner, '\\')
		if n < 0 {
			out.Write(inner)
			break
		}
		out.Write(inner[:n])
		inner = inner[n+1:] // something follows: quoted took both
		length := 1
		switch inner[0] {
		case '"', '\\':
			out.WriteByte(inner[0])
		case 'n':
			out.WriteByte('\n')
		case 'r':
			out.WriteByte('\r')
		case 't':
			out.WriteByte('\t')
		case 'u':
			length = min(5, len(inner))
			code, err := strconv.ParseUint(string(inner[1:length]), 16, 7)
			if err != nil {
				s.bad = true
			}
			out.WriteByte(byte(code))
		default:
			s.bad = true
		}
		inner = inner[length:]
	}
	return out.String()
}

// ops are in the order of how many there are of each.
var ops = [...]Op{MessageCreate, MessageUpdate, MessageDelete, ChatCreate, ApplicationCreate, LogOpen}

func (s *scanner) op() Op {
	inner, _ := s.quoted()
	for _, op := range ops {
		if string(inner) == string(op) {
			return op // not a copy of the bytes
		}
	}
	return ""
}

func (s *scanner) number(bits int) uint64 {
	end := 0
	for end < len(s.rest) && s.rest[end] >= '0' && s.rest[end] <= '9' {
		end++
	}
	n, err := strconv.ParseUint(string(s.rest[:end]), 10, bits)
	if err != nil {
		s.bad = true
	}
	s.rest = s.rest[end:]
	return n
}

func (s *scanner) time() time.Time {
	inner, _ := s.quoted()
	t, err := time.Parse(timeFormat, string(inner))
	if err != nil {
		s.bad = true
	}
	return t
}

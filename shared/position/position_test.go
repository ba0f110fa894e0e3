package position

import (
	"testing"
)

func TestAt(t *testing.T) {
	for _, text := range []string{"00000000000000a1:0", "ffffffffffffffff:9223372036854775807", "0123456789abcdef:17"} {
		at, err := ParseAt([]byte(text))
		if err != nil || at.String() != text {
			t.Errorf("%s: %v %v", text, at, err)
		}
	}
	for _, text := range []string{"", ":", "00000000000000a1", "00000000000000a1:", ":1", "00000000000000A1:1", "0000000000000a1:1", "00000000000000a1:01",
		"00000000000000a1:+1", "00000000000000a1:-1", "00000000000000a1: 1", "00000000000000a1:1 ", "00000000000000a1:9223372036854775808",
		"00000000000000a1:1:1", "00000000000000g1:1", "00000000000000a1:1e3"} {
		if at, err := ParseAt([]byte(text)); err == nil {
			t.Errorf("%q is taken as %v", text, at)
		}
	}
}

func TestToken(t *testing.T) {
	for _, text := range []string{"00000000000000a1-0-0", "ffffffffffffffff-2147483647-9223372036854775807", "0123456789abcdef-11-17"} {
		token, err := ParseToken(text)
		if err != nil || token.String() != text {
			t.Errorf("%s: %v %v", text, token, err)
		}
	}
	for _, text := range []string{"", "-", "00000000000000a1-1", "00000000000000a1-1-", "00000000000000a1--1", "00000000000000a1-2147483648-1",
		"00000000000000a1-1-9223372036854775808", "00000000000000a1-01-1", "00000000000000a1-1-01", "00000000000000a1-1-1-1", "x-1-1"} {
		if token, err := ParseToken(text); err == nil {
			t.Errorf("%q is taken as %v", text, token)
		}
	}
}

func TestNewLogID(t *testing.T) {
	seen := map[LogID]bool{}
	for range 1000 {
		id := NewLogID()
		if !id.Valid() || seen[id] {
			t.Fatal(id)
		}
		seen[id] = true
	}
}

// Versions order by generation first: all of a moved log's records are newer
// than all of the old one's.
func TestVersion(t *testing.T) {
	ordered := []int64{Version(0, 0), Version(1, 0), Version(1, 1), Version(1, MaxOffset), Version(2, 0), Version(MaxGeneration, MaxOffset)}
	for i := 1; i < len(ordered); i++ {
		if ordered[i] <= ordered[i-1] {
			t.Errorf("version %d is %d, the one before it %d", i, ordered[i], ordered[i-1])
		}
	}
	if ordered[len(ordered)-1] != 1<<63-1 {
		t.Errorf("the greatest version is %d", ordered[len(ordered)-1])
	}
}

func FuzzParse(f *testing.F) {
	f.Add("00000000000000a1:0")
	f.Add("00000000000000a1-3-7")
	f.Fuzz(func(t *testing.T, text string) {
		if at, err := ParseAt([]byte(text)); err == nil && at.String() != text {
			t.Errorf("%q has the other spelling %q", text, at)
		}
		if token, err := ParseToken(text); err == nil && token.String() != text {
			t.Errorf("%q has the other spelling %q", text, token)
		}
	})
}

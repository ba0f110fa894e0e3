package position

import (
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
)

// offsets are where off-by-one and overflow would show.
func offsets() []int64 {
	list := []int64{0, 1, 9, 10, math.MaxInt32, math.MaxInt32 + 1, math.MaxUint32, MaxOffset, MaxOffset + 1, math.MaxInt64 - 1, math.MaxInt64}
	for range 1000 {
		list = append(list, rand.Int64()>>rand.IntN(63))
	}
	return list
}

// TestRoundTrip: what is written is read as the same, by either form and by
// neither for the other: a token must never pass for an `at`.
func TestRoundTrip(t *testing.T) {
	for _, offset := range offsets() {
		at := At{Log: NewLogID(), Offset: offset}
		if got, err := ParseAt([]byte(at.String())); err != nil || got != at {
			t.Errorf("%v became %v, %v", at, got, err)
		}
		if got := at.Append([]byte("before ")); string(got) != "before "+at.String() {
			t.Errorf("appended: %s", got)
		}
		for _, partition := range []int32{0, 11, math.MaxInt32, rand.Int32()} {
			token := Token{Log: at.Log, Partition: partition, Offset: offset}
			if got, err := ParseToken(token.String()); err != nil || got != token {
				t.Errorf("%v became %v, %v", token, got, err)
			}
			if _, err := ParseAt([]byte(token.String())); err == nil {
				t.Errorf("the token %s is taken for an at", token)
			}
		}
		if _, err := ParseToken(at.String()); err == nil {
			t.Errorf("the at %s is taken for a token", at)
		}
	}
}

// TestNoOtherSpelling puts every number that is not the canonical one where an
// offset or a partition stands: one position has one spelling, or the same
// place would be two for whoever compares texts.
func TestNoOtherSpelling(t *testing.T) {
	const log = "00000000000000a1"
	for _, number := range []string{"", " ", "-0", "-1", "+0", "+1", "00", "01", "007", " 1", "1 ", "1\n", "\t1", "1\x00", "0x1", "0b1", "0o1", "1_000", "1,000",
		"1.0", "1e3", "1e", "NaN", "inf", "null", "١", "１", "²", "9223372036854775808", "18446744073709551616", "99999999999999999999",
		strings.Repeat("9", 1000), strings.Repeat("0", 1000), "\xff"} {
		if at, err := ParseAt([]byte(log + ":" + number)); err == nil {
			t.Errorf("the offset %q is taken as %v", number, at)
		}
		for _, text := range []string{log + "-" + number + "-1", log + "-1-" + number} {
			if token, err := ParseToken(text); err == nil {
				t.Errorf("%q is taken as %v", text, token)
			}
		}
	}
}

// TestNoOtherLog: ids are compared byte by byte, so only one form is taken.
func TestNoOtherLog(t *testing.T) {
	for _, log := range []string{"", "0", "a1", "00000000000000a", "00000000000000a10", "00000000000000A1", "00000000000000g1", " 0000000000000a1",
		"0000000000000a1 ", "0x000000000000a1", "0000-0000-0000-a1", "00000000000000\xffa", "0000000000000é", strings.Repeat("a", 1000)} {
		if LogID(log).Valid() {
			t.Errorf("%q passes for an id", log)
		}
		if at, err := ParseAt([]byte(log + ":1")); err == nil {
			t.Errorf("the log %q is taken as %v", log, at)
		}
		if token, err := ParseToken(log + "-1-1"); err == nil {
			t.Errorf("the log %q is taken as %v", log, token)
		}
	}
}

// FuzzFormat: from the other side, any position can be written and read.
func FuzzFormat(f *testing.F) {
	f.Add(uint64(0), int32(0), int64(0))
	f.Add(uint64(math.MaxUint64), int32(math.MaxInt32), int64(math.MaxInt64))
	f.Add(uint64(0xa1), int32(-1), int64(-1))
	f.Fuzz(func(t *testing.T, id uint64, partition int32, offset int64) {
		digits := strconv.FormatUint(id, 16)
		log := LogID(strings.Repeat("0", idLength-len(digits)) + digits)
		at, token := At{log, offset}, Token{log, partition, offset}
		if got, err := ParseAt([]byte(at.String())); (err == nil) != (offset >= 0) || err == nil && got != at {
			t.Errorf("%v became %v, %v", at, got, err)
		}
		right := offset >= 0 && partition >= 0
		if got, err := ParseToken(token.String()); (err == nil) != right || err == nil && got != token {
			t.Errorf("%v became %v, %v", token, got, err)
		}
	})
}

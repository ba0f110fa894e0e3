package analysis

import (
	"math/rand/v2"
	"strings"
	"testing"
)

func TestTypos(t *testing.T) {
	for _, c := range []struct {
		text, query string
		want        Class
	}{
		{"hello", "hello", Exact}, {"Othello", "hello", Part}, {"hello", "helo", None}, // too short
		{"hello", "hallo", Typo}, {"hello", "hellow", Typo}, {"hello", "hlelo", Typo}, {"hello", "jello", None}, {"hello", "hxlxo", None},
		{"tomorrow", "tommorow", None}, {"tomorrow", "tomorow", Typo}, {"necessary", "neccesary", Typo}, {"necessary", "necesary", Typo},
		{"necessary", "naccesery", None}, {"Привет", "превет", Typo}, {"Straße", "strase", Typo}, {"école", "ecolle", Typo},
		{"invoice 12345", "12346", None}, {"order a1b2c3d4e", "a1b2c3d4f", None}, {"hell0", "hello", Typo},
		{"hello", `"hallo"`, None}, {"hello world", "world hallo", Typo}, {"Othello world", "world hello", Part}, {"Othello world", "wold hello", None},
		{"Othello world", "worls hello", Typo}, {strings.Repeat("a", 40), strings.Repeat("a", 35) + "b", None},
	} {
		clauses, ok := Query(c.query)
		if got := Match(c.text, clauses); !ok || got != c.want {
			t.Errorf("%q meets %q as %d, want %d", c.text, c.query, got, c.want)
		}
	}
}

func TestOnlySomeWordsMayHaveTypos(t *testing.T) {
	clauses, _ := Query(strings.Repeat("hello ", maxTypoWords) + `"x" ` + strings.Repeat("hello ", 3))
	count := 0
	for _, c := range clauses {
		count += c.Typos
	}
	if len(clauses) != maxTypoWords+4 || count != maxTypoWords {
		t.Errorf("%d of %d", count, len(clauses))
	}
}

// distance is the definition, tried in all ways.
func distance(a, b []rune) int {
	if len(a) == 0 || len(b) == 0 {
		return len(a) + len(b)
	}
	least := min(distance(a[1:], b), distance(a, b[1:])) + 1
	changed := distance(a[1:], b[1:])
	if a[0] != b[0] {
		changed++
	}
	if least = min(least, changed); len(a) > 1 && len(b) > 1 && a[0] == b[1] && a[1] == b[0] {
		least = min(least, distance(a[2:], b[2:])+1)
	}
	return least
}

func TestNearIsTheDistance(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	word := func() string {
		out := make([]rune, 1+random.IntN(6))
		for i := range out {
			out[i] = []rune("abéя")[random.IntN(4)]
		}
		return string(out)
	}
	for range 20000 {
		a, b := word(), word()
		x, y := []rune(a), []rune(b)
		for n := 1; n <= 2; n++ {
			if want := x[0] == y[0] && distance(x, y) <= n; Near(a, b, n) != want {
				t.Fatalf("%q is near %q within %d: %v", a, b, n, !want)
			}
		}
	}
}

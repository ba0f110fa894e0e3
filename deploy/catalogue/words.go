package catalogue

import (
	"math/rand/v2"
	"strings"
	"unicode"
)

// MostHits is how many messages may hold a word that is drawn: one search
// shows that many.
const MostHits = 1000

// Words draws words from texts: runs of at least four letters, or, in scripts
// that set no spaces, of two to four characters in a row. At most MostHits
// messages hold each of them.
func Words(texts []string, count int, random *rand.Rand) []string {
	drawn := map[string]bool{}
	var all []string
	for tries := 0; len(all) < count && tries < 200*count; tries++ {
		runs := strings.FieldsFunc(texts[random.IntN(len(texts))], func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsMark(r) })
		if len(runs) == 0 {
			continue
		}
		word := pick([]rune(runs[random.IntN(len(runs))]), random)
		if word == "" || drawn[word] || len(Holding(texts, word)) > MostHits {
			continue
		}
		drawn[word] = true
		all = append(all, word)
	}
	return all
}

func pick(run []rune, random *rand.Rand) string {
	if unicode.Is(unicode.Han, run[0]) || unicode.Is(unicode.Hiragana, run[0]) || unicode.Is(unicode.Katakana, run[0]) {
		return string(run[:min(len(run), 2+random.IntN(3))])
	}
	if len(run) < 4 || len(run) > 40 {
		return ""
	}
	return string(run)
}

// Holding gives the texts that hold a word, as anybody would look for it.
func Holding(texts []string, word string) map[string]bool {
	found := map[string]bool{}
	for _, text := range texts {
		if strings.Contains(text, word) {
			found[text] = true
		}
	}
	return found
}

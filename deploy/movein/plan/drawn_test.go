package plan

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// drawn makes rows with anything wrong, in the order of the database, and choices
// that stop at nothing.
func drawn(seed uint64) (Choices, []Row) {
	random := rand.New(rand.NewPCG(seed, 3))
	pick := func(of ...string) string { return of[random.IntN(len(of))] }
	c := Choices{Tokens: pick("skip", "derive"), Duplicates: pick("first", "last"), Orphans: pick("adopt", "skip"), Gaps: pick("tombstone", "renumber"),
		Counts: "rows", Numbers: "skip", Usernames: "mend", Texts: pick("mend", "tombstone"), Time: day, MaxGap: 1000}
	if c.Gaps == "tombstone" {
		c.Counts = pick("rows", "fill")
	}
	var rows []Row
	for i := range 5 + random.IntN(60) {
		r := Row{Kind: Kind(random.IntN(3)), ID: int64(i), Application: pick(a, b, "X", "cccccccc"), Created: day}
		if random.IntN(5) == 0 {
			r.Created = time.Time{}
		}
		if random.IntN(3) > 0 {
			r.Count = number(random.Int64N(9))
		}
		if random.IntN(8) > 0 {
			r.Text = text(pick("", "x", "caf\xe9", strings.Repeat("ü", 300), strings.Repeat("ü\xff", 33_000)))
		}
		if r.Kind >= Chat {
			r.ChatKey = random.Uint64N(5)
			r.Chat = fmt.Sprint(r.ChatKey)
		}
		if r.Kind == Message {
			r.NumberKey = random.Uint64N(9)
			r.Number = fmt.Sprint(r.NumberKey)
		}
		rows = append(rows, r)
	}
	slices.SortFunc(rows, func(x, y Row) int {
		return cmp.Or(cmp.Compare(x.Application, y.Application), cmp.Compare(x.ChatKey, y.ChatKey), cmp.Compare(x.Kind, y.Kind),
			cmp.Compare(x.NumberKey, y.NumberKey), cmp.Compare(x.ID, y.ID))
	})
	return c, rows
}

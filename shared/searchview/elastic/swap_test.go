package elastic

import (
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"chatlog/shared/command"
	"chatlog/shared/parts"
	"chatlog/shared/searchconn"
	"chatlog/shared/view"
)

// relatives are the indices of one alias on a real Elasticsearch, under test.
type relatives struct {
	*testing.T
	x *Index
}

func newRelatives(t *testing.T) relatives {
	base := parts.Elasticsearch(t)
	cfg := searchconn.Default()
	cfg.Addresses, cfg.Alias, cfg.Shards = []string{base}, fmt.Sprintf("family-%d", time.Now().UnixNano()), 1
	x, err := Open(cfg, 1)
	if err != nil {
		t.Fatal(err)
	}
	r := relatives{t, x}
	t.Cleanup(func() {
		for number := 2; number <= 4; number++ {
			if q, err := http.NewRequest(http.MethodDelete, base+"/"+r.name(number), nil); err == nil {
				if a, err := http.DefaultClient.Do(q); err == nil {
					io.Copy(io.Discard, a.Body)
					a.Body.Close()
				}
			}
		}
		x.Close()
	})
	return r
}

// name is that of an index; Prepare makes the second.
func (r relatives) name(number int) string {
	return fmt.Sprintf("%s-%06d", r.x.cfg.Alias, version-2+number)
}

// are wants this family.
func (r relatives) are(want Family) {
	r.Helper()
	if got, err := r.x.Family(r.Context()); err != nil || got != want {
		r.Fatalf("%+v %v, want %+v", got, err, want)
	}
}

// apply brings records into an index. Each makes a message, but for the second one,
// which deletes the first.
func (r relatives) apply(x *Index, from, to int64) {
	r.Helper()
	b := view.Batch{From: from, To: view.Progress{Log: "00000000000000a1", Generation: 1, Next: to, LastID: "x", LastOffset: to - 1}}
	for n := from; n < to; n++ {
		c := command.Command{Op: command.MessageCreate, Application: "a", Chat: 1, Number: n + 1, Message: "m"}
		if n == 1 {
			c = command.Command{Op: command.MessageDelete, Application: "a", Chat: 1, Number: 1}
		}
		b.Entries = append(b.Entries, view.Entry{Offset: n, Command: c})
	}
	if rejections, err := x.Apply(r.Context(), b); err != nil || len(rejections) > 0 {
		r.Fatal(rejections, err)
	}
}

// counts wants so many messages in an index, all and those that are not deleted.
func (r relatives) counts(x *Index, all int, live int64) {
	r.Helper()
	if err := x.Refresh(r.Context()); err != nil {
		r.Fatal(err)
	}
	n, err := x.Count(r.Context())
	keys, err2 := x.Sample(r.Context(), 7, 100)
	if err != nil || err2 != nil || n != live || len(keys) != all {
		r.Fatal(n, len(keys), err, err2)
	}
}

// TestRealSwap builds an index beside another one and puts it in its place.
func TestRealSwap(t *testing.T) {
	r := newRelatives(t)
	r.are(Family{Free: r.name(3)})
	if err := r.x.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.apply(r.x, 0, 8)
	r.counts(r.x.Current(), 7, 6)
	r.are(Family{Current: r.name(2), Free: r.name(3)})
	for range 2 { // by somebody else, too
		if err := r.x.Begin(t.Context(), r.name(3)); err != nil {
			t.Fatal(err)
		}
	}
	next := r.x.Next()
	if err := next.Prepare(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.apply(next, 0, 5)
	r.counts(next, 4, 3)
	before := Family{Current: r.name(2), Next: r.name(3), Free: r.name(4)}
	r.are(before)
	if err := r.x.Swap(t.Context(), Family{Current: r.name(4), Next: r.name(3)}); err == nil {
		t.Fatal("an index that is not behind the alias was swapped")
	}
	r.are(before)
	if err := r.x.Swap(t.Context(), before); err != nil {
		t.Fatal(err)
	}
	after := Family{Current: r.name(3), Kept: r.name(2), Free: r.name(4)}
	r.are(after)
	if all, err := r.x.Progresses(t.Context()); err != nil || all[0].Next != 5 {
		t.Fatal(all, err)
	}
	r.apply(r.x, 5, 8)
	r.counts(r.x, 7, 6)
	if err := r.x.Swap(t.Context(), before); err == nil {
		t.Fatal("it was swapped again")
	}
	r.are(after)
	if err := r.x.Drop(t.Context(), after); err != nil {
		t.Fatal(err)
	}
	r.are(Family{Current: r.name(3), Free: r.name(4)})
	r.counts(r.x, 7, 6)
}

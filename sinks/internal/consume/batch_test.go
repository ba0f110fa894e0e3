package consume

import (
	"reflect"
	"testing"

	"chatlog/shared/command"
	"chatlog/shared/view"
)

// batchOf reads a batch that has its entries at some offsets and ends at end.
func batchOf(t *testing.T, end int64, offsets ...int64) view.Batch {
	t.Helper()
	var records []command.Record
	for _, at := range offsets {
		records = append(records, said(at, "text"))
	}
	out, rest := readerAt(upTo(1), true).take(records, end, plenty)
	if len(rest) > 0 || len(out.batch.Entries) != len(offsets) {
		t.Fatalf("read %d of %d", len(out.batch.Entries), len(offsets))
	}
	return out.batch
}

func TestHalvesFollowEachOther(t *testing.T) {
	for _, c := range []struct {
		name    string
		offsets []int64
		end     int64
		first   []int64
		cut     int64
	}{
		{"two", []int64{1, 2}, 3, []int64{1}, 2},
		{"three", []int64{1, 2, 3}, 4, []int64{1}, 2},
		{"four", []int64{1, 2, 3, 4}, 5, []int64{1, 2}, 3},
		{"with gaps", []int64{3, 7, 20, 40}, 50, []int64{3, 7}, 20},
	} {
		t.Run(c.name, func(t *testing.T) {
			whole := batchOf(t, c.end, c.offsets...)
			first, second := halves(whole)
			if first.From != whole.From || first.To.Next != c.cut || second.From != c.cut || second.To != whole.To {
				t.Errorf("from %d to %d, and from %d to %+v", first.From, first.To.Next, second.From, second.To)
			}
			last := c.first[len(c.first)-1]
			if want := (view.Progress{Log: ours, Generation: 1, Next: c.cut, LastID: id(last), LastOffset: last}); first.To != want {
				t.Errorf("after the first half the view is at %+v, want %+v", first.To, want)
			}
			if got := offsetsOf(first.Entries); !reflect.DeepEqual(got, c.first) {
				t.Errorf("the first half has %v", got)
			}
			if got := append(offsetsOf(first.Entries), offsetsOf(second.Entries)...); !reflect.DeepEqual(got, c.offsets) {
				t.Errorf("together they have %v", got)
			}
		})
	}
}

// A command that a view cannot take has counted all the same: the batch without
// it ends where it ended, and names the same last record.
func TestWithoutKeepsTheEnd(t *testing.T) {
	for _, c := range []struct {
		name string
		drop map[int64]bool
		want []int64
	}{
		{"nothing", nil, []int64{2, 4, 6}},
		{"one", map[int64]bool{4: true}, []int64{2, 6}},
		{"the last", map[int64]bool{6: true}, []int64{2, 4}},
		{"all", map[int64]bool{2: true, 4: true, 6: true}, nil},
		{"one that is not in it", map[int64]bool{3: true}, []int64{2, 4, 6}},
	} {
		t.Run(c.name, func(t *testing.T) {
			whole := batchOf(t, 8, 2, 4, 6)
			got := without(whole, c.drop)
			if !reflect.DeepEqual(offsetsOf(got.Entries), c.want) || got.From != whole.From || got.To != whole.To {
				t.Errorf("got %v from %d to %+v", offsetsOf(got.Entries), got.From, got.To)
			}
			if !reflect.DeepEqual(offsetsOf(whole.Entries), []int64{2, 4, 6}) {
				t.Errorf("the batch that it was made from has changed to %v", offsetsOf(whole.Entries))
			}
		})
	}
}

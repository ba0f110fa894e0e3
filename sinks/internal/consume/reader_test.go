package consume

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"chatlog/shared/command"
	"chatlog/shared/view"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// readerAt makes a reader that goes on from a progress.
func readerAt(p view.Progress, tells bool) *reader {
	return &reader{position: p, tells: tells, log: command.Log{ID: p.Log, Generation: p.Generation, PartitionOf: here}}
}

var plenty = Limits{Records: 1000, Bytes: 1 << 20}

type takeCase struct {
	name    string
	from    view.Progress
	silent  bool // another view tells of what is not ours
	records []command.Record
	end     int64 // 0: after the last record
	want    view.Progress
	entries []int64
	letters []string
}

func takeCases() []takeCase {
	behind := upTo(4) // a replay: the position is set back, what counted last stays
	behind.Next = 1
	return []takeCase{
		{name: "an empty page", from: upTo(3), end: 3, want: upTo(3)},
		{name: "the opening sets the log", from: nowhere(), records: conversation(1), want: upTo(1)},
		{name: "what counts", from: nowhere(), records: conversation(4), want: upTo(4), entries: []int64{1, 2, 3}},
		{name: "before the position", from: upTo(2), records: conversation(4), want: upTo(4), entries: []int64{2, 3}},
		{name: "all of it before the position", from: upTo(9), records: conversation(4), want: upTo(9)},
		{name: "a replay keeps what counted last", from: behind, records: conversation(3)[1:], want: view.Progress{
			Log: ours, Generation: 1, Next: 3, LastID: id(3), LastOffset: 3}, entries: []int64{1, 2}},
		{name: "a replay beyond it moves it", from: behind, records: conversation(6)[1:], want: upTo(6), entries: []int64{1, 2, 3, 4, 5}},
		{name: "a replay meets the opening again", from: view.Progress{Log: ours, Generation: 1, LastID: id(1), LastOffset: 1},
			records: conversation(2), want: upTo(2), entries: []int64{1}},
		{name: "misplaced and control only move on", from: upTo(2), records: []command.Record{misplaced(2), control(3), misplaced(4)},
			want: next(upTo(2), 5)},
		{name: "offsets that no record has", from: upTo(2), end: 7, want: next(upTo(2), 7)},
		{name: "a gap between records", from: upTo(2), records: []command.Record{said(5, "a")}, want: upTo(6), entries: []int64{5}},
		{name: "before the opening", from: nowhere(), records: []command.Record{unmarked(0), foreign(1), misplaced(2), control(3)},
			want: next(nowhere(), 4), letters: []string{"0 unmarked", "1 foreign", "2 foreign"}},
		{name: "not ours, told", from: upTo(2), records: []command.Record{unmarked(2), said(3, "a"), foreign(4)},
			want: next(upTo(4), 5), entries: []int64{3}, letters: []string{"2 unmarked", "4 foreign"}},
		{name: "not ours, another view tells", silent: true, from: upTo(2), records: []command.Record{unmarked(2), said(3, "a"), foreign(4)},
			want: next(upTo(4), 5), entries: []int64{3}},
		{name: "invalid is told by every view", silent: true, from: upTo(2), records: []command.Record{invalid(2)},
			want: next(upTo(2), 3), letters: []string{"2 invalid"}},
	}
}

func TestTake(t *testing.T) {
	for _, c := range takeCases() {
		t.Run(c.name, func(t *testing.T) {
			r := readerAt(c.from, !c.silent)
			if c.end == 0 {
				c.end = c.records[len(c.records)-1].Offset + 1
			}
			out, rest := r.take(c.records, c.end, plenty)
			if len(rest) > 0 || out.stop != nil {
				t.Errorf("left %d, stopped by %v", len(rest), out.stop)
			}
			if out.batch.From != c.from.Next || out.batch.To != c.want || r.position != c.want {
				t.Errorf("the batch goes from %d to %+v, the reader is at %+v, want %+v", out.batch.From, out.batch.To, r.position, c.want)
			}
			if got := offsetsOf(out.batch.Entries); !reflect.DeepEqual(got, c.entries) {
				t.Errorf("entries %v, want %v", got, c.entries)
			}
			if got := positionsOf(out.letters); !reflect.DeepEqual(got, c.letters) {
				t.Errorf("letters %q, want %q", got, c.letters)
			}
			if r.log.ID != c.want.Log || r.log.Generation != c.want.Generation {
				t.Errorf("the log is %q, generation %d", r.log.ID, r.log.Generation)
			}
		})
	}
}

// next is a progress after records that did not count.
func next(p view.Progress, to int64) view.Progress {
	p.Next = to
	return p
}

func TestTakeKeepsTheLimits(t *testing.T) {
	records := append(conversation(6)[1:], misplaced(6), said(7, "text 7"))
	size := len(records[0].Value)
	for _, c := range []struct {
		name   string
		limits Limits
		want   string // the batches' entries, and where each of them ends
	}{
		{"plenty", plenty, "[1 2 3 4 5 7]8"},
		{"two records", Limits{Records: 2, Bytes: 1 << 20}, "[1 2]3 [3 4]5 [5 7]8"},
		{"one record", Limits{Records: 1, Bytes: 1 << 20}, "[1]2 [2]3 [3]4 [4]5 [5]7 [7]8"},
		{"bytes of three", Limits{Records: 100, Bytes: 3 * size}, "[1 2 3]4 [4 5 7]8"},
		{"one byte too few for three", Limits{Records: 100, Bytes: 3*size - 1}, "[1 2]3 [3 4]5 [5 7]8"},
		{"less than any has: one goes all the same", Limits{Records: 100, Bytes: 1}, "[1]2 [2]3 [3]4 [4]5 [5]7 [7]8"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r, rest, got := readerAt(upTo(1), true), records, ""
			for {
				var out run
				out, rest = r.take(rest, 8, c.limits)
				got += fmt.Sprintf(" %v%d", offsetsOf(out.batch.Entries), out.batch.To.Next)
				if rest == nil {
					break
				}
			}
			if got != " "+c.want {
				t.Errorf("got%s, want %s", got, c.want)
			}
		})
	}
}

func TestTakeStopsAtWhatIsNewer(t *testing.T) {
	for _, c := range []struct {
		name    string
		from    view.Progress
		records []command.Record
		want    view.Progress
		entries []int64
	}{
		{"first of all", upTo(2), []command.Record{newer(2), said(3, "a")}, upTo(2), nil},
		{"after others", upTo(2), []command.Record{said(2, "a"), control(3), newer(4), said(5, "b")}, next(upTo(3), 4), []int64{2}},
		{"before the opening", nowhere(), []command.Record{newer(0)}, nowhere(), nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := readerAt(c.from, true)
			out, rest := r.take(c.records, 9, plenty)
			var stop newerError
			if !errors.As(out.stop, &stop) || stop.offset != c.want.Next || !strings.Contains(stop.Error(), "upgrade") {
				t.Errorf("stopped by %v", out.stop)
			}
			if rest != nil || r.position != c.want || out.batch.To != c.want {
				t.Errorf("the reader is at %+v, want %+v; %d are left", r.position, c.want, len(rest))
			}
			if got := offsetsOf(out.batch.Entries); !reflect.DeepEqual(got, c.entries) || len(out.letters) > 0 {
				t.Errorf("entries %v, letters %q", got, positionsOf(out.letters))
			}
		})
	}
}

// A record of a newer program that lies elsewhere than it was written for is
// as little a reason to stop as any other that does not count.
func TestTakePassesMisplacedNewerRecords(t *testing.T) {
	record := newer(5)
	record.Offset = 2
	r := readerAt(upTo(2), true)
	if out, _ := r.take([]command.Record{record}, 3, plenty); out.stop != nil || r.position.Next != 3 {
		t.Errorf("stopped by %v at %d", out.stop, r.position.Next)
	}
}

// However a log is cut into pages and batches, the views must come out the
// same: batches that follow each other, every record once, one last position.
func TestTakeIsTheSameHoweverTheLogIsCut(t *testing.T) {
	kinds := []func(int64) command.Record{misplaced, control, unmarked, foreign, invalid}
	for seed := range uint64(200) {
		random := rand.New(rand.NewPCG(seed, 1))
		records := []command.Record{opened(0)}
		for at := int64(1); at < 60; at++ {
			if random.IntN(3) == 0 {
				records = append(records, kinds[random.IntN(len(kinds))](at))
			} else {
				records = append(records, said(at, strings.Repeat("x", random.IntN(40)+1)))
			}
		}
		whole, _ := readerAt(nowhere(), true).take(records, 60, plenty)
		limits := Limits{Records: random.IntN(8) + 1, Bytes: random.IntN(2000) + 1}
		var entries, letters []string
		r := readerAt(nowhere(), true)
		for at := 0; at < len(records); {
			to := min(at+random.IntN(12)+1, len(records))
			for rest := records[at:to]; ; {
				var out run
				from := r.position.Next
				out, rest = r.take(rest, int64(to), limits)
				if out.batch.From != from || out.batch.To != r.position {
					t.Fatalf("seed %d: a batch from %d to %+v after %d", seed, out.batch.From, out.batch.To, from)
				}
				entries = append(entries, fmt.Sprint(offsetsOf(out.batch.Entries)))
				letters = append(letters, positionsOf(out.letters)...)
				if rest == nil {
					break
				}
			}
			at = to
		}
		joined := strings.Fields(strings.NewReplacer("[", " ", "]", " ").Replace(strings.Join(entries, "")))
		want := strings.Fields(strings.Trim(fmt.Sprint(offsetsOf(whole.batch.Entries)), "[]"))
		if r.position != whole.batch.To || !reflect.DeepEqual(joined, want) || !reflect.DeepEqual(letters, positionsOf(whole.letters)) {
			t.Fatalf("seed %d: ends at %+v with %v and %v, in one go at %+v with %v and %v",
				seed, r.position, joined, letters, whole.batch.To, want, positionsOf(whole.letters))
		}
	}
}

package imports

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"chatlog/ingest/internal/partition"
	"chatlog/shared/command"
	"chatlog/shared/deadletter"
	"chatlog/shared/fault"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/position"
	"chatlog/shared/retry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// token belongs to partition 0 of one.
const token = "0123456789abcdef0123456789abcdef"

// world is the topic, the group, the owner and the dead letters of one partition, all
// in memory.
type world struct {
	mutex     sync.Mutex
	records   []command.Record
	start     int64
	committed int64
	held      bool
	looks     int                 // at the lease
	asked     []partition.Request // of the owner
	answers   map[int]chan<- partition.Imported
	letters   []deadletter.Refused
	refusing  error // of the letters
	happened  []string
	told      map[int64][]deadletter.Digest
}

func newWorld(values ...string) *world {
	w := &world{committed: -1, held: true, answers: map[int]chan<- partition.Imported{}, told: map[int64][]deadletter.Digest{}}
	for i, v := range values {
		w.records = append(w.records, command.Record{Offset: int64(i), Key: []byte(token), Value: []byte(v)})
	}
	return w
}

func (w *world) do(do func()) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	do()
}

func (w *world) Fetch(ctx context.Context, _ int32, from int64, _ time.Duration) (p kafkaconn.Page, err error) {
	w.do(func() {
		p = kafkaconn.Page{Next: max(from, int64(len(w.records))), HighWatermark: int64(len(w.records))}
		switch {
		case from > int64(len(w.records)) || from < w.start:
			err = &kafkaconn.OutOfRangeError{Offset: from, Start: w.start, End: int64(len(w.records))}
		default:
			p.Records = w.records[from:]
		}
	})
	if err == nil && len(p.Records) == 0 {
		retry.Wait(ctx, 5*time.Millisecond)
	}
	return p, err
}

func (w *world) Bounds(context.Context, int32) (b kafkaconn.Bounds, err error) {
	w.do(func() { b = kafkaconn.Bounds{Start: w.start, End: int64(len(w.records))} })
	return b, nil
}

func (w *world) Committed(context.Context, int32) (at int64, err error) {
	w.do(func() { at = w.committed })
	return at, nil
}

func (w *world) Commit(_ context.Context, _ int32, offset int64) error {
	w.do(func() {
		if offset != w.committed {
			w.happened = append(w.happened, fmt.Sprint("commit ", offset))
		}
		w.committed = offset
	})
	return nil
}

func (w *world) Import(_ context.Context, r partition.Request, place int64, answers chan<- partition.Imported) error {
	w.do(func() {
		w.asked = append(w.asked, r)
		w.answers[int(place)] = answers
	})
	return nil
}

func (w *world) DropImports() { w.do(func() { w.happened = append(w.happened, "dropped") }) }

func (w *world) Write(_ context.Context, _ position.LogID, letters []deadletter.Refused) (err error) {
	w.do(func() {
		if err = w.refusing; err == nil {
			w.letters = append(w.letters, letters...)
			w.happened = append(w.happened, fmt.Sprint("letter ", letters[0].Record.Offset))
		}
	})
	return err
}

func (w *world) Told(context.Context) (map[int64][]deadletter.Digest, error) { return w.told, nil }

// answer gives the owner's answer to the import at some place.
func (w *world) answer(place int, err error) {
	w.do(func() { w.answers[place] <- partition.Imported{Place: int64(place), Err: err} })
}

// work imports until the test ends it. Every look at the clock passes two seconds.
func (w *world) work(t *testing.T) (stop func()) {
	t.Helper()
	now := time.Unix(1e9, 0)
	var mutex sync.Mutex
	i := New(Config{Partitions: 1, InFlight: 10}, Parts{Source: w, Owner: func(int32) Owner { return w }, Letters: func(int32) Letters { return w },
		Holds: func(int32) (held bool) { w.do(func() { held, w.looks = w.held, w.looks+1 }); return held },
		Clock: func() time.Time {
			mutex.Lock()
			defer mutex.Unlock()
			now = now.Add(2 * time.Second)
			return now
		}, Metrics: NewMetrics(prometheus.NewRegistry()), Log: slog.New(slog.DiscardHandler)})
	if err := i.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	return sync.OnceFunc(func() {
		if err := i.Stop(context.Background()); err != nil {
			t.Error(err)
		}
	})
}

// until waits for a condition.
func (w *world) until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; {
		there := false
		w.do(func() { there = holds() })
		if there {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: never; committed %d, %d asked, %q", what, w.committed, len(w.asked), w.happened)
		}
		time.Sleep(time.Millisecond) // between two looks
	}
}

func chat(n int) string {
	return fmt.Sprintf(`{"id":"00000000-0000-4000-8000-%012d","op":"chat.create","application":%q}`, n, token)
}

// The offset moves past a record only when it is in the log, in order.
func TestTheOffsetMovesPastWhatIsSettled(t *testing.T) {
	w := newWorld(chat(1), chat(2), chat(3))
	stop := w.work(t)
	defer stop()
	w.until(t, "all are submitted", func() bool { return len(w.asked) == 3 })
	w.answer(2, nil)
	w.answer(1, nil)
	stop() // which commits what is settled
	if w.committed != 0 {
		t.Fatalf("committed %d before the first one was appended", w.committed)
	}
	again := w.work(t)
	defer again()
	w.until(t, "all are submitted again", func() bool { return len(w.asked) == 6 })
	for place := range 3 {
		w.answer(place, nil)
	}
	w.until(t, "the end is committed", func() bool { return w.committed == 3 })
}

// What is committed is what is settled, however much was fetched and submitted.
func TestTheOffsetStopsAtWhatIsPending(t *testing.T) {
	w := newWorld(chat(1), chat(2), chat(3))
	defer w.work(t)()
	w.until(t, "all are submitted", func() bool { return len(w.asked) == 3 })
	w.answer(0, nil)
	at := int64(0)
	w.until(t, "something is committed", func() bool { at = w.committed; return at > 0 })
	if at != 1 {
		t.Errorf("committed %d when only the first was appended", at)
	}
}

// A refused record is in the dead letters before the offset is past it.
func TestALetterComesBeforeTheCommit(t *testing.T) {
	w := newWorld("garbage", chat(1))
	w.refusing = fault.New(fault.Transient, "not now")
	stop := w.work(t)
	defer stop()
	w.until(t, "it is begun", func() bool { return w.committed == 0 })
	w.do(func() { w.refusing = nil })
	w.until(t, "the next is submitted", func() bool { return len(w.asked) == 1 })
	w.answer(1, fault.New(fault.NotFound, "Application not found"))
	w.until(t, "the end is committed", func() bool { return w.committed == 2 })
	if got := strings.Join(w.happened, ", "); got != "commit 0, letter 0, letter 1, commit 2" && got != "commit 0, letter 0, commit 1, letter 1, commit 2" {
		t.Error(got)
	}
	if w.letters[0].Class != invalid || w.letters[1].Class != unknown || string(w.letters[0].Record.Value) != "garbage" {
		t.Errorf("%+v", w.letters)
	}
}

// What was told of stays refused; another record at its place is another matter.
func TestToldBefore(t *testing.T) {
	w := newWorld(chat(1), chat(2), "garbage")
	w.told[0] = []deadletter.Digest{deadletter.DigestOf([]byte(token), []byte(chat(1)))}
	w.told[2] = []deadletter.Digest{deadletter.DigestOf([]byte(token), []byte("other garbage"))}
	defer w.work(t)()
	w.until(t, "the second is submitted", func() bool { return len(w.asked) == 1 })
	w.answer(1, nil)
	w.until(t, "the end is committed", func() bool { return w.committed == 3 })
	if !strings.HasSuffix(w.asked[0].ID, "2") || len(w.letters) != 1 || w.letters[0].Record.Offset != 2 {
		t.Errorf("%+v, %+v", w.asked, w.letters)
	}
}

// Where the committed offset is not in the topic, imports go on from its start.
func TestWhereItGoesOn(t *testing.T) {
	for name, c := range map[string]struct{ committed, start, want int64 }{
		"never committed": {-1, 0, 0}, "committed": {2, 0, 2}, "at the end": {3, 0, 3}, "trimmed": {1, 2, 2}, "made anew": {7, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(chat(1), chat(2), chat(3))
			w.committed, w.start = c.committed, c.start
			defer w.work(t)()
			w.until(t, "it is begun", func() bool { return w.committed == c.want && len(w.asked) == int(3-c.want) })
		})
	}
}

// An offset that somebody else has set is gone on from.
func TestTheOffsetIsSet(t *testing.T) {
	w := newWorld(chat(1), chat(2))
	defer w.work(t)()
	for round := 1; round <= 2; round++ {
		w.until(t, "both are submitted", func() bool { return len(w.asked) == 2*round })
		w.answer(0, nil)
		w.answer(1, nil)
		w.until(t, "the end is committed", func() bool { return w.committed == 2 })
		w.do(func() { w.committed = -1 }) // the topic was made anew, or it was reset
	}
}

func TestWithoutTheLease(t *testing.T) {
	w := newWorld(chat(1))
	w.held = false
	stop := w.work(t)
	w.until(t, "the lease is looked at", func() bool { return w.looks >= 2 })
	stop()
	if len(w.asked) != 0 || w.committed != -1 {
		t.Errorf("%d imported, committed %d", len(w.asked), w.committed)
	}
}

// TestLeaseIsLost: what the owner was handed is taken back, or it would go on beside
// who has the lease now.
func TestLeaseIsLost(t *testing.T) {
	w := newWorld(chat(1))
	stop := w.work(t)
	w.until(t, "the import is handed over", func() bool { return len(w.asked) == 1 })
	w.do(func() { w.held = false })
	w.until(t, "it is dropped", func() bool { return slices.Contains(w.happened, "dropped") })
	w.do(func() { w.held = true })
	w.until(t, "it is handed over again", func() bool { return len(w.asked) == 2 })
	w.answer(0, nil)
	w.until(t, "the end is committed", func() bool { return w.committed == 1 })
	stop()
}

func TestRead(t *testing.T) {
	for reason, r := range map[string]command.Record{
		"no key":                  {Value: []byte(chat(1))},
		"its key is \"0123abcd\"": {Key: []byte("0123abcd"), Value: []byte(chat(1))},
		"lies in partition 7, its key belongs to": {Partition: 7, Key: []byte(token), Value: []byte(chat(1))},
		"has a header at":                         {Key: []byte(token), Value: []byte(chat(1)), Headers: []command.Header{{Key: "at"}}},
		"id is missing":                           {Key: []byte(token), Value: []byte(`{"op":"chat.create","application":"` + token + `"}`)},
	} {
		if q, no := read(&r, 1); no == nil || !strings.HasPrefix(no.reason, reason) {
			t.Errorf("%s: %+v, %+v", reason, q, no)
		}
	}
	if q, no := read(&command.Record{Key: []byte(token), Value: []byte(chat(1))}, 1); no != nil || q.Op != command.ChatCreate || len(q.Fingerprint) != 64 {
		t.Errorf("%+v, %+v", q, no)
	}
	if no := refusedBy(fault.New(fault.Transient, "later")); no != nil || refusedBy(errors.Join()) != nil {
		t.Errorf("what may pass is refused: %+v", no)
	}
}

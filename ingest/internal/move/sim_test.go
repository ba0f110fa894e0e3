package move

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"chatlog/shared/command"
	"chatlog/shared/fault"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/position"
)

const (
	partitions = 2
	oldLog     = position.LogID("00000000000000aa")
)

// tokens are of partition 0 and 1.
var tokens = []string{"aaaaaaa0", "aaaaaaa1", "bbbbbbb0", "bbbbbbb1"}

func partitionOf(key []byte) int32 { return int32(key[len(key)-1] - '0') }

var errWay = fault.New(fault.Transient, "the way is bad")

// topicSim is a topic in memory whose ways are bad with a chance of faults in 100.
type topicSim struct {
	mutex   sync.Mutex
	random  *rand.Rand
	faults  int
	records [partitions][]command.Record
	late    []func() // batches that are still on their way
	most    int      // records of a batch; more are too large
	start   int64
	calls   int
	after   func(calls int) // sees every append
}

func newTopicSim(seed uint64, faults int) *topicSim {
	return &topicSim{random: rand.New(rand.NewPCG(seed, 1)), faults: faults, most: 1 << 30}
}

// bad draws whether something goes wrong, and lets late batches land.
func (t *topicSim) bad() bool {
	if len(t.late) > 0 && t.random.IntN(3) == 0 {
		t.late[0]()
		t.late = t.late[1:]
	}
	return t.random.IntN(100) < t.faults
}

func (t *topicSim) Fetch(_ context.Context, p int32, offset int64) (kafkaconn.Page, error) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.bad() {
		return kafkaconn.Page{}, errWay
	}
	all := t.records[p]
	to := min(offset+1+t.random.Int64N(7), int64(len(all)))
	page := kafkaconn.Page{Next: offset, HighWatermark: int64(len(all)), LogStart: t.start}
	if offset < to {
		page.Records, page.Next = append(page.Records, all[offset:to]...), to
	}
	return page, nil
}

func (t *topicSim) Ends(context.Context) (map[int32]kafkaconn.Bounds, error) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	if t.bad() {
		return nil, errWay
	}
	out := map[int32]kafkaconn.Bounds{}
	for p := range t.records {
		out[int32(p)] = kafkaconn.Bounds{End: int64(len(t.records[p]))}
	}
	return out, nil
}

func (t *topicSim) Append(_ context.Context, p int32, batch []kafkaconn.Record) (int64, error) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.calls++
	if t.after != nil {
		defer t.after(t.calls)
	}
	if len(batch) > t.most {
		return 0, fault.New(fault.TooLarge, "too large")
	}
	bad := t.bad()
	if !bad {
		return t.land(p, batch), nil
	}
	switch t.random.IntN(4) {
	case 0: // never comes
	case 1: // comes, and the answer does not
		t.land(p, batch)
	case 2: // comes later
		t.late = append(t.late, func() { t.land(p, batch) })
	case 3: // comes twice, the second time later
		base := t.land(p, batch)
		t.late = append(t.late, func() { t.land(p, batch) })
		return base, nil
	}
	return 0, errWay
}

func (t *topicSim) land(p int32, batch []kafkaconn.Record) int64 {
	base := int64(len(t.records[p]))
	for i, r := range batch {
		t.records[p] = append(t.records[p], command.Record{Partition: p, Offset: base + int64(i), Key: r.Key, Value: r.Value, Headers: r.Headers})
	}
	return base
}

// put appends a record that is written for an offset of a log.
func (t *topicSim) put(p int32, key, value []byte, log position.LogID, shift int64, more ...command.Header) {
	at := position.At{Log: log, Offset: int64(len(t.records[p])) + shift}
	t.land(p, []kafkaconn.Record{{Key: key, Value: value, Headers: append([]command.Header{{Key: command.HeaderAt, Value: at.Append(nil)}}, more...)}})
}

var began = time.Date(2026, 11, 25, 19, 0, 0, 0, time.UTC)

func opening(log position.LogID, generation uint32) []byte {
	return command.Encode(&command.Command{ID: "00000000-0000-7000-8000-000000000000", Op: command.LogOpen, Log: log, Generation: generation, Time: began})
}

// commands is a source of generation 3 with count commands in each partition, and
// whatever else may lie in a topic between them.
func commands(seed uint64, count int) *topicSim {
	t := newTopicSim(seed, 0)
	for p := range int32(partitions) {
		t.put(p, []byte("x"), []byte("before it was opened"), "00000000000000bb", 0)
		t.put(p, nil, opening(oldLog, 3), oldLog, 0)
		for i := range count {
			t.grow(p, i)
		}
	}
	return t
}

// grow appends the next command of a partition, and perhaps what does not count.
func (t *topicSim) grow(p int32, i int) {
	token := tokens[2*t.random.IntN(2)+int(p)]
	c := command.Command{ID: fmt.Sprintf("00000000-0000-7000-8000-%02d%010d", p, i), Op: command.MessageCreate, Application: token,
		Chat: 1, Number: int64(i + 1), Message: fmt.Sprintf("message %d", i), Time: began.Add(time.Duration(i) * time.Second)}
	if i%3 == 0 {
		c.Keyed, c.Fingerprint = true, fmt.Sprintf("%064d", i)
	}
	value := command.Encode(&c)
	switch t.random.IntN(6) {
	case 0:
		t.put(p, []byte(token), value, oldLog, 1) // misplaced
	case 1:
		t.put(p, []byte(token), value, "00000000000000bb", 0) // of another log
	case 2:
		t.records[p] = append(t.records[p], command.Record{Partition: p, Offset: int64(len(t.records[p])), Control: true})
	case 3:
		t.put(p, []byte(token), []byte("{}"), oldLog, 0) // lies right and cannot be read
	}
	t.put(p, []byte(token), value, oldLog, 0, command.Header{Key: command.HeaderTrace, Value: []byte("t" + c.ID)})
}

// counting lists what counts in a topic: key, value and trace of each command.
func counting(t *testing.T, topic *topicSim, without ...string) (all [partitions][]string, log position.LogID, generation uint32) {
	t.Helper()
	for p := range topic.records {
		judge := command.Log{Partition: int32(p), PartitionOf: partitionOf}
	records:
		for i := range topic.records[p] {
			r := &topic.records[p][i]
			reading := command.Read(judge, r)
			if reading.Verdict != command.Counts {
				continue
			}
			if reading.Command.Op == command.LogOpen {
				judge.ID = reading.Command.Log
				if log != "" && log != judge.ID {
					t.Errorf("partition %d is of log %s, not %s", p, judge.ID, log)
				}
				log, generation = judge.ID, reading.Command.Generation
				continue
			}
			for _, w := range without {
				if w == reading.Command.Application {
					continue records
				}
			}
			all[p] = append(all[p], fmt.Sprintf("%s %s %s", r.Key, r.Value, r.Headers[1].Value))
		}
	}
	return all, log, generation
}

// mover makes a mover that waits for nothing.
func mover(source Log, target Target, without ...string) *Mover {
	return New(Config{Partitions: partitions, PartitionOf: partitionOf, Without: without, Limits: Limits{Records: 5, Bytes: 4000},
		NewLog: position.NewLogID, Now: func() time.Time { return began },
		Pause: func(context.Context, int) {}, Logger: slog.New(slog.DiscardHandler)}, source, target)
}

// moved opens, copies, and compares.
func moved(ctx context.Context, m *Mover) (Result, error) {
	if err := m.Open(ctx); err != nil {
		return Result{}, err
	}
	if err := m.Round(ctx); err != nil {
		return Result{}, err
	}
	r, err := m.Verify(ctx)
	return r, errors.Join(err)
}

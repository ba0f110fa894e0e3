package partition

import (
	"errors"
	"flag"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chatlog/shared/command"
	"chatlog/shared/fault"
	"chatlog/shared/view"
)

var (
	modelSeed  = flag.Int64("model.seed", 0, "replay this one seed of the model test")
	modelFirst = flag.Int64("model.first", 1, "first seed of the model test")
	modelSeeds = flag.Int("model.seeds", defaultSeeds, "number of seeds of the model test")
)

// TestModel runs the real Machine through random histories with up to four
// owners at once, late, lost and duplicated produce requests, lost replies,
// kills, pauses, a view that lags and is set back, and clients that retry. In
// every history: no acked command is lost or doubled, numbers have no gaps, no
// refused one is ever found in the log, nothing that was acked is denied.
func TestModel(t *testing.T) {
	first, count := *modelFirst, *modelSeeds
	if *modelSeed != 0 {
		first, count = *modelSeed, 1
	}
	defer debug.SetGCPercent(debug.SetGCPercent(400)) // histories are short-lived
	var next, acked, conflicts, imported, again atomic.Int64
	var group sync.WaitGroup
	began := time.Now()
	for range runtime.GOMAXPROCS(0) {
		group.Go(func() {
			for i := next.Add(1) - 1; i < int64(count) && !t.Failed(); i = next.Add(1) - 1 {
				s := runModel(first + i)
				acked.Add(int64(s.acked))
				imported.Add(int64(len(s.importing.all)))
				again.Add(int64(s.importing.again))
				for _, n := range s.nodes {
					conflicts.Add(int64(n.machine.Stats().Conflicts))
				}
				for _, text := range s.texts {
					t.Errorf("seed %d: %s", first+i, text)
				}
				if len(s.texts) > 0 {
					t.Errorf("replay with: go test ./ingest/internal/partition -run TestModel -model.seed=%d", first+i)
				}
			}
		})
	}
	group.Wait()
	t.Logf("model: %d seeds, %d acked, %d imports, of which %d were there already, %d conflicts, %.1f s", min(next.Load(), int64(count)),
		acked.Load(), imported.Load(), again.Load(), conflicts.Load(), time.Since(began).Seconds())
	if acked.Load() == 0 || count > 10 && (conflicts.Load() == 0 || again.Load() == 0) {
		t.Fatal("the model did not exercise the append rule")
	}
}

func runModel(seed int64) *sim {
	s := newSim(seed, simFaults{})
	r := s.rand
	s.faults = simFaults{lose: r.Float64() * 0.1, duplicate: r.Float64() * 0.2, loseReply: r.Float64() * 0.1,
		slow: r.Float64() * 0.2, kill: r.Float64() * 0.1, pause: r.Float64() * 0.15, setBack: r.Float64() * 0.05, loadError: r.Float64() * 0.1}
	for range 1 + r.Intn(4) {
		s.newNode()
	}
	s.chaos()
	s.sink()
	app := "0123456789abcdef0123456789abcdef"
	s.call(Request{ID: s.newID(), Op: command.ApplicationCreate, Application: app, Username: "u", Keyed: true, Fingerprint: fingerprint(0)})
	s.run(time.Minute, func() bool { return s.acked > 0 })
	total := 150 + r.Intn(250)
	issued := 0
	var issue func()
	issue = func() {
		if issued < total {
			issued++
			s.call(s.randomRequest(app))
			s.after(s.between(0, 8*time.Millisecond), issue)
		}
	}
	for range 4 {
		issue()
	}
	s.imports(app, r.Intn(200))
	finished := func() bool {
		for _, c := range s.calls {
			if !c.done {
				return false
			}
		}
		return issued == total && s.importing.finished()
	}
	s.run(20*time.Second, finished)
	s.calm = true // a kept retry must come to an end once the faults stop
	if !s.run(2*time.Minute, finished) {
		for _, n := range s.nodes {
			phase, err := n.machine.Phase()
			s.texts = append(s.texts, fmt.Sprintf("calls never answered (node dead=%v %s %v)", n.dead, phase, err))
		}
	}
	s.audit()
	return s
}

func fingerprint(n int) string { return fmt.Sprintf("%064x", n) }

func (s *sim) randomRequest(app string) Request {
	r := Request{ID: s.newID(), Application: app, Chat: 1 + s.rand.Int63n(12), Number: 1 + s.rand.Int63n(20), Message: "text"}
	switch n := s.rand.Intn(20); {
	case n < 2:
		r.Op = command.ChatCreate
	case n < 14:
		r.Op = command.MessageCreate
	case n < 17:
		r.Op = command.MessageUpdate
	default:
		r.Op = command.MessageDelete
	}
	if s.rand.Intn(2) == 0 {
		r.Keyed, r.Fingerprint = true, fingerprint(len(s.calls))
	}
	return r
}

// place is where a command was found to count.
type place struct {
	offset  int64
	command command.Command
}

// audit reads the whole log once more, by the readers' rule, and compares it
// with what clients were told.
func (s *sim) audit() {
	s.log.high = int64(len(s.log.records))
	found := map[string]place{}
	chats, messages, deleted := int64(0), map[view.ChatKey]int64{}, map[view.MessageKey]int64{}
	log := command.Log{PartitionOf: anywhere}
	for i := range s.log.records {
		r := &s.log.records[i]
		reading := command.Read(log, r)
		if reading.Verdict != command.Counts {
			continue
		}
		c := reading.Command
		if c.Op == command.LogOpen {
			log.ID, log.Generation = c.Log, c.Generation
			continue
		}
		if _, twice := found[c.ID]; twice {
			s.fail("command %s counts twice", c.ID)
		}
		found[c.ID] = place{r.Offset, c}
		key := view.MessageKey{Application: c.Application, Chat: c.Chat, Number: c.Number}
		switch c.Op {
		case command.ChatCreate:
			if chats++; c.Chat != chats {
				s.fail("chat %d follows %d", c.Chat, chats-1)
			}
		case command.MessageCreate:
			messages[chatKeyOf(&c)]++
			if want := messages[chatKeyOf(&c)]; c.Number != want || c.Chat > chats {
				s.fail("message %d of chat %d, want %d", c.Number, c.Chat, want)
			}
		case command.MessageUpdate, command.MessageDelete:
			if _, gone := deleted[key]; gone || c.Number > messages[chatKeyOf(&c)] {
				s.fail("%s of a message that is not there", c.Op)
			}
			if c.Op == command.MessageDelete {
				deleted[key] = r.Offset
			}
		}
	}
	s.compare(found, deleted)
	s.importing.compare(found)
}

func (s *sim) compare(found map[string]place, deleted map[view.MessageKey]int64) {
	created := map[view.MessageKey]time.Time{} // when its creation was acked
	opened := map[int64]time.Time{}            // likewise of chats
	for _, c := range s.calls {
		p, there := found[c.request.ID]
		switch {
		case !c.done:
			continue
		case c.err == nil:
			again := c.request.Op == command.MessageDelete && !there // deleted before: nothing to write
			if again {
				key := view.MessageKey{Application: c.request.Application, Chat: c.reply.Chat, Number: c.reply.Number}
				if at, gone := deleted[key]; !gone || at > c.reply.Offset {
					s.fail("a delete was acked that never happened: %v", key)
				}
				continue
			}
			if !there {
				s.fail("acked %s %s is lost", c.request.Op, c.request.ID)
				continue
			}
			if p.offset != c.reply.Offset || p.command.Chat != c.reply.Chat || p.command.Number != c.reply.Number {
				s.fail("%s %s was acked as %+v but lies at %d as %d/%d", c.request.Op, c.request.ID, c.reply, p.offset, p.command.Chat, p.command.Number)
			}
			if c.request.Op == command.ChatCreate {
				opened[c.reply.Chat] = c.ended
			}
			if c.request.Op == command.MessageCreate {
				created[view.MessageKey{Application: c.request.Application, Chat: c.reply.Chat, Number: c.reply.Number}] = c.ended
			}
		case there && (c.err == errNotWritten || errors.Is(c.err, errCold) || c.err == errBusy || c.err == errBehind || fault.Is(c.err, fault.NotFound)) && c.attempts == 1:
			s.fail("%s %s was refused with %q and yet counts", c.request.Op, c.request.ID, c.err)
		}
	}
	s.denied(opened, created, deleted)
}

// denied looks for calls that were told "not found" of what had been acked
// before they began and is not deleted.
func (s *sim) denied(opened map[int64]time.Time, created map[view.MessageKey]time.Time, deleted map[view.MessageKey]int64) {
	for _, c := range s.calls {
		if !c.done || !fault.Is(c.err, fault.NotFound) {
			continue
		}
		if at, ok := opened[c.request.Chat]; ok && at.Before(c.began) && c.request.Op == command.MessageCreate {
			s.fail("chat %d was acked at %v and denied to a call of %v", c.request.Chat, at, c.began)
		}
		key := view.MessageKey{Application: c.request.Application, Chat: c.request.Chat, Number: c.request.Number}
		_, gone := deleted[key]
		if at, ok := created[key]; ok && at.Before(c.began) && c.request.Op == command.MessageUpdate && !gone {
			s.fail("message %v was acked at %v and denied to a call of %v", key, at, c.began)
		}
	}
}

func (s *sim) fail(format string, args ...any) {
	s.texts = append(s.texts, fmt.Sprintf(format, args...))
}

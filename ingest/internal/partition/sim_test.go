package partition

import (
	"container/heap"
	"fmt"
	"math/rand"
	"time"

	"chatlog/shared/command"
	"chatlog/shared/fault"
	"chatlog/shared/position"
	"chatlog/shared/view"
)

// sim runs real Machines against a simulated broker and view in virtual time.
// One seed gives one history.
type sim struct {
	rand      *rand.Rand
	now       time.Time
	events    eventHeap
	counter   int
	log       *simLog
	view      *simView
	nodes     []*simNode
	calls     []*simCall
	importing *simImports
	acked     int
	calm      bool // no more faults
	faults    simFaults
	texts     []string // what went wrong
}

// simFaults are probabilities of 0..1 per request or per step.
type simFaults struct {
	lose, duplicate, loseReply, slow, kill, pause, setBack, loadError float64
}

type event struct {
	at    time.Time
	order int
	do    func()
}

type eventHeap []event

func (h eventHeap) Len() int { return len(h) }
func (h eventHeap) Less(i, j int) bool {
	return h[i].at.Before(h[j].at) || h[i].at.Equal(h[j].at) && h[i].order < h[j].order
}
func (h eventHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *eventHeap) Push(x any)   { *h = append(*h, x.(event)) }
func (h *eventHeap) Pop() any {
	old := *h
	last := old[len(old)-1]
	*h = old[:len(old)-1]
	return last
}

// simNode is one owner; several of them own the partition at once.
type simNode struct {
	sim     *sim
	machine *Machine
	dead    bool
	paused  time.Time // until then nothing it does happens
}

// simCall is a client's request and what became of it.
type simCall struct {
	request  Request
	began    time.Time
	ended    time.Time
	reply    Reply
	err      error
	done     bool
	attempts int
}

func newSim(seed int64, faults simFaults) *sim {
	s := &sim{rand: rand.New(rand.NewSource(seed)), now: time.Unix(1e9, 0), log: &simLog{}, faults: faults}
	s.view = &simView{log: s.log, judge: command.Log{PartitionOf: anywhere}, rows: newSimRows()}
	return s
}

func (s *sim) after(d time.Duration, do func()) {
	s.counter++
	heap.Push(&s.events, event{s.now.Add(d), s.counter, do})
}

func (s *sim) chance(p float64) bool { return !s.calm && s.rand.Float64() < p }

func (s *sim) between(low, high time.Duration) time.Duration {
	return low + time.Duration(s.rand.Int63n(int64(high-low)))
}

// run handles events until the condition holds or the virtual time is up.
func (s *sim) run(limit time.Duration, until func() bool) bool {
	end := s.now.Add(limit)
	for !until() {
		if len(s.events) == 0 || s.events[0].at.After(end) {
			return false
		}
		e := heap.Pop(&s.events).(event)
		s.now = e.at
		e.do()
	}
	return true
}

func (s *sim) newID() string {
	return fmt.Sprintf("%08x-0000-7000-8000-%012x", s.rand.Uint32(), s.rand.Int63n(1<<48))
}

func (s *sim) newNode() *simNode {
	n := &simNode{sim: s}
	n.machine = New(Config{
		PartitionOf: anywhere, Limits: Limits{Chats: 3, Messages: 5, Unsunk: 400},
		BatchRecords: 8, BatchBytes: 1 << 20, Queue: 100, Imports: Imports{Records: 1 + s.rand.Intn(8), Ahead: 1 + s.rand.Int63n(60)},
		RetryMin: 2 * time.Millisecond, RetryMax: 100 * time.Millisecond, ProgressEvery: 20 * time.Millisecond,
		CutPatience: 30 * time.Second, FarBehind: 1 + s.rand.Int63n(60), Jitter: s.rand.Float64, NewID: s.newID,
		NewLog: func() position.LogID { return position.LogID(fmt.Sprintf("%016x", s.rand.Int63())) },
	})
	s.nodes = append(s.nodes, n)
	n.tick()
	return n
}

func (n *simNode) tick() {
	if n.dead {
		return
	}
	n.turn(func() {})
	n.sim.after(5*time.Millisecond, n.tick)
}

// turn lets the node handle one event, unless it is dead; a paused node does
// it when it wakes up, like a stopped process.
func (n *simNode) turn(do func()) {
	s := n.sim
	switch {
	case n.dead:
	case s.now.Before(n.paused):
		s.after(n.paused.Sub(s.now), func() { n.turn(do) })
	default:
		do()
		n.machine.Advance(s.now)
		for _, e := range n.machine.Effects() {
			n.carryOut(e)
		}
	}
}

func (n *simNode) carryOut(e Effect) {
	s := n.sim
	delay := s.between(100*time.Microsecond, 3*time.Millisecond)
	switch e := e.(type) {
	case AppendBatch:
		n.produce(e, delay)
	case ReadLog:
		s.after(delay, func() {
			r := s.log.read(e.From, 1+s.rand.Intn(40))
			if s.chance(s.faults.lose) {
				r = ReadResult{Err: errNotWritten}
			}
			s.after(delay, func() { n.turn(func() { n.machine.Read(s.now, r) }) })
		})
	case LoadRows:
		s.after(delay, func() {
			r := LoadResult{Keys: e.Keys, Rows: s.view.load(e.Keys)}
			if s.chance(s.faults.loadError) {
				r.Err = errCold
			}
			s.after(s.between(0, 20*time.Millisecond), func() { n.turn(func() { n.machine.Loaded(s.now, r) }) })
		})
	case ListEnd:
		s.after(delay, func() {
			r := ListResult{End: s.log.high}
			s.after(delay, func() { n.turn(func() { n.machine.Listed(r) }) })
		})
	}
}

// produce sends a batch on its way: it may be late, lost, appended twice, and
// its reply may be lost.
func (n *simNode) produce(e AppendBatch, delay time.Duration) {
	s := n.sim
	answered := false
	reply := func(r AppendResult) {
		if !answered {
			answered = true
			n.turn(func() { n.machine.Appended(s.now, r) })
		}
	}
	if s.chance(s.faults.slow) {
		delay = s.between(0, 800*time.Millisecond)
	}
	arrive := func(tell bool) {
		base := s.log.append(e.Records)
		end := int64(len(s.log.records))
		s.after(s.between(0, 2*time.Millisecond), func() {
			s.log.high = max(s.log.high, end)
			if tell && !s.chance(s.faults.loseReply) {
				s.after(delay, func() { reply(AppendResult{Base: base}) })
			}
		})
	}
	if !s.chance(s.faults.lose) {
		s.after(delay, func() { arrive(true) })
		if s.chance(s.faults.duplicate) {
			s.after(s.between(0, 500*time.Millisecond), func() { arrive(false) })
		}
	}
	s.after(200*time.Millisecond, func() { reply(AppendResult{Err: errUnknown}) })
}

// call issues a request at some living node; when the node dies the client
// gets no answer and tries again with the same key elsewhere.
func (s *sim) call(r Request) {
	c := &simCall{request: r, began: s.now}
	s.calls = append(s.calls, c)
	s.try(c)
}

func (s *sim) try(c *simCall) {
	if c.done {
		return
	}
	c.attempts++
	attempt := c.attempts
	n := s.nodes[len(s.nodes)-1-s.rand.Intn(min(4, len(s.nodes)))]
	finish := func(r Reply, err error) {
		if c.done || attempt != c.attempts {
			return
		}
		if c.request.Keyed && fault.Is(err, fault.Transient) {
			s.after(s.between(0, 30*time.Millisecond), func() { s.try(c) })
			return
		}
		c.done, c.reply, c.err, c.ended = true, r, err, s.now
		if err == nil {
			s.acked++
		}
	}
	deadline := s.now.Add(300 * time.Millisecond)
	s.after(s.between(0, time.Millisecond), func() {
		n.turn(func() {
			n.machine.Submit(&Call{Request: c.request, Deadline: deadline, Done: func(r Reply, err error) {
				if !n.dead {
					s.after(0, func() { finish(r, err) })
				}
			}})
		})
	})
	s.after(2*time.Second, func() { // the node has died or sleeps
		if attempt == c.attempts {
			finish(Reply{}, errUnknown)
		}
	})
}

// chaos runs faults of nodes and of the view for ever.
func (s *sim) chaos() {
	if s.chance(s.faults.kill) {
		i := s.rand.Intn(len(s.nodes))
		if len(s.nodes)-i <= 4 && !s.nodes[i].dead {
			s.nodes[i].dead = true
			s.newNode()
		}
	}
	if s.chance(s.faults.pause) {
		s.nodes[len(s.nodes)-1-s.rand.Intn(min(4, len(s.nodes)))].paused = s.now.Add(s.between(0, time.Second))
	}
	if s.chance(s.faults.setBack) {
		s.view.setBack(s.rand.Int())
	}
	s.after(20*time.Millisecond, s.chaos)
}

func (s *sim) sink() {
	s.view.follow(s.rand.Int63n(30))
	s.after(s.between(time.Millisecond, 60*time.Millisecond), s.sink)
}

func chatKeyOf(c *command.Command) view.ChatKey {
	return view.ChatKey{Application: c.Application, Number: c.Chat}
}

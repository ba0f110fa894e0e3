package partition

import (
	"fmt"
	"slices"
	"time"

	"chatlog/shared/command"
	"chatlog/shared/fault"
)

// simImports is a history that is imported beside the clients' requests: by one
// importer after the other, as owners come and go, or by two at once.
type simImports struct {
	sim     *sim
	all     []*simImport
	settled int  // all before it are: the committed offset
	overlap bool // two importers at once happen
	again   int  // how many were there already
	runs    []*simRun
}

type simImport struct {
	request Request
	first   *simImport // the one that had its id before; nil: it is the first
	err     error
	end     int64 // of the log when it was refused
	done    bool
}

// simRun is one importer at one node.
type simRun struct {
	node     *simNode
	next     int
	answers  map[int]simAnswer
	ended    bool
	inflight int
}

type simAnswer struct {
	Imported
	end int64 // of the log, at that moment
}

const simWindow = 12

// imports makes a history: chats and their messages, edits and deletes, some with
// the numbers that they get, some with wrong ones, some twice, some ids again for
// something else.
func (s *sim) imports(app string, count int) {
	im := &simImports{sim: s, overlap: s.rand.Intn(2) == 0}
	s.importing = im
	for len(im.all) < count {
		r := s.randomRequest(app)
		r.Keyed, r.Import, r.Fingerprint = true, true, fingerprint(1000+len(im.all))
		switch {
		case r.Op == command.ChatCreate && s.rand.Intn(3) > 0:
			r.Chat = 0
		case r.Op == command.MessageCreate && s.rand.Intn(4) > 0:
			r.Number = 0
		}
		if s.rand.Intn(4) == 0 {
			r.Time = s.now.Add(-time.Duration(s.rand.Int63n(int64(time.Hour)))).UTC().Truncate(time.Microsecond)
		}
		i := &simImport{request: r}
		if len(im.all) > 0 && s.rand.Intn(10) == 0 {
			before := im.all[s.rand.Intn(len(im.all))]
			if i.first = before; before.first != nil {
				i.first = before.first
			}
			if s.rand.Intn(2) == 0 {
				i.request = i.first.request
			} else {
				i.request.ID = i.first.request.ID
			}
		}
		im.all = append(im.all, i)
	}
	im.begin()
}

// begin lets an importer work at some node, from what is committed on.
func (im *simImports) begin() {
	s := im.sim
	r := &simRun{node: s.nodes[len(s.nodes)-1-s.rand.Intn(min(4, len(s.nodes)))], next: im.settled, answers: map[int]simAnswer{}}
	im.runs = append(im.runs, r)
	im.step(r)
}

func (im *simImports) step(r *simRun) {
	s := im.sim
	switch {
	case im.settled == len(im.all):
		return
	case r.node.dead || r.ended:
		s.after(s.between(0, 20*time.Millisecond), im.begin)
		return
	case im.overlap && s.chance(0.01): // its lease is lost and it does not know
		im.overlap = s.rand.Intn(3) > 0
		im.begin()
	}
	alone := !slices.ContainsFunc(im.runs, func(other *simRun) bool { return other != r && other.node == r.node && !other.ended })
	if alone && !s.now.Before(r.node.paused) && s.chance(0.02) { // its lease is lost, and it knows: an instance has one importer of a partition
		r.ended = true
		r.node.turn(r.node.machine.DropImports)
	} else {
		r.node.turn(func() { im.submit(r) })
	}
	s.after(s.between(time.Millisecond, 5*time.Millisecond), func() { im.step(r) })
}

func (im *simImports) submit(r *simRun) {
	for ; r.inflight < simWindow && r.next < len(im.all) && !r.ended; r.next++ {
		at := r.next
		r.inflight++
		c := &Call{Request: im.all[at].request}
		c.Done = func(_ Reply, err error) {
			out := Imported{Again: c.again, Err: err}
			im.sim.after(0, func() { im.answered(r, at, out) })
		}
		r.node.machine.Submit(c)
	}
}

func (im *simImports) answered(r *simRun, at int, out Imported) {
	if r.node.dead {
		return
	}
	r.inflight--
	if fault.Is(out.Err, fault.Transient) {
		r.ended = true
		return
	}
	r.answers[at] = simAnswer{out, im.sim.log.high}
	for {
		out, there := r.answers[im.settled]
		if !there {
			return
		}
		i := im.all[im.settled]
		if i.done, i.err, i.end = true, out.Err, out.end; out.Again {
			im.again++
		}
		im.settled++
	}
}

func (im *simImports) finished() bool { return im.settled == len(im.all) }

// compare wants every import settled, the first of an id counted once if it was
// taken and not at all if it was refused, and all in their order.
func (im *simImports) compare(found map[string]place) {
	last := int64(-1)
	for n, i := range im.all {
		p, there := found[i.request.ID]
		r := i.request
		what := fmt.Sprintf("import %d, %s %s", n, r.Op, r.ID)
		switch {
		case !i.done:
			im.sim.fail("%s is not settled", what)
		case i.first != nil:
			if same := r.Fingerprint == i.first.request.Fingerprint; i.err == nil && !same && i.first.err == nil && found[r.ID].command.Fingerprint == i.first.request.Fingerprint && r.Op != command.MessageDelete {
				im.sim.fail("%s has the id of another one and was taken", what)
			}
		case i.err == nil && r.Op == command.MessageDelete && (!there || p.command.Fingerprint != r.Fingerprint):
			// Of what was deleted already: that leaves no record, and the id may be used.
		case i.err == nil && !there:
			im.sim.fail("%s was taken and is lost", what)
		case i.err == nil && (p.command.Fingerprint != r.Fingerprint || !p.command.Keyed || !r.Time.IsZero() && !p.command.Time.Equal(r.Time) ||
			r.Op == command.ChatCreate && r.Chat != 0 && p.command.Chat != r.Chat || r.Op != command.ChatCreate && r.Number != 0 && p.command.Number != r.Number):
			im.sim.fail("%s lies at %d as another one: %+v", what, p.offset, p.command)
		case i.err == nil:
			if p.offset <= last {
				im.sim.fail("%s lies at %d, before one that comes before it at %d", what, p.offset, last)
			}
			last = p.offset
		// A batch of an owner that is gone may come late, and count: what was not
		// there then is no wrong refusal.
		case there && p.offset < i.end && p.command.Fingerprint == r.Fingerprint:
			im.sim.fail("%s was refused with %v and counts at %d", what, i.err, p.offset)
		}
	}
}

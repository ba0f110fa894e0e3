package imports

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"chatlog/ingest/internal/partition"
	"chatlog/shared/command"
	"chatlog/shared/deadletter"
	"chatlog/shared/fault"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/position"
	"chatlog/shared/retry"
)

// item is one record on its way.
type item struct {
	record  command.Record
	settled bool
	outcome outcome
	refused *refusal
}

// session imports one partition from a committed offset on. The offset that it
// commits moves past a record only when the record is in the log, or told of in a
// dead letter; so whoever goes on from there misses none.
type session struct {
	*worker
	items   []item // in order; the first one that is not settled is in front
	place   int64  // of the first item, as the owner names them in its answers
	bytes   int    // of their values
	waiting []command.Record
	next    int64 // everything before it is settled
	fetched int64 // everything before it was fetched

	answers  chan partition.Imported
	pages    chan page
	fetching bool
	work     sync.WaitGroup                // the fetching
	told     map[int64][]deadletter.Digest // dead letters that are there already; nil: not read yet
	skips    bool                          // one of them was met, and told of

	committed int64 // as the group has it, or the last try to commit
	at        time.Time
	looked    time.Time
}

type page struct {
	kafkaconn.Page
	err error
}

const (
	idleWait    = time.Second            // of a fetch at the topic's end
	tickEvery   = 200 * time.Millisecond // between two looks at the lease
	commitEvery = time.Second
	lookEvery   = 5 * time.Second // between two looks at the committed offset
	// renewEvery is how often an offset is committed that has not moved: brokers
	// forget those of groups without members after a week.
	renewEvery = time.Hour
	mostBytes  = 8 << 20 // of the values on their way
)

var (
	errLease = errors.New("the partition's lease is another instance's")
	errMoved = errors.New("the group's offset was set by somebody else")
)

// run imports until something ends it: the lease is lost, the committed offset is
// not where this session has left it, the owner has ended, or ctx has.
func (s *session) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer s.owner.DropImports() // or they would go on beside those of who has the lease now
	defer s.work.Wait()
	defer cancel()
	tick := time.NewTicker(tickEvery)
	defer tick.Stop()
	s.commit(ctx) // that it is shown from now on
	for {
		if err := s.feed(ctx); err != nil {
			return err
		}
		s.fetch(ctx)
		var err error
		select {
		case a := <-s.answers:
			err = s.answered(ctx, a)
		case p := <-s.pages:
			err = s.take(ctx, p)
		case <-tick.C:
			err = s.look(ctx)
		case <-ctx.Done():
			err = ctx.Err()
		}
		if err == nil && s.clock().Sub(s.at) >= commitEvery && s.next != s.committed {
			s.commit(ctx)
		}
		if err != nil {
			if s.next != s.committed && s.holds() && !errors.Is(err, errMoved) {
				s.commit(context.WithoutCancel(ctx))
			}
			return err
		}
	}
}

// feed submits what was fetched, as long as there is room for it.
func (s *session) feed(ctx context.Context) error {
	for len(s.waiting) > 0 && len(s.items) < s.cfg.InFlight && (s.bytes < mostBytes || len(s.items) == 0) {
		i := item{record: s.waiting[0]}
		s.waiting = s.waiting[1:]
		var request partition.Request
		switch {
		case i.record.Control:
			i.settled, i.outcome = true, control
		case s.toldOf(&i.record):
			i.settled, i.outcome = true, toldBefore
		default:
			request, i.refused = read(&i.record, s.cfg.Partitions)
			i.settled, i.outcome = i.refused != nil, refused
		}
		if !i.settled {
			if err := s.owner.Import(ctx, request, s.place+int64(len(s.items)), s.answers); err != nil {
				return fault.Wrap(fault.Transient, "the owner takes no imports", err)
			}
		}
		s.items = append(s.items, i)
		s.bytes += len(i.record.Value)
	}
	return s.settle(ctx)
}

// toldOf reports whether a record is in a dead letter already: it stays refused, even
// if it could be taken by now. The first one is told of: who loads a history again
// after having mended what it was refused for would wait for it in vain.
func (s *session) toldOf(r *command.Record) bool {
	at := s.told[r.Offset]
	told := len(at) > 0 && (slices.Contains(at, deadletter.Digest{}) || slices.Contains(at, deadletter.DigestOf(r.Key, r.Value)))
	if told && !s.skips {
		s.skips = true
		s.logger.Warn("imports that dead letters tell of are skipped; what they were refused for may be mended: sinks deadletters retry", "first offset", r.Offset)
	}
	return told
}

// answered takes what became of an import, and of all others that are known by then:
// their letters are written together.
func (s *session) answered(ctx context.Context, a partition.Imported) error {
	for {
		i := &s.items[a.Place-s.place]
		i.refused = refusedBy(a.Err)
		switch {
		case i.refused != nil:
			i.outcome = refused
		case a.Err != nil:
			return a.Err
		case a.Again:
			i.outcome = repeated
		default:
			i.outcome = imported
		}
		i.settled = true
		select {
		case a = <-s.answers:
		default:
			return s.settle(ctx)
		}
	}
}

// settle moves past the records in front that are settled, once those that were
// refused are told of.
func (s *session) settle(ctx context.Context) error {
	var letters []deadletter.Refused
	var log position.LogID // of the letters
	told, count := 0, 0
	for ; count < len(s.items) && s.items[count].settled; count++ {
		i := &s.items[count]
		if i.refused == nil {
			continue
		}
		of := s.logOf(i)
		if of != log {
			if err := s.tell(ctx, log, letters); err != nil {
				s.drop(told)
				return err
			}
			letters = nil
		}
		if letters == nil {
			told = count // all before it are in the log, or told of
		}
		log, letters = of, append(letters, deadletter.Refused{Record: i.record, Reason: i.refused.reason, Class: i.refused.class})
	}
	if err := s.tell(ctx, log, letters); err != nil {
		s.drop(told)
		return err
	}
	s.drop(count)
	return nil
}

// drop forgets records that are settled.
func (s *session) drop(count int) {
	for i := range s.items[:count] {
		s.metrics.records.WithLabelValues(string(s.items[i].outcome)).Inc()
		s.bytes -= len(s.items[i].record.Value)
		s.next = s.items[i].record.Offset + 1
	}
	s.place += int64(count)
	s.items = slices.Delete(s.items, 0, count)
	if len(s.items) == 0 && len(s.waiting) == 0 {
		s.next = max(s.next, s.fetched)
	}
	if count > 0 {
		s.status.moved(s.clock())
		s.lag()
	}
}

// logOf stands for the topic in a letter: it is no log, and has no id.
func (s *session) logOf(i *item) position.LogID {
	if len(s.told[i.record.Offset]) == 0 {
		return ""
	}
	// Another record lay there: the topic was made anew. Its letters must not pass for
	// those of the one before.
	d := deadletter.DigestOf(i.record.Key, i.record.Value)
	return position.LogID(hex.EncodeToString(d[:8]))
}

// tellMost is how many letters are written between two looks at the lease: whoever has
// it now tells of the same records.
const tellMost = 20

// tell writes dead letters, however long it takes, while the lease is held.
func (s *session) tell(ctx context.Context, log position.LogID, letters []deadletter.Refused) error {
	for try := 0; len(letters) > 0; {
		if !s.holds() {
			return errLease
		}
		next := letters[:min(len(letters), tellMost)]
		err := s.letters.Write(ctx, log, next)
		if err == nil {
			letters, try = letters[len(next):], 0
			continue
		}
		s.fail(ctx, fmt.Errorf("dead letters from offset %d on: %w", letters[0].Record.Offset, err))
		if retry.Pause(ctx, try); ctx.Err() != nil {
			return ctx.Err()
		}
		try++
	}
	return nil
}

// fetch begins to fetch what comes next, when there is nothing left to submit.
func (s *session) fetch(ctx context.Context) {
	if s.fetching || len(s.waiting) > 0 {
		return
	}
	s.fetching = true
	from := s.fetched
	s.work.Go(func() {
		p, err := s.source.Fetch(ctx, s.partition, from, idleWait)
		if err != nil {
			retry.Pause(ctx, 0)
		}
		s.pages <- page{p, err} // there is room for one
	})
}

// take takes what was fetched.
func (s *session) take(ctx context.Context, p page) error {
	s.fetching = false
	var out *kafkaconn.OutOfRangeError
	switch {
	case errors.As(p.err, &out):
		return p.err
	case p.err != nil:
		s.fail(ctx, p.err)
		return nil
	}
	if s.told == nil && len(p.Records) > 0 {
		told, err := s.letters.Told(ctx)
		if err != nil {
			return err
		}
		s.told = told
	}
	s.waiting, s.fetched = p.Records, p.Next
	s.end = p.HighWatermark
	if len(s.items) == 0 && len(s.waiting) == 0 {
		s.next = max(s.next, s.fetched)
		s.status.moved(s.clock())
	}
	s.lag()
	return nil
}

func (s *session) lag() {
	s.metrics.lag.WithLabelValues(s.label).Set(float64(max(0, s.end-s.next)))
}

// look makes sure that the lease is still held, and that the committed offset is
// where this session has left it: a topic that was made anew has none, and an
// operator may want to go on from elsewhere.
func (s *session) look(ctx context.Context) error {
	if !s.holds() {
		return errLease
	}
	now := s.clock()
	if now.Sub(s.looked) < lookEvery {
		return nil
	}
	s.looked = now
	committed, err := s.source.Committed(ctx, s.partition)
	switch {
	case err != nil:
		s.fail(ctx, err)
	case committed != s.committed:
		s.logger.Warn("the imports' offset was set by somebody else", "left at", s.committed, "found at", committed)
		return errMoved
	case now.Sub(s.at) >= renewEvery:
		s.commit(ctx)
	}
	return nil
}

// commitTime bounds one commit: nothing is imported meanwhile.
const commitTime = time.Second

// commit commits what is settled. When it fails, it may have come about or not; the
// next try is made with the same or a greater offset.
func (s *session) commit(ctx context.Context) {
	bounded, cancel := context.WithTimeout(ctx, commitTime)
	defer cancel()
	s.at = s.clock()
	if err := s.source.Commit(bounded, s.partition, s.next); err != nil {
		s.fail(ctx, err)
		s.looked = s.at // not before the next try
		return
	}
	s.committed = s.next
}

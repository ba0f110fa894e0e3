package consume

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"chatlog/shared/command"
	"chatlog/shared/deadletter"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/position"
	"chatlog/shared/view"
)

// fakeLog is a partition in memory. fail, if any, is asked before every call.
type fakeLog struct {
	mutex   sync.Mutex
	records []command.Record
	start   int64 // the first offset there is
	page    int   // most records of a page; 0: all
	fail    func(call string) error
}

func (l *fakeLog) append(records ...command.Record) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	l.records = append(l.records, records...)
}

// change alters the log behind the worker's back.
func (l *fakeLog) change(do func()) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	do()
}

func (l *fakeLog) end() int64 {
	if len(l.records) == 0 {
		return l.start
	}
	return l.records[len(l.records)-1].Offset + 1
}

func (l *fakeLog) Bounds(context.Context, int32) (kafkaconn.Bounds, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.fail != nil {
		if err := l.fail("bounds"); err != nil {
			return kafkaconn.Bounds{}, err
		}
	}
	return kafkaconn.Bounds{Start: l.start, End: l.end()}, nil
}

func (l *fakeLog) Fetch(ctx context.Context, _ int32, offset int64, maxWait time.Duration) (kafkaconn.Page, error) {
	page, err := l.read(offset)
	if err == nil && len(page.Records) == 0 { // as a broker does, wait for more
		select {
		case <-time.After(maxWait):
		case <-ctx.Done():
			return page, ctx.Err()
		}
		return l.read(offset)
	}
	return page, err
}

func (l *fakeLog) read(offset int64) (kafkaconn.Page, error) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.fail != nil {
		if err := l.fail("fetch"); err != nil {
			return kafkaconn.Page{}, err
		}
	}
	if offset < l.start || offset > l.end() {
		return kafkaconn.Page{}, &kafkaconn.OutOfRangeError{Offset: offset, Start: l.start, End: l.end()}
	}
	page := kafkaconn.Page{Next: offset, HighWatermark: l.end(), LogStart: l.start}
	for _, r := range l.records {
		if r.Offset >= offset && (l.page == 0 || len(page.Records) < l.page) {
			page.Records = append(page.Records, r)
			page.Next = r.Offset + 1
		}
	}
	return page, nil
}

// journal is what was done to view and letters, in order.
type journal struct {
	mutex sync.Mutex
	lines []string
}

func (j *journal) add(format string, args ...any) {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	j.lines = append(j.lines, fmt.Sprintf(format, args...))
}

func (j *journal) all() []string {
	j.mutex.Lock()
	defer j.mutex.Unlock()
	return slices.Clone(j.lines)
}

// fakeView takes batches as a store does. refuse, if any, is asked before a
// batch is taken, fail before every call.
type fakeView struct {
	journal *journal
	mutex   sync.Mutex
	at      view.Progress
	rows    map[int64]string
	refuse  func(ctx context.Context, b view.Batch) ([]view.Rejection, error)
	fail    func(call string) error
}

func (v *fakeView) failed(call string) error {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	if v.fail == nil {
		return nil
	}
	return v.fail(call)
}

func (v *fakeView) Name() string { return "fake" }

func (v *fakeView) Prepare(context.Context) error { return v.failed("prepare") }

func (v *fakeView) Progress(context.Context, int32) (view.Progress, error) {
	if err := v.failed("progress"); err != nil {
		return view.Progress{}, err
	}
	return v.progress(), nil
}

func (v *fakeView) progress() view.Progress {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	return v.at
}

func (v *fakeView) set(p view.Progress) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	v.at = p
	for offset := range v.rows {
		if offset >= p.Next {
			delete(v.rows, offset)
		}
	}
}

func (v *fakeView) Apply(ctx context.Context, b view.Batch) ([]view.Rejection, error) {
	if err := v.failed("apply"); err != nil {
		return nil, err
	}
	if v.refuse != nil {
		if rejections, err := v.refuse(ctx, b); err != nil || len(rejections) > 0 {
			return rejections, err
		}
	}
	v.mutex.Lock()
	defer v.mutex.Unlock()
	switch {
	case b.From > v.at.Next:
		return nil, fmt.Errorf("%w: %d, progress %d", view.ErrHole, b.From, v.at.Next)
	case v.at.Log != "" && v.at.Log != b.To.Log:
		return nil, fmt.Errorf("%w: %s", view.ErrOtherLog, v.at.Log)
	}
	for _, e := range b.Entries {
		v.rows[e.Offset] = e.Command.Message
	}
	if b.To.Next > v.at.Next {
		v.at = b.To
	}
	v.journal.add("apply %d-%d", b.From, b.To.Next)
	return nil, nil
}

// kept gives the offsets of the rows, in order.
func (v *fakeView) kept() []int64 {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	var out []int64
	for offset := range v.rows {
		out = append(out, offset)
	}
	slices.Sort(out)
	return out
}

type fakeLetters struct {
	journal *journal
	mutex   sync.Mutex
	written []deadletter.Refused
	fail    func() error
}

func (l *fakeLetters) Write(_ context.Context, log position.LogID, letters []deadletter.Refused) error {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.fail != nil {
		if err := l.fail(); err != nil {
			return err
		}
	}
	for _, letter := range letters {
		l.written = append(l.written, letter)
		l.journal.add("letter %s/%d", log, letter.Record.Offset)
	}
	return nil
}

func (l *fakeLetters) all() []deadletter.Refused {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return slices.Clone(l.written)
}

// stand is a worker with everything around it.
type stand struct {
	*testing.T
	journal *journal
	log     *fakeLog
	view    *fakeView
	letters *fakeLetters
	status  *Status
	metrics *prometheus.Registry
	worker  *worker
	mutex   sync.Mutex
	commits []int64
}

// newStand makes a worker over a log and a view that has come so far.
func newStand(t *testing.T, at view.Progress, records ...command.Record) *stand {
	j := &journal{}
	s := &stand{T: t, journal: j, log: &fakeLog{records: records}, letters: &fakeLetters{journal: j}, metrics: prometheus.NewRegistry(),
		view: &fakeView{journal: j, at: at, rows: map[int64]string{}}}
	s.status = NewStatus("fake", Metrics(s.metrics), time.Now)
	s.worker = &worker{partitionOf: here, view: s.view, log: s.log, letters: s.letters, limits: plenty, tells: true,
		status: s.status.assign(0), logger: slog.New(slog.DiscardHandler), commit: func(next int64) {
			s.mutex.Lock()
			defer s.mutex.Unlock()
			s.commits = append(s.commits, next)
		}}
	return s
}

// run starts the worker; the function that it gives ends it and waits for it.
func (s *stand) run(committed int64) (end func()) {
	ctx, cancel := context.WithCancel(s.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.worker.run(ctx, committed)
	}()
	return func() {
		cancel()
		<-ended
	}
}

// within lets virtual time pass until something is so, and gives how long it
// took. It is for tests in a synctest bubble only.
func (s *stand) within(limit time.Duration, what string, so func() bool) time.Duration {
	s.Helper()
	from := time.Now()
	for {
		synctest.Wait()
		took := time.Since(from)
		switch {
		case so():
			return took
		case took >= limit:
			s.Fatalf("after %v still not so: %s; the view is at %+v, done: %q", took, what, s.view.progress(), s.journal.all())
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// pass lets virtual time pass.
func pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (s *stand) reaches(next int64) func() bool {
	return func() bool { return s.view.progress().Next == next }
}

// halted gives why the worker has stopped for good.
func (s *stand) halted() error {
	s.status.mutex.Lock()
	defer s.status.mutex.Unlock()
	return s.worker.status.halted
}

package reindex

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"chatlog/shared/kafkaconn"
	"chatlog/shared/searchview/elastic"
	"chatlog/shared/view"
)

// world is a log of one partition in which every record makes a message or edits
// one, the indices that are filled from it, and an alias.
type world struct {
	*testing.T
	mutex   sync.Mutex
	end     int64
	edits   map[int64]int64 // numbers by offset
	indices map[string]*fakeIndex
	family  elastic.Family
	sinks   bool // they go on with what is searched
	did     []string
	told    []string
	fail    map[string]int // how often a call fails
	halted  error
	swapped func() // just before a swap is done
}

type fakeIndex struct {
	w        *world
	next     int64
	messages map[int64]view.Message // by number, which is the offset of what made it
}

func newWorld(t *testing.T, end int64) *world {
	w := &world{T: t, end: end, edits: map[int64]int64{}, indices: map[string]*fakeIndex{}, family: elastic.Family{Current: "one", Free: "two"}, sinks: true, fail: map[string]int{}}
	w.indices["one"] = w.index()
	w.indices["one"].take(end)
	return w
}

func (w *world) index() *fakeIndex { return &fakeIndex{w: w, messages: map[int64]view.Message{}} }

func (x *fakeIndex) take(end int64) {
	for ; x.next < end; x.next++ {
		number, edits := x.w.edits[x.next]
		if !edits {
			number = x.next
		}
		x.messages[number] = view.Message{Chat: 1, Number: number, Version: x.next, Text: fmt.Sprint(x.next)}
	}
}

// edit changes a message, which the sinks take at once.
func (w *world) edit(number int64) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.edits[w.end] = number
	w.end++
	w.indices[w.family.Current].take(w.end)
}

// write appends records, which the sinks take at once.
func (w *world) write(n int64) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.end += n; w.sinks {
		w.indices[w.family.Current].take(w.end)
	}
}

func (w *world) do(what string) error {
	w.did = append(w.did, what)
	if w.fail[what] > 0 {
		w.fail[what]--
		return errors.New(what + " fails")
	}
	return nil
}

func (w *world) Family(context.Context) (elastic.Family, error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.family, w.do("family")
}

func (w *world) Begin(_ context.Context, name string) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.indices[name], w.family.Next = w.index(), name
	return w.do("begin")
}

func (w *world) Swap(_ context.Context, f elastic.Family) error {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.swapped != nil {
		w.swapped()
	}
	if w.family.Current != f.Current {
		return errors.New("it is not behind the alias")
	}
	w.family = elastic.Family{Current: f.Next, Kept: f.Current, Free: "three"}
	return w.do("swap") // an answer that is lost
}

func (w *world) Bounds(context.Context, int32) (kafkaconn.Bounds, error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return kafkaconn.Bounds{End: w.end}, w.do("bounds")
}

// alias is an index by what it is in the family.
type alias struct {
	w    *world
	next bool
}

func (a alias) name() string {
	if a.next {
		return a.w.family.Next
	}
	return a.w.family.Current
}

func (a alias) index(what string) (*fakeIndex, func(), error) {
	a.w.mutex.Lock()
	x := a.w.indices[a.name()]
	if x == nil {
		a.w.mutex.Unlock()
		return nil, func() {}, errors.New("no such index")
	}
	return x, a.w.mutex.Unlock, a.w.do(what + " " + a.name())
}

func (a alias) Progresses(context.Context) (map[int32]view.Progress, error) {
	x, done, err := a.index("progress")
	defer done()
	if err != nil {
		return nil, err
	}
	return map[int32]view.Progress{0: {Next: x.next}}, nil
}

func (a alias) Refresh(context.Context) error {
	_, done, err := a.index("refresh")
	defer done()
	return err
}

func (a alias) Count(context.Context) (int64, error) {
	x, done, err := a.index("count")
	defer done()
	if err != nil {
		return 0, err
	}
	return int64(len(x.messages)), nil
}

func (a alias) Messages(_ context.Context, keys []view.MessageKey) (map[view.MessageKey]view.Message, error) {
	x, done, err := a.index("messages")
	defer done()
	out := map[view.MessageKey]view.Message{}
	for _, k := range keys {
		if m, there := x.messages[k.Number]; there {
			out[k] = m
		}
	}
	return out, err
}

func (a alias) Sample(_ context.Context, _ int32, size int) (keys []view.MessageKey, err error) {
	x, done, err := a.index("sample")
	defer done()
	for number := range x.messages {
		if len(keys) < size {
			keys = append(keys, view.MessageKey{Chat: 1, Number: number})
		}
	}
	return keys, err
}

// crew brings ten records a second into an index.
type crew struct {
	w      *world
	cancel context.CancelFunc
	group  sync.WaitGroup
}

func (w *world) crew(next bool) func(context.Context) Crew {
	return func(ctx context.Context) Crew {
		ctx, cancel := context.WithCancel(ctx)
		c := &crew{w: w, cancel: cancel}
		c.group.Go(func() {
			for sleep(ctx, 100*time.Millisecond) == nil {
				w.mutex.Lock()
				if x := w.indices[(alias{w, next}).name()]; x != nil && w.halted == nil {
					x.take(min(x.next+1, w.end))
				}
				w.mutex.Unlock()
			}
		})
		return c
	}
}

func (c *crew) Err() error {
	c.w.mutex.Lock()
	defer c.w.mutex.Unlock()
	return c.w.halted
}

func (c *crew) Stop() {
	c.cancel()
	c.group.Wait()
}

func (w *world) run() *Run {
	return &Run{Indices: w, Current: alias{w, false}, Next: alias{w, true}, Log: w, Partitions: 1, FillNext: w.crew(true), FillRest: w.crew(false),
		Sample: 1000, Patience: 10 * time.Second, Passed: func(string, int64, int64) {},
		Tell: func(format string, args ...any) { w.told = append(w.told, fmt.Sprintf(format, args...)) }}
}

// says wants a line that begins so.
func (w *world) says(begins string) {
	w.Helper()
	for _, line := range w.told {
		if strings.HasPrefix(line, begins) {
			return
		}
	}
	w.Errorf("nobody told %q: %q", begins, w.told)
}

// whole wants all of the log in what is searched.
func (w *world) whole(name string) {
	w.Helper()
	w.mutex.Lock()
	defer w.mutex.Unlock()
	x := w.indices[w.family.Current]
	if w.family.Current != name || x.next != w.end || int64(len(x.messages)) != w.end {
		w.Errorf("searched is %s, with %d messages of %d records; there are %v", w.family.Current, len(x.messages), w.end, maps.Keys(w.indices))
	}
}

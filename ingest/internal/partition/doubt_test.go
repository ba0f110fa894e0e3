package partition

import (
	"errors"
	"testing"
	"time"

	"chatlog/shared/command"
)

// keyed is a message with an Idempotency-Key.
func keyed(n int) Request {
	return Request{ID: rid(n), Op: command.MessageCreate, Application: rapp, Chat: 1, Message: "k", Keyed: true, Fingerprint: fingerprint(1)}
}

// sent is a keyed write whose batch has left, and lands when the test says so.
func sent(t *testing.T, d time.Duration) (r *rig, first *got, batch AppendBatch) {
	t.Helper()
	r = newRig(wide)
	r.open(t)
	r.view.follow(100)
	first = r.submit(keyed(5), d)
	r.do(take[LoadRows](t, r.step()))
	return r, first, take[AppendBatch](t, r.step())
}

// away lets time pass in which Kafka answers nothing.
func (r *rig) away() {
	for range 50 {
		for _, e := range r.step() {
			if _, ok := e.(ReadLog); ok {
				r.Read(r.now, ReadResult{Err: errors.New("away")})
			}
		}
	}
}

// wants checks what a call was told whose command turned out to count.
func (r *rig) wants(t *testing.T, batch AppendBatch, calls ...*got) {
	t.Helper()
	r.log.append(batch.Records)
	if n := r.counting(rid(5)); n != 1 {
		t.Fatalf("the command counts %d times", n)
	}
	for i, g := range calls {
		if g.n != 1 || !errors.Is(g.err, errUnknown) {
			t.Errorf("call %d: %d answers, %v; its command counts", i+1, g.n, g.err)
		}
	}
}

// A call whose batch failed waits to be tried again, and its time is up while it
// waits. Its client repeats it with its key, and the batch may land even then.
func TestDoubtOutlivesItsCall(t *testing.T) {
	r, first, batch := sent(t, 200*time.Millisecond)
	r.Appended(r.now, AppendResult{Err: errors.New("timed out")})
	r.away()
	second := r.submit(keyed(5), 200*time.Millisecond)
	r.away()
	r.wants(t, batch, first, second)
}

// The same, and the last try of the first call was refused by the broker: that
// says nothing of the try before it.
func TestDoubtOutlivesARefusal(t *testing.T) {
	r, first, batch := sent(t, 200*time.Millisecond)
	r.Appended(r.now, AppendResult{Err: errors.New("timed out")})
	r.do(take[ReadLog](t, r.step())) // not there yet
	take[AppendBatch](t, r.step())
	r.now = r.now.Add(time.Second)
	r.step()
	r.Appended(r.now, AppendResult{Err: errors.New("not enough replicas"), Refused: true})
	second := r.submit(keyed(5), 200*time.Millisecond)
	r.away()
	r.wants(t, batch, first, second)
}

// The view is set back meanwhile: the overlay starts over, and what is in doubt
// stays in doubt.
func TestDoubtOutlivesARebuild(t *testing.T) {
	r, first, batch := sent(t, 50*time.Millisecond)
	r.now = r.now.Add(time.Second)
	r.step()
	r.Appended(r.now, AppendResult{Err: errors.New("timed out")})
	r.do(take[ReadLog](t, r.step())) // not there yet
	r.rebuild = true
	r.step()
	second := r.submit(keyed(5), 200*time.Millisecond)
	r.away()
	r.wants(t, batch, first, second)
}

// The overlay starts over beyond what is in doubt, which is then never read: only
// the view knows what became of it, and it is away.
func TestDoubtIsNeverRead(t *testing.T) {
	r, _, batch := sent(t, 50*time.Millisecond)
	r.now = r.now.Add(time.Second)
	r.step()
	r.Appended(r.now, AppendResult{Err: errors.New("timed out")})
	r.do(take[ReadLog](t, r.step())) // not there yet
	r.rebuild = true
	load := take[LoadRows](t, r.step())
	r.log.append(batch.Records)
	r.log.high = int64(len(r.log.records))
	r.view.follow(100)
	r.do(load)
	r.settleAll()
	second := r.submit(keyed(5), time.Minute)
	load = take[LoadRows](t, r.step())
	r.Loaded(r.now, LoadResult{Keys: load.Keys, Err: errors.New("away")})
	if second.n != 1 || !errors.Is(second.err, errUnknown) {
		t.Errorf("%d answers, %v; its command counts", second.n, second.err)
	}
	third := r.submit(keyed(5), time.Minute)
	r.settleAll()
	if third.n != 1 || third.err != nil || len(r.doubts) > 0 {
		t.Errorf("%+v; in doubt: %v", third, r.doubts)
	}
}

// A try that was put together anew has its command earlier than the one before,
// which may land all the same, and be read up to its middle.
func TestDoubtOfTheEarlierTry(t *testing.T) {
	r := newRig(wide)
	r.open(t)
	r.view.follow(100)
	r.submit(Request{ID: rid(8), Op: command.MessageCreate, Application: rapp, Chat: 1, Message: "m"}, 50*time.Millisecond)
	r.submit(Request{ID: rid(9), Op: command.MessageCreate, Application: rapp, Chat: 1, Message: "m"}, 50*time.Millisecond)
	r.submit(keyed(5), 200*time.Millisecond)
	r.state.keyed.load(rid(5), keyedState{}) // looked up before
	batch := take[AppendBatch](t, r.step())
	r.now = r.now.Add(60 * time.Millisecond)
	r.step() // the first two are told that nobody knows
	r.Appended(r.now, AppendResult{Err: errors.New("timed out")})
	r.do(take[ReadLog](t, r.step())) // not there yet
	again := take[AppendBatch](t, r.step())
	r.now = r.now.Add(time.Second)
	r.step()
	second := r.submit(keyed(5), 300*time.Millisecond)
	r.log.append(batch.Records)
	r.log.high = int64(len(r.log.records))
	r.Appended(r.now, AppendResult{Base: r.log.append(again.Records)})
	e := take[ReadLog](t, r.step())
	r.Read(r.now, r.log.read(e.From, 1)) // a page that ends within the batch
	r.away()
	if second.n != 1 || !errors.Is(second.err, errUnknown) {
		t.Errorf("%d answers, %v; its command counts", second.n, second.err)
	}
}

// A partition that stops while a batch is on its way does not know what became
// of it.
func TestDoubtOfWhatIsOnItsWay(t *testing.T) {
	r := newRig(wide)
	r.open(t)
	r.view.follow(100)
	first := r.submit(keyed(5), time.Minute)
	r.do(take[LoadRows](t, r.step()))
	r.submit(Request{ID: rid(6), Op: command.MessageUpdate, Application: rapp, Chat: 7, Number: 1, Message: "x"}, time.Minute)
	es := r.step()
	batch, load := take[AppendBatch](t, es), take[LoadRows](t, es)
	rows := r.view.load(load.Keys)
	rows.Progress.Log = "00000000000000ff"
	r.Loaded(r.now, LoadResult{Keys: load.Keys, Rows: rows})
	if phase, _ := r.Phase(); phase != "stopped" {
		t.Fatal("it does not stop")
	}
	r.wants(t, batch, first)
}

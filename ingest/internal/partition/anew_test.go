package partition

import (
	"testing"
	"time"

	"chatlog/shared/command"
	"chatlog/shared/position"
)

// anew is a log that was made anew, with records where the old one had some.
func anew(t *testing.T, records int) *rig {
	t.Helper()
	r := newRig(wide)
	r.cfg.NewLog = func() position.LogID { return "00000000000000ff" }
	r.open(t)
	for i := range records {
		r.submit(Request{ID: rid(50 + i), Op: command.MessageCreate, Application: rapp, Chat: 1, Message: "m"}, time.Minute)
		r.settleAll()
	}
	return r
}

// A view of an older log says nothing about the log that is there now: its rows
// have other numbers at the same offsets, so the owner stops.
func TestAViewOfAnotherLog(t *testing.T) {
	old := newRig(wide)
	old.open(t)
	old.view.follow(100)
	q := Request{ID: rid(99), Op: command.MessageCreate, Application: rapp, Chat: 1, Message: "m", Keyed: true, Fingerprint: fingerprint(1)}
	for name, meet := range map[string]func() (*rig, *got){
		"from the start": func() (*rig, *got) {
			r := restarted(anew(t, 5))
			r.view = old.view
			return r, r.submit(q, time.Minute)
		},
		"put in the place of the right one": func() (*rig, *got) {
			r := anew(t, 5)
			r.view = old.view
			return r, r.submit(q, time.Minute)
		},
	} {
		t.Run(name, func(t *testing.T) {
			r, g := meet()
			end := r.log.high
			r.settleAll()
			if phase, err := r.Phase(); phase != "stopped" || err == nil {
				t.Errorf("it is %s (%v)", phase, err)
			}
			if g.n != 1 || g.err == nil || r.log.high != end {
				t.Errorf("the request: %+v; the log went from %d to %d", g, end, r.log.high)
			}
		})
	}
}

// The topic is made anew under an owner that has all it needs in memory, and
// other instances, started since, have filled it farther than it knows. What it
// appends would count for nobody.
func TestALogMadeAnewUnderItsOwner(t *testing.T) {
	r := newRig(wide)
	r.open(t)
	r.view.follow(100)
	r.log = anew(t, 5).log
	g := r.submit(Request{ID: rid(99), Op: command.MessageCreate, Application: rapp, Chat: 1, Message: "m"}, time.Minute)
	r.settleAll()
	if phase, err := r.Phase(); phase != "stopped" || err == nil {
		t.Errorf("it is %s (%v)", phase, err)
	}
	if g.n != 1 || g.err == nil || r.counting(rid(99)) > 0 {
		t.Errorf("the request: %+v; it counts %d times", g, r.counting(rid(99)))
	}
}

// A lone record that only says it is of another log, as anybody may write, stops
// nobody.
func TestAStrangersRecordStopsNoOwner(t *testing.T) {
	r := newRig(wide)
	r.open(t)
	for _, value := range []string{`{"v":1}`, string(r.log.records[1].Value)} {
		offset := int64(len(r.log.records))
		at := position.At{Log: "00000000000000ff", Offset: offset - 1}
		r.log.records = append(r.log.records, command.Record{Offset: offset, Key: []byte(rapp), Value: []byte(value),
			Headers: []command.Header{{Key: command.HeaderAt, Value: at.Append(nil)}}})
		r.log.high = int64(len(r.log.records))
		g := r.submit(Request{ID: rid(int(100 + offset)), Op: command.MessageCreate, Application: rapp, Chat: 1, Message: "m"}, time.Minute)
		r.settleAll()
		if g.n != 1 || g.err != nil {
			t.Errorf("%+v", g)
		}
	}
}

package verify

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"chatlog/shared/command"
	"chatlog/shared/fault"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/position"
	"chatlog/shared/view"
)

// stubborn is a view whose store says something else to what is applied.
type stubborn struct {
	View
	rejections []view.Rejection
	err        error
}

func (s stubborn) Apply(context.Context, view.Batch) ([]view.Rejection, error) {
	return s.rejections, s.err
}

func (w *world) again(v View, offset int64, log position.LogID) (string, error) {
	a := Audit{Log: w, PartitionOf: partitionOf, Patience: 20 * time.Millisecond, Settle: 20 * time.Millisecond}
	return a.Again(w.Context(), v, At{Log: log, Partition: 0, Offset: offset})
}

// TestAgain: the one command is brought into the one view, and nothing else changes.
func TestAgain(t *testing.T) {
	w := newWorld(t)
	w.exec("DELETE FROM message WHERE application = EVEN AND chat = 2", "DELETE FROM keyed_command", "DELETE FROM message WHERE application = ODD AND chat = 2")
	before := w.audit(false)
	progress, err := w.rows.Progress(t.Context(), 0)
	if err != nil || len(before) != 4 {
		t.Fatal(before, err)
	}
	for _, offset := range []int64{8, 6, 8} {
		if refused, err := w.again(w.rows, offset, logID(0)); refused != "" || err != nil {
			t.Errorf("offset %d: %q, %v", offset, refused, err)
		}
	}
	want := "mysql missing keyed command " + commandID(1, 6) + " mysql missing message 1 of chat 2 of " + odd
	if left := strings.Join(w.audit(false), " "); left != want {
		t.Errorf("left: %s", left)
	}
	// What is later stays: an edit (of message 1), and a delete (of message 2).
	for _, v := range []View{w.rows, w.index} {
		for offset := int64(1); offset <= 10; offset++ {
			if refused, err := w.again(v, offset, logID(0)); (refused != "") != (offset == 5) || err != nil {
				t.Errorf("%s, offset %d: %q, %v", v.Name(), offset, refused, err)
			}
		}
	}
	if left := strings.Join(w.audit(false), " "); left != want {
		t.Errorf("after all of them again: %s", left)
	}
	if after, err := w.rows.Progress(t.Context(), 0); after != progress || err != nil {
		t.Errorf("progress was %+v and is %+v, %v", progress, after, err)
	}
}

// TestAgainInVain: nobody hears that a view has what it has not.
func TestAgainInVain(t *testing.T) {
	w := newWorld(t)
	w.exec("DELETE FROM message WHERE application = EVEN AND chat = 2")
	down := fault.New(fault.Transient, "down")
	for _, c := range []struct {
		what    string
		v       View
		offset  int64
		log     position.LogID
		refused string
		err     error
	}{
		{"rejected", stubborn{w.rows, []view.Rejection{{Offset: 8, Reason: "too long"}}, nil}, 8, logID(0), "too long", nil},
		{"never to be stored", stubborn{w.rows, nil, fault.New(fault.Invalid, "no such column")}, 8, logID(0), "no such column", nil},
		{"taken and not there", stubborn{w.rows, nil, nil}, 8, logID(0), "message 1 of chat 2", nil},
		{"down", stubborn{w.rows, nil, down}, 8, logID(0), "", down},
		{"another log's", w.rows, 8, logID(1), "it is of log", nil},
		{"no log's", w.rows, 8, "", "it is of log", nil},
		{"beyond the end", w.rows, 11, logID(0), "the log ends", nil},
		{"a marker", w.rows, 5, logID(0), "no command that counts", nil},
		{"log.open", w.rows, 0, logID(0), "no command that counts", nil},
	} {
		if refused, err := w.again(c.v, c.offset, c.log); !strings.Contains(refused, c.refused) || (refused == "") != (c.refused == "") || !errors.Is(err, c.err) {
			t.Errorf("%s: %q, %v", c.what, refused, err)
		}
	}
	// A record that the view has not come to is its sink's to apply.
	w.mutex.Lock()
	w.log[0] = append(w.log[0], command.Record{Offset: 11, Key: []byte(even), Value: w.log[0][8].Value,
		Headers: []command.Header{{Key: command.HeaderAt, Value: position.At{Log: logID(0), Offset: 11}.Append(nil)}}})
	w.mutex.Unlock()
	if refused, err := w.again(w.rows, 11, logID(0)); !strings.Contains(refused, "has come to offset 11") || err != nil {
		t.Errorf("not reached: %q, %v", refused, err)
	}
	w.exec("UPDATE progress SET log = '00000000000000ff'")
	if refused, err := w.again(w.rows, 8, logID(0)); !errors.Is(err, view.ErrOtherLog) {
		t.Errorf("a view of another log: %q, %v", refused, err)
	}
}

// silent is a log whose broker has nothing to say once.
type silent struct {
	*world
	asked map[int64]int
}

func (s silent) Fetch(ctx context.Context, p int32, at int64, wait time.Duration) (kafkaconn.Page, error) {
	if s.asked[at]++; s.asked[at] == 1 {
		return kafkaconn.Page{Next: at}, nil
	}
	return s.world.Fetch(ctx, p, at, wait)
}

func TestAgainAsksABusyBrokerAgain(t *testing.T) {
	w := newWorld(t)
	a := Audit{Log: silent{w, map[int64]int{}}, PartitionOf: partitionOf, Patience: 20 * time.Millisecond, Settle: 20 * time.Millisecond}
	if refused, err := a.Again(t.Context(), w.rows, At{Log: logID(0), Offset: 8}); refused != "" || err != nil {
		t.Error(refused, err)
	}
}

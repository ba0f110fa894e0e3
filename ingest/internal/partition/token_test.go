package partition

import (
	"log/slog"
	"testing"
	"time"
)

// A view that was emptied knows no log, and an owner that starts over from it
// knows none until it has read log.open again. Whoever was answered just before
// makes a token of what is published, and may do so only then.
func TestTheLogStaysKnown(t *testing.T) {
	r := newRig(wide)
	r.open(t)
	o := NewOwner(r.Machine, nil, nil, Timeouts{}, time.Now, slog.New(slog.DiscardHandler), func(*Machine) {})
	o.report()
	known := o.Log()
	r.rebuild = true
	for _, e := range r.step() {
		r.do(e) // of a view that has followed nothing
		o.report()
	}
	if log, _ := r.Log(); log != "" || known == "" {
		t.Fatalf("the machine knows log %q, the owner had published %q: this test shows nothing", log, known)
	}
	if o.Log() != known {
		t.Errorf("%q is published, and was %q", o.Log(), known)
	}
}

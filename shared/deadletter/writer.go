package deadletter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"chatlog/shared/fault"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/position"
)

// Config is where letters go and what they are about.
type Config struct {
	View    string   // who cannot take the records; without "/"
	Source  string   // topic of the records
	Topic   string   // of the letters
	Classes []string // that there can be: they are counted from the start, or the first letter would be no increase
}

// Writer writes the letters of one partition of one view, each position once:
// before it writes it reads which ones are there already, so a restart, a replay from
// the beginning or a rebuilt view does not tell them again. Only a request that reaches
// the leader after its writer has given up and looked, or while another one writes for
// the same partition, can make two of one, under the same key.
type Writer struct {
	cfg     Config
	conn    *kafkaconn.Conn
	source  int32
	known   map[string]told // by the names of letters that are written; nil: not read yet
	next    int64           // offset in the topic up to which they were read
	counter *prometheus.CounterVec
}

// told is what a writer knows of a letter that is written.
type told struct{ rejected, settled, retried bool }

// again reports whether the letter has to be told once more if its record is
// rejected once more: it was retried and the store took it, and now it does not.
func (t told) again() bool { return t.rejected && t.retried }

// NewCounter registers the metric of all writers of a process.
func NewCounter(r prometheus.Registerer) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "chatlog_dead_letters_total",
		Help: "Records written to dead letters, by view and class."}, []string{"view", "class"})
	r.MustRegister(c)
	return c
}

// NewWriter makes the writer for one partition of the source.
func NewWriter(cfg Config, conn *kafkaconn.Conn, source int32, counter *prometheus.CounterVec) *Writer {
	for _, class := range cfg.Classes {
		counter.WithLabelValues(cfg.View, class)
	}
	return &Writer{cfg: cfg, conn: conn, source: source, counter: counter}
}

// Write writes letters that are not there yet. log is the one whose offsets the
// records have; where the source is no log, or it is not open yet, it is empty, and
// the source's name stands for it: a topic made anew must have another one then. When
// it fails, which is fault.Transient, some of them may have been written; the same
// call again writes the others.
func (w *Writer) Write(ctx context.Context, log position.LogID, letters []Refused) error {
	// Another one may have written for this partition since: leases and assignments
	// overlap for a moment.
	fresh := w.known == nil
	if err := w.readOn(ctx, fresh); err != nil {
		return err
	}
	for _, r := range letters {
		letter := newLetter(w.cfg, log, w.source, r)
		t, found := w.known[letter.Name()]
		if found && r.Class == Rejected && !fresh { // it may have been settled since
			if err := w.readOn(ctx, true); err != nil {
				return err
			}
			t, fresh = w.known[letter.Name()], true
		}
		if found && !t.again() {
			continue
		}
		err := w.produce(ctx, letter)
		if fault.Is(err, fault.TooLarge) { // it came compressed, or the topics' bounds differ
			err = w.produce(ctx, letter.truncated())
		}
		if err != nil {
			w.known, w.next = nil, 0 // it may have been written all the same
			return err
		}
		w.known[letter.Name()] = told{rejected: r.Class == Rejected}
		w.counter.WithLabelValues(w.cfg.View, r.Class).Inc()
	}
	return nil
}

func (w *Writer) produce(ctx context.Context, l Letter) error {
	value, err := json.Marshal(l)
	if err != nil {
		return fmt.Errorf("dead letter %s: %w", l.Name(), err)
	}
	_, err = w.conn.Produce(ctx, w.cfg.Topic, 0, []kafkaconn.Record{{Key: []byte(l.Name()), Value: value}})
	return err
}

// readOn reads what was written of this view's and partition's letters, from where it
// was read last up to the topic's end. Under whole it fails if there may be more than
// readers are shown, which is so for a moment whenever anybody writes.
func (w *Writer) readOn(ctx context.Context, whole bool) error {
	known := w.known
	if known == nil {
		known = map[string]told{}
	}
	end, err := pages(ctx, w.conn, w.cfg.Topic, w.next, func(page kafkaconn.Page) error {
		for i := range page.Records {
			if w.mine(string(page.Records[i].Key)) {
				note(known, entry(&page.Records[i]), string(page.Records[i].Key))
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if whole {
		if err := w.shown(ctx, end); err != nil {
			return err
		}
	}
	w.known, w.next = known, end
	return nil
}

// note takes in the next entry under a name. One that cannot be read is a letter as
// a newer program writes it.
func note(known map[string]told, e Entry, name string) {
	t, found := known[name]
	switch {
	case e.Odd == nil && e.Settlement != nil:
		if found && !t.settled {
			t.settled, t.retried = true, e.Settlement.State == Retried
			known[name] = t
		}
	case !found, t.again():
		known[name] = told{rejected: e.Letter.Class == Rejected}
	}
}

// shown makes sure that the leader has nothing beyond the topic's end as readers
// are told of it. A letter that was written while followers lag lies there, and
// counts once they have it: written again meanwhile, it would be told twice.
func (w *Writer) shown(ctx context.Context, end int64) error {
	_, err := w.conn.Fetch(ctx, w.cfg.Topic, 0, end+1, pageBytes, time.Millisecond)
	var beyond *kafkaconn.OutOfRangeError
	switch {
	case errors.As(err, &beyond): // a leader says so of what it does not have itself
		return nil
	case err == nil:
		return fault.New(fault.Transient, "dead letters are not all replicated yet")
	}
	return err
}

// mine reports whether a letter is of this view and partition.
func (w *Writer) mine(key string) bool {
	parts := strings.Split(key, "/")
	return len(parts) == 4 && parts[0] == w.cfg.View && parts[2] == strconv.Itoa(int(w.source))
}

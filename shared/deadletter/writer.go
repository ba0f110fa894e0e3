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
// before its first letter it reads which ones are there already, so a restart,
// a replay from the beginning or a rebuilt view does not tell them again. Only a
// request that reaches the leader after its writer has given up and looked, or
// has handed the partition over, can make two of one, under the same key.
type Writer struct {
	cfg     Config
	conn    *kafkaconn.Conn
	source  int32
	known   map[string]bool // names of letters that are written; nil: not read yet
	counter *prometheus.CounterVec
}

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
	if w.known == nil {
		if err := w.readKnown(ctx); err != nil {
			return err
		}
	}
	for _, r := range letters {
		letter := newLetter(w.cfg, log, w.source, r)
		if w.known[letter.Name()] {
			continue
		}
		err := w.produce(ctx, letter)
		if fault.Is(err, fault.TooLarge) { // it came compressed, or the topics' bounds differ
			err = w.produce(ctx, letter.truncated())
		}
		if err != nil {
			w.known = nil // it may have been written all the same
			return err
		}
		w.known[letter.Name()] = true
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

// readKnown reads the names of this view's and partition's letters.
func (w *Writer) readKnown(ctx context.Context) error {
	known := map[string]bool{}
	end, err := pages(ctx, w.conn, w.cfg.Topic, 0, func(page kafkaconn.Page) error {
		for _, r := range page.Records {
			if w.mine(string(r.Key)) {
				known[string(r.Key)] = true
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	if err := w.shown(ctx, end); err != nil {
		return err
	}
	w.known = known
	return nil
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

// Package deadletter writes what a view could not take to the dead letters
// topic, where it waits for an operator: nothing is dropped without being told.
package deadletter

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"

	"chatlog/shared/clock"
	"chatlog/shared/fault"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/position"
	"chatlog/sinks/internal/consume"
)

// Letter is a dead letter as it lies in the topic, as JSON. Bytes are base64.
type Letter struct {
	View      string   `json:"view"`
	Class     string   `json:"class"` // the verdict, or "rejected" by the view's store
	Reason    string   `json:"reason"`
	Log       string   `json:"log"`
	Topic     string   `json:"topic"`
	Partition int32    `json:"partition"`
	Offset    int64    `json:"offset"`
	Time      string   `json:"time"`
	Key       []byte   `json:"key"`
	Value     []byte   `json:"value"`
	Headers   []Header `json:"headers"`
	// Truncated says that the record is too large for a letter: its key, value
	// and headers are left out. They stay in the log at the letter's position.
	Truncated bool `json:"truncated,omitempty"`
}

// Header is one header of the record.
type Header struct {
	Key      string `json:"key"`
	KeyBytes []byte `json:"key_bytes,omitempty"` // of a key that is not valid UTF-8, which JSON cannot hold
	Value    []byte `json:"value"`
}

// Config is where letters go and what they are about.
type Config struct {
	View   string
	Source string // topic of the records
	Topic  string // of the letters
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
	known   map[string]bool // keys of letters that are written; nil: not read yet
	counter *prometheus.CounterVec
}

// NewCounter registers the metric of all writers of a process.
func NewCounter(r prometheus.Registerer) *prometheus.CounterVec {
	c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "chatlog_sink_dead_letters_total",
		Help: "Records written to dead letters, by view and class."}, []string{"view", "class"})
	r.MustRegister(c)
	return c
}

// NewWriter makes the writer of one partition's worker.
func NewWriter(cfg Config, conn *kafkaconn.Conn, source int32, counter *prometheus.CounterVec) *Writer {
	return &Writer{cfg: cfg, conn: conn, source: source, counter: counter}
}

// key is where a letter's record lies, and for which view.
func (w *Writer) key(log position.LogID, offset int64) string {
	return fmt.Sprintf("%s/%s/%d/%d", w.cfg.View, log, w.source, offset)
}

// Write writes letters that are not there yet. When it fails, some of them may
// have been written.
func (w *Writer) Write(ctx context.Context, log position.LogID, letters []consume.Letter) error {
	if w.known == nil {
		if err := w.readKnown(ctx); err != nil {
			return err
		}
	}
	for _, l := range letters {
		key := w.key(log, l.Record.Offset)
		if w.known[key] {
			continue
		}
		value, err := json.Marshal(w.letter(log, l))
		if err != nil {
			return fmt.Errorf("dead letter %s: %w", key, err)
		}
		record := kafkaconn.Record{Key: []byte(key), Value: value}
		_, err = w.conn.Produce(ctx, w.cfg.Topic, 0, []kafkaconn.Record{record})
		if fault.Is(err, fault.TooLarge) { // it came compressed, or the topics' bounds differ
			if record.Value, err = json.Marshal(w.truncated(log, l)); err == nil {
				_, err = w.conn.Produce(ctx, w.cfg.Topic, 0, []kafkaconn.Record{record})
			}
		}
		if err != nil {
			w.known = nil // it may have been written all the same
			return err
		}
		w.known[key] = true
		w.counter.WithLabelValues(w.cfg.View, l.Class).Inc()
	}
	return nil
}

func (w *Writer) letter(log position.LogID, l consume.Letter) Letter {
	out := Letter{View: w.cfg.View, Class: l.Class, Reason: l.Reason, Log: string(log), Topic: w.cfg.Source, Partition: l.Record.Partition,
		Offset: l.Record.Offset, Time: clock.Now().UTC().Format(time.RFC3339Nano), Key: l.Record.Key, Value: l.Record.Value, Headers: []Header{}}
	for _, h := range l.Record.Headers {
		header := Header{Key: h.Key, Value: h.Value}
		if !utf8.ValidString(h.Key) {
			header.KeyBytes = []byte(h.Key)
		}
		out.Headers = append(out.Headers, header)
	}
	return out
}

func (w *Writer) truncated(log position.LogID, l consume.Letter) Letter {
	out := w.letter(log, l)
	out.Key, out.Value, out.Headers, out.Truncated = nil, nil, []Header{}, true
	return out
}

const scanBytes = 4 << 20

// readKnown reads the keys of this view's and partition's letters.
func (w *Writer) readKnown(ctx context.Context) error {
	bounds, err := w.conn.Ends(ctx, w.cfg.Topic, 0)
	if err != nil {
		return err
	}
	known := map[string]bool{}
	for at := bounds[0].Start; at < bounds[0].End; {
		page, err := w.conn.Fetch(ctx, w.cfg.Topic, 0, at, scanBytes, time.Second)
		if err != nil {
			return err
		}
		for _, r := range page.Records {
			if w.mine(string(r.Key)) {
				known[string(r.Key)] = true
			}
		}
		at = page.Next
	}
	if err := w.shown(ctx, bounds[0].End); err != nil {
		return err
	}
	w.known = known
	return nil
}

// shown makes sure that the leader has nothing beyond the topic's end as readers
// are told of it. A letter that was written while followers lag lies there, and
// counts once they have it: written again meanwhile, it would be told twice.
func (w *Writer) shown(ctx context.Context, end int64) error {
	_, err := w.conn.Fetch(ctx, w.cfg.Topic, 0, end+1, scanBytes, time.Millisecond)
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

package consume

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"chatlog/shared/command"
	"chatlog/shared/fault"
	"chatlog/shared/tracing"
	"chatlog/shared/tracing/tracingtest"
	"chatlog/shared/view"
)

func traceparent(n int) string {
	return fmt.Sprintf("00-%032x-%016x-01", n, n)
}

// tracedView makes a view that is told of, over one that answers as given.
func tracedView(t *testing.T, answer func() ([]view.Rejection, error)) (*TracedView, *tracingtest.Collector) {
	c := tracingtest.New(t)
	on, err := tracing.New(tracing.Config{Endpoint: c.URL}, "x", prometheus.NewRegistry(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	under := &fakeView{journal: &journal{}, rows: map[int64]string{}, refuse: func(context.Context, view.Batch) ([]view.Rejection, error) { return answer() }}
	return &TracedView{View: under, Tracing: on, Engine: "sqlite", Topic: "records", Group: "a group", Clock: time.Now}, c
}

func entry(offset int64, trace string, when time.Time) view.Entry {
	return view.Entry{Offset: offset, Trace: trace, Command: command.Command{ID: fmt.Sprint("id ", offset), Time: when}}
}

// Every sampled record of a batch is told of in its own trace; one without a trace,
// with a malformed one, or of long ago is taken all the same.
func TestRecordsAreSpans(t *testing.T) {
	var rejections []view.Rejection
	v, c := tracedView(t, func() ([]view.Rejection, error) { return rejections, nil })
	now := time.Now()
	rejections = []view.Rejection{{Offset: 9, Reason: "can never be taken"}}
	b := view.Batch{To: view.Progress{Partition: 3, Next: 12, Log: "0000000000000001"}, Entries: []view.Entry{entry(7, traceparent(7), now), entry(8, "", now),
		entry(9, traceparent(9), now), entry(10, "none", now), entry(11, traceparent(11), now.Add(-2*traceFor))}}
	if got, err := v.Apply(t.Context(), b); err != nil || len(got) != 1 {
		t.Error(got, err)
	}
	if err := v.Tracing.Stop(context.Background()); err != nil {
		t.Error(err)
	}
	if all := c.All(); len(all) != 4 {
		t.Errorf("%d spans, must be 2 of each of 2 records: %+v", len(all), all)
	}
	for _, n := range []int{7, 9} {
		spans := c.Of(fmt.Sprintf("%032x", n))
		if len(spans) != 2 {
			t.Fatalf("record %d has the spans %+v", n, spans)
		}
		take, call := spans[0], spans[1]
		if take.Parent == "" {
			take, call = call, take
		}
		if take.Name == "apply sqlite" {
			take, call = call, take
		}
		if take.Parent != fmt.Sprintf("%016x", n) || take.Kind != "consumer" || call.Parent != take.ID || call.Kind != "client" {
			t.Errorf("record %d: %+v", n, spans)
		}
		if take.Attributes["messaging.kafka.offset"] != fmt.Sprint(n) || take.Attributes["messaging.destination.partition.id"] != "3" ||
			take.Attributes["messaging.batch.message_count"] != "5" || (take.Failed != "") != (n == 9) {
			t.Errorf("record %d: %+v", n, take)
		}
	}
}

// A store that is away is told once in each trace, however often it is tried, and
// so is that it is back.
func TestAnOutageIsOneSpan(t *testing.T) {
	away := true
	v, c := tracedView(t, func() ([]view.Rejection, error) {
		if away {
			return nil, fault.Wrap(fault.Transient, "away", errors.New("no route"))
		}
		return nil, nil
	})
	b := view.Batch{To: view.Progress{Next: 1, Log: "0000000000000001"}, Entries: []view.Entry{entry(0, traceparent(1), time.Now())}}
	for range 5 {
		if _, err := v.Apply(t.Context(), b); !fault.Is(err, fault.Transient) {
			t.Error(err)
		}
	}
	away = false
	if _, err := v.Apply(t.Context(), b); err != nil {
		t.Error(err)
	}
	if err := v.Tracing.Stop(context.Background()); err != nil {
		t.Error(err)
	}
	failed, done := 0, 0
	for _, s := range c.All() {
		switch {
		case !strings.HasPrefix(s.Name, "process"):
		case s.Failed != "":
			failed++
		default:
			done++
		}
	}
	if failed != 1 || done != 1 {
		t.Errorf("%d spans tell of a failure and %d of none, must be one each", failed, done)
	}
}

// A trace has no part in what a record says: one that is malformed, doubled or
// absent is the same entry.
func TestATraceChangesNoVerdict(t *testing.T) {
	trace := func(text string) command.Header { return command.Header{Key: command.HeaderTrace, Value: []byte(text)} }
	for name, headers := range map[string][]command.Header{"none": nil, "one": {trace(traceparent(1))}, "malformed": {trace("\xff")},
		"two": {trace(traceparent(1)), trace(traceparent(2))}} {
		r := said(1, "Hello")
		r.Headers = append(r.Headers, headers...)
		at := upTo(1)
		reading := reader{position: at, log: command.Log{ID: ours, Generation: at.Generation, PartitionOf: here}}
		out, _ := reading.take([]command.Record{r}, 2, Limits{Records: 10, Bytes: 1 << 20})
		if len(out.batch.Entries) != 1 || out.batch.Entries[0].Command.Message != "Hello" || (out.batch.Entries[0].Trace == traceparent(1)) != (name == "one") {
			t.Errorf("%s: %+v", name, out.batch)
		}
	}
}

package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kadm"
	"github.com/twmb/franz-go/pkg/kgo"

	"chatlog/deploy/client"
	"chatlog/deploy/workload"
)

// second adds another ingest to a running system. Both own every partition.
func (h *house) second(t *testing.T) *client.Client {
	t.Helper()
	p, err := h.Program("ingest").Another("second ingest", "CHATLOG_INGEST_LISTEN")
	if err != nil {
		t.Fatal(err)
	}
	h.Programs = append(h.Programs, p)
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	if err := h.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	c := client.New("http://"+p.Listen, 64)
	t.Cleanup(c.Close)
	return c
}

// kcat puts records into a partition, as somebody with access to Kafka may.
func (h *house) kcat(t *testing.T, partition int32, lines string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	c := exec.CommandContext(ctx, "kcat", append([]string{"-P", "-b", h.parts.Kafka, "-t", h.parts.Commands, "-p", strconv.Itoa(int(partition))}, args...)...)
	c.Stdin = strings.NewReader(lines)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("kcat: %v: %s", err, out)
	}
}

// letter is what the tests look at in a dead letter.
type letter struct {
	View, Class, Reason string
	Partition           int32
	Offset              int64
	Value               []byte
	Letter              string // of a settlement: what it settles
}

// letters reads the dead letters, settled or not.
func (h *house) letters(t *testing.T) []letter {
	t.Helper()
	var all []letter
	for _, r := range h.read(t, h.parts.DeadLetters) {
		var l letter
		if err := json.Unmarshal(r.Value, &l); err != nil {
			t.Fatal(err)
		}
		if l.Letter == "" {
			all = append(all, l)
		}
	}
	return all
}

// read reads a whole topic.
func (h *house) read(t *testing.T, topic string) []*kgo.Record {
	t.Helper()
	c, err := kgo.NewClient(kgo.SeedBrokers(h.kafka(t)), kgo.FetchMaxWait(100*time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ends, err := kadm.NewClient(c).ListEndOffsets(t.Context(), topic)
	if err != nil || ends.Error() != nil {
		t.Fatal(err, ends.Error())
	}
	from, left := map[int32]kgo.Offset{}, map[int32]int64{}
	ends.Each(func(o kadm.ListedOffset) {
		if o.Offset > 0 {
			from[o.Partition], left[o.Partition] = kgo.NewOffset().At(0), o.Offset
		}
	})
	c.AddConsumePartitions(map[string]map[int32]kgo.Offset{topic: from})
	var all []*kgo.Record
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for len(left) > 0 && ctx.Err() == nil {
		c.PollFetches(ctx).EachRecord(func(r *kgo.Record) {
			all = append(all, r)
			if r.Offset >= left[r.Partition]-1 {
				delete(left, r.Partition)
			}
		})
	}
	if len(left) > 0 {
		t.Fatal("not read to the end: ", left)
	}
	return all
}

// partition is where an application lives.
func (h *house) partition(t *testing.T, token string) int32 {
	t.Helper()
	for _, r := range h.read(t, h.parts.Commands) {
		if string(r.Key) == token {
			return r.Partition
		}
	}
	t.Fatal("no record of ", token)
	return 0
}

// copyBatch appends the application's newest records once more, byte for byte,
// with their old headers.
func (h *house) copyBatch(t *testing.T, token string, count int) {
	t.Helper()
	var old []*kgo.Record
	for _, r := range h.read(t, h.parts.Commands) {
		if string(r.Key) == token && len(r.Headers) == 1 {
			old = append(old, &kgo.Record{Topic: r.Topic, Partition: r.Partition, Key: r.Key, Value: r.Value, Headers: r.Headers})
		}
	}
	c, err := kgo.NewClient(kgo.SeedBrokers(h.parts.Kafka), kgo.RecordPartitioner(kgo.ManualPartitioner()))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.ProduceSync(t.Context(), old[max(0, len(old)-count):]...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// TestRealTwoAppendersAndPoison races two appenders on one partition while
// everything that must not count is put between their batches.
func TestRealTwoAppendersAndPoison(t *testing.T) {
	if _, err := exec.LookPath("kcat"); err != nil {
		t.Skip("REAL PART MISSING: kcat")
	}
	h := real(t)
	l := &workload.Load{Clients: []*client.Client{h.ingest, h.second(t)}, Count: 16, Chats: 8, Patience: time.Minute}
	if err := l.Start(context.WithoutCancel(t.Context())); err != nil {
		t.Fatal(err)
	}
	more(t, l, 200)
	app := l.Token()
	p := h.partition(t, app)
	h.kcat(t, p, app+"\tgarbage\n", "-K", "\t")
	more(t, l, 100)
	h.kcat(t, p, app+"\t{\"v\":1}\n", "-K", "\t", "-H", "at=0123456789abcdef:7") // of another log
	h.kcat(t, p, app+"\t{\"v\":1}\n", "-K", "\t", "-H", "at="+h.logID(t, app)+":7")
	more(t, l, 100)
	h.copyBatch(t, app, 10)
	more(t, l, 100)
	transaction := "transactional.id=" + h.parts.Commands
	h.kcat(t, p, app+"\tin a transaction\n", "-K", "\t", "-X", transaction)
	more(t, l, 100)
	testLargest(t, h)
	l.Stop()
	for _, w := range append(l.Wrong(), l.Unknown()...) {
		t.Error(w)
	}
	// The partition ends with a transaction's marker: progress has to pass it.
	h.kcat(t, p, app+"\tthe last\n", "-K", "\t", "-X", transaction)
	exact(t, h.query, "GET", "/application/"+app+"/chat/999999", "", 404, `{"error":"Chat not found"}`)
	truth := h.audit(t)
	truth.History(l.Acked())
	report(t, truth)
	t.Logf("%d acked by two appenders, %d answers 503", l.Acks.Load(), l.Unavailable.Load())
	if truth.Log.Ignored["control"] < 2 || truth.Log.Ignored["unmarked"] != 3 || truth.Log.Ignored["foreign"] != 1 || truth.Log.Ignored["misplaced"] < 11 {
		t.Error("not everything was put between: ", truth.Log.Ignored)
	}
	h.checkLetters(t, "garbage", "in a transaction", "the last", `{"v":1}`)
	// A replay from the beginning tells nothing twice.
	h.reset(t)
	h.caughtUp(t, truth)
	h.checkLetters(t, "garbage", "in a transaction", "the last", `{"v":1}`)
	report(t, h.audit(t))
}

// logID reads the id of the log from a position.
func (h *house) logID(t *testing.T, token string) string {
	t.Helper()
	for _, r := range h.read(t, h.parts.Commands) {
		if string(r.Key) == token && len(r.Headers) == 1 {
			log, _, _ := strings.Cut(string(r.Headers[0].Value), ":")
			return log
		}
	}
	t.Fatal("no record of ", token)
	return ""
}

// checkLetters wants exactly one dead letter for each value, by the relational
// view, and no other.
func (h *house) checkLetters(t *testing.T, values ...string) {
	t.Helper()
	got := map[string]int{}
	for _, l := range h.letters(t) {
		if l.View != "mysql" {
			t.Errorf("a letter of view %s: %+v", l.View, l)
		}
		got[string(l.Value)]++
	}
	for _, v := range values {
		if got[v] != 1 {
			t.Errorf("%d dead letters of %q, want 1", got[v], v)
		}
		delete(got, v)
	}
	if len(got) > 0 {
		t.Error("unexpected dead letters: ", got)
	}
}

// reset sets both groups back to the beginning with the sinks stopped, as
// kafka-consumer-groups --reset-offsets does, and starts them again.
func (h *house) reset(t *testing.T) {
	t.Helper()
	sinks := h.Program("sinks")
	if err := sinks.Stop(10 * time.Second); err != nil {
		t.Fatal(err)
	}
	h.resetGroups(t)
	if err := sinks.Start(); err != nil {
		t.Fatal(err)
	}
	if err := h.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (h *house) resetGroups(t *testing.T) {
	t.Helper()
	err := h.parts.Admin(func(admin *kadm.Client) error {
		for _, group := range []string{h.parts.Groups + "-mysql", h.parts.Groups + "-search"} {
			committed, err := admin.FetchOffsets(t.Context(), group)
			if err != nil {
				return err
			}
			if len(committed) == 0 {
				return fmt.Errorf("group %s has committed nothing", group)
			}
			var zero kadm.Offsets
			for topic, partitions := range committed {
				for p := range partitions {
					zero.Add(kadm.Offset{Topic: topic, Partition: p, At: 0, LeaderEpoch: -1})
				}
			}
			answers, err := admin.CommitOffsets(t.Context(), group, zero)
			if err := errors.Join(err, answers.Error()); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

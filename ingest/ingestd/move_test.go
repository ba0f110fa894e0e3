package ingestd

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/twmb/franz-go/pkg/kfake"

	"chatlog/shared/command"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/position"
	"chatlog/shared/topic"
)

// writer appends commands to a log in Kafka as an owner does.
type writer struct {
	t    *testing.T
	conn *kafkaconn.Conn
	cfg  Config
	log  position.LogID
	end  map[int32]int64
}

func newWriter(t *testing.T, cfg Config) *writer {
	t.Helper()
	w := &writer{t: t, conn: kafkaconn.Open(cfg.Kafka), cfg: cfg, log: position.NewLogID(), end: map[int32]int64{}}
	t.Cleanup(w.conn.Close)
	if err := topic.Ensure(t.Context(), w.conn, cfg.Topics.Commands); err != nil {
		t.Fatal(err)
	}
	for p := range cfg.Topics.Commands.Partitions {
		w.put(int32(p), &command.Command{Op: command.LogOpen, Log: w.log, Generation: 1})
	}
	return w
}

func (w *writer) put(p int32, c *command.Command) {
	w.t.Helper()
	c.ID, c.Time = uuid.Must(uuid.NewV7()).String(), command.Now(time.Now())
	r := kafkaconn.Record{Value: command.Encode(c), Headers: []command.Header{{Key: command.HeaderAt, Value: position.At{Log: w.log, Offset: w.end[p]}.Append(nil)}}}
	if c.Application != "" {
		r.Key = []byte(c.Application)
	}
	base, err := w.conn.Produce(w.t.Context(), w.cfg.Topics.Commands.Name, p, []kafkaconn.Record{r})
	if err != nil || base != w.end[p] {
		w.t.Fatalf("appended at %d, not %d: %v", base, w.end[p], err)
	}
	w.end[p]++
}

// message appends a message of an application.
func (w *writer) message(token string, number int64) {
	w.put(topic.PartitionOf([]byte(token), w.cfg.Topics.Commands.Partitions),
		&command.Command{Op: command.MessageCreate, Application: token, Chat: 1, Number: number, Message: fmt.Sprint("message ", number)})
}

// clusters are the settings of an old cluster, and the file of a new one.
func clusters(t *testing.T) (Config, string) {
	t.Helper()
	var brokers [2]string
	for i := range brokers {
		c, err := kfake.NewCluster(kfake.NumBrokers(1))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(c.Close)
		brokers[i] = c.ListenAddrs()[0]
	}
	cfg := Default()
	cfg.Kafka.Brokers, cfg.Topics.Commands.Partitions = []string{brokers[0]}, 3
	file := filepath.Join(t.TempDir(), "new.yaml")
	text := fmt.Sprintf("kafka:\n  brokers: [%q]\ntopics:\n  commands:\n    partitions: 3\n", brokers[1])
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return cfg, file
}

const erased = "eeeeeeee"

// TestMove moves to another cluster while the log is written to, is broken off,
// and goes on.
func TestMove(t *testing.T) {
	cfg, file := clusters(t)
	w := newWriter(t, cfg)
	for n := range int64(300) {
		w.message(fmt.Sprintf("%08x", n%5), n+1)
		w.message(erased, n+1)
	}
	o := MoveOptions{Config: file, Without: list{erased}}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Move(gone, cfg, o, io.Discard, io.Discard); !errors.Is(err, errUnfinished) {
		t.Fatal("broken off:", err)
	}
	// Followed, until the operator says that ingest has stopped.
	following, stopped := context.WithCancel(t.Context())
	var out bytes.Buffer
	done := make(chan error, 1)
	read, told := io.Pipe()
	go func() {
		o := o
		o.Follow = true
		done <- Move(following, cfg, o, io.MultiWriter(&out, told), io.Discard)
		told.Close()
	}()
	waitFor(t, read, "following: ")
	for n := range int64(50) {
		w.message("aaaaaaaa", n+1)
	}
	stopped()
	go io.Copy(io.Discard, read)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	for _, says := range []string{"compared: 350 commands, the same in both logs", "left out: 300 commands of eeeeeeee", "done: log ", ", generation 2\n"} {
		if !strings.Contains(out.String(), says) {
			t.Errorf("does not say %q: %s", says, out.String())
		}
	}
	// Again: nothing is written, and the same is said.
	var again bytes.Buffer
	if err := Move(t.Context(), cfg, o, &again, io.Discard); err != nil {
		t.Fatal(err)
	}
	if last := func(s string) string { _, after, _ := strings.Cut(s, "compared: "); return after }; last(again.String()) != last(out.String()) {
		t.Errorf("the second time: %s, the first time: %s", again.String(), out.String())
	}
	w.message("aaaaaaaa", 50)
	elsewhere := o
	elsewhere.Topic, elsewhere.Without = "chat.elsewhere", list{erased, "ffffffff"}
	if err := Move(t.Context(), cfg, elsewhere, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), "no such application") {
		t.Error("without somebody who is not there:", err)
	}
	o.Without = nil
	if err := Move(t.Context(), cfg, o, io.Discard, io.Discard); err == nil || !strings.Contains(err.Error(), "no unfinished copy") {
		t.Error("with other applications:", err)
	}
}

// TestMoveInto refuses itself as the target, whatever its address is.
func TestMoveInto(t *testing.T) {
	cfg, _ := clusters(t)
	newWriter(t, cfg).message("aaaaaaaa", 1)
	err := Move(t.Context(), cfg, MoveOptions{Brokers: cfg.Kafka.Brokers[0]}, io.Discard, io.Discard)
	if err == nil || !strings.Contains(err.Error(), "the target is the source") {
		t.Error(err)
	}
}

func waitFor(t *testing.T, from io.Reader, text string) {
	t.Helper()
	var seen []byte
	for buffer := make([]byte, 256); !strings.Contains(string(seen), text); {
		n, err := from.Read(buffer)
		if err != nil {
			t.Fatalf("%v; %s", err, seen)
		}
		seen = append(seen, buffer[:n]...)
	}
}

func TestMoveOptions(t *testing.T) {
	asked := func(args ...string) (o MoveOptions, err error) {
		f := flag.NewFlagSet("move", flag.ContinueOnError)
		f.SetOutput(io.Discard)
		o.Flags(f)
		if err = f.Parse(args); err == nil {
			err = o.Check()
		}
		return o, err
	}
	o, err := asked("--to-brokers", "127.0.0.1:1", "--to-topic=there", "--follow", "--without-application", "aaaaaaaa", "--without-application=bbbbbbbb", "--quiet=1s")
	want := MoveOptions{Brokers: "127.0.0.1:1", Topic: "there", Without: list{"aaaaaaaa", "bbbbbbbb"}, Follow: true, Quiet: time.Second}
	if err != nil || !reflect.DeepEqual(o, want) {
		t.Errorf("%+v %v", o, err)
	}
	for _, wrong := range []string{"--without-application=nobody", "--quiet=-1s", "--quiet=5"} {
		if _, err := asked("--to-topic=there", wrong); err == nil {
			t.Errorf("%s passes", wrong)
		}
	}
	if _, err := asked("--follow"); err == nil {
		t.Error("nowhere passes")
	}
	cfg := Default()
	for name, o := range map[string]MoveOptions{"no port": {Brokers: "kafka"}, "a file that is not there": {Config: "not-there.yaml"},
		"an odd topic": {Topic: "a b"}} {
		if _, _, err := o.target(cfg); err == nil {
			t.Errorf("%s passes", name)
		}
	}
}

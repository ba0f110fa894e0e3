package kafkaconn

import (
	"context"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"chatlog/shared/fault"
)

// embedded gives a broker with a topic of one partition and a connection that
// was used once, with short time-outs.
func embedded(t *testing.T) (*kfake.Cluster, broker) {
	t.Helper()
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	cfg := Default()
	cfg.Brokers, cfg.DialTimeout, cfg.RequestTimeout = cluster.ListenAddrs(), 300*time.Millisecond, time.Second
	b := broker{Open(cfg), cluster.ListenAddrs()[0], "log"}
	t.Cleanup(b.Close)
	if _, err := b.Produce(t.Context(), "log", 0, []Record{{Value: []byte("first")}}); err != nil {
		t.Fatal(err)
	}
	return cluster, b
}

// calls is everything that can be asked of a connection.
var calls = map[string]func(context.Context, *Conn) error{
	"produce": func(ctx context.Context, c *Conn) error {
		_, err := c.Produce(ctx, "log", 0, []Record{{Value: []byte("x")}})
		return err
	},
	"fetch": func(ctx context.Context, c *Conn) error {
		_, err := c.Fetch(ctx, "log", 0, 0, 1<<20, 200*time.Millisecond)
		return err
	},
	"ends":       func(ctx context.Context, c *Conn) error { _, err := c.Ends(ctx, "log", 0); return err },
	"end":        func(ctx context.Context, c *Conn) error { _, err := c.End(ctx, "log", 0); return err },
	"partitions": func(ctx context.Context, c *Conn) error { _, err := c.Partitions(ctx, "log"); return err },
}

// passes fails unless a call ends soon with an error that passes.
func passes(t *testing.T, name string, c *Conn) {
	t.Helper()
	began := time.Now()
	err := calls[name](context.Background(), c)
	if !fault.Is(err, fault.Transient) {
		t.Errorf("%s: %v", name, err)
	}
	if took := time.Since(began); took > 4*time.Second {
		t.Errorf("%s: answered after %s", name, took)
	}
}

// TestAwayFromTheStart: no broker, or one that says nothing, and the caller set
// no deadline of its own.
func TestAwayFromTheStart(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for _, address := range []string{"127.0.0.1:1", silent.Addr().String()} {
		for name := range calls {
			cfg := Default()
			cfg.Brokers, cfg.DialTimeout, cfg.RequestTimeout = []string{address}, 300*time.Millisecond, 500*time.Millisecond
			c := Open(cfg)
			passes(t, name, c)
			c.Close()
		}
	}
}

// TestBrokerDies: the broker goes away under an open connection. What is known
// of the cluster stays known, so partitions may still be counted.
func TestBrokerDies(t *testing.T) {
	cluster, b := embedded(t)
	cluster.Close()
	for _, name := range []string{"produce", "fetch", "ends", "end"} {
		passes(t, name, b.Conn)
	}
}

// TestStalled: the connection stands and no answer comes. Each call ends within
// its time-out, and a produce request is then in doubt, since it may land late.
func TestStalled(t *testing.T) {
	for name, key := range map[string]kmsg.Key{"fetch": kmsg.Fetch, "ends": kmsg.ListOffsets, "end": kmsg.ListOffsets} {
		cluster, b := embedded(t)
		cluster.ControlKey(int16(key), func(kmsg.Request) (kmsg.Response, error, bool) {
			cluster.KeepControl()
			return nil, nil, true // and nothing is written back
		})
		passes(t, name, b.Conn)
	}
}

// TestLate: the broker takes the batch after its writer has given up. The
// writer must not have been told that it was refused.
func TestLate(t *testing.T) {
	cluster, b := embedded(t)
	release := make(chan struct{})
	cluster.ControlKey(int16(kmsg.Produce), func(kmsg.Request) (kmsg.Response, error, bool) {
		cluster.DropControl()
		<-release
		return nil, nil, false
	})
	_, err := b.Produce(t.Context(), "log", 0, []Record{{Value: []byte("late")}})
	close(release)
	if !fault.Is(err, fault.Transient) || Refused(err) {
		t.Errorf("%v, refused %v", err, Refused(err))
	}
	deadline := time.Now().Add(10 * time.Second)
	for {
		if end, err := b.End(t.Context(), "log", 0); err == nil && end == 2 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the batch never landed, so this test shows nothing")
		}
	}
	page, err := b.Fetch(t.Context(), "log", 0, 1, 1<<20, time.Second)
	if err != nil || len(page.Records) != 1 || string(page.Records[0].Value) != "late" {
		t.Errorf("%+v %v", page, err)
	}
}

// TestEnded: a caller that has gone is let go at once.
func TestEnded(t *testing.T) {
	_, b := embedded(t)
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, name := range []string{"fetch", "ends", "end"} {
		if err := calls[name](ended, b.Conn); !fault.Is(err, fault.Transient) || !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
	waiting, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	began := time.Now()
	if _, err := b.Fetch(waiting, "log", 0, 1, 1<<20, 20*time.Second); err != nil && !fault.Is(err, fault.Transient) {
		t.Error(err)
	}
	if took := time.Since(began); took > time.Second {
		t.Errorf("let go after %s", took)
	}
}

// answered makes the broker answer one produce request with an error code and
// append nothing.
func answered(cluster *kfake.Cluster, code int16) {
	cluster.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		request := r.(*kmsg.ProduceRequest)
		response := request.ResponseKind().(*kmsg.ProduceResponse)
		for _, t := range request.Topics {
			topic := kmsg.NewProduceResponseTopic()
			topic.Topic, topic.TopicID = t.Topic, t.TopicID
			for _, p := range t.Partitions {
				partition := kmsg.NewProduceResponseTopicPartition()
				partition.Partition, partition.ErrorCode, partition.BaseOffset = p.Partition, code, -1
				topic.Partitions = append(topic.Partitions, partition)
			}
			response.Topics = append(response.Topics, topic)
		}
		return response, nil, true
	})
}

// TestCodes: every error passes except a batch that is too large, and none that
// may come after the append is a refusal.
func TestCodes(t *testing.T) {
	cluster, b := embedded(t)
	for code, want := range map[kafka.Error]struct {
		kind    fault.Kind
		refused bool
	}{
		kafka.NotEnoughReplicas:            {fault.Transient, true},
		kafka.LeaderNotAvailable:           {fault.Transient, true},
		kafka.TopicAuthorizationFailed:     {fault.Transient, true},
		kafka.NotEnoughReplicasAfterAppend: {fault.Transient, false},
		kafka.RequestTimedOut:              {fault.Transient, false},
		kafka.KafkaStorageError:            {fault.Transient, false},
		kafka.NetworkException:             {fault.Transient, false},
		kafka.Unknown:                      {fault.Transient, false},
		kafka.InvalidMessage:               {fault.Transient, false},
		kafka.Error(9999):                  {fault.Transient, false},
		kafka.MessageSizeTooLarge:          {fault.TooLarge, false},
		kafka.RecordListTooLarge:           {fault.TooLarge, false},
	} {
		answered(cluster, int16(code))
		_, err := b.Produce(t.Context(), "log", 0, []Record{{Value: []byte("x")}})
		if !fault.Is(err, want.kind) || Refused(err) != want.refused || !errors.Is(err, code) {
			t.Errorf("%d: %v, refused %v", int(code), err, Refused(err))
		}
	}
	if end, err := b.End(t.Context(), "log", 0); end != 1 || err != nil {
		t.Error(end, err)
	}
}

// TestAnswersNothing: an answer that says nothing of the topic, or of the
// partition, does not say that there is no such thing: the batch had been sent.
func TestAnswersNothing(t *testing.T) {
	cluster, b := embedded(t)
	for _, topics := range [][]kmsg.ProduceResponseTopic{{}, {{Topic: "log"}}} {
		cluster.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
			cluster.DropControl()
			answer := r.ResponseKind().(*kmsg.ProduceResponse)
			answer.Topics = topics
			return answer, nil, true
		})
		_, err := b.Produce(t.Context(), "log", 0, []Record{{Value: []byte("x")}})
		if !fault.Is(err, fault.Transient) || Refused(err) {
			t.Errorf("%d topics: %v, refused %v", len(topics), err, Refused(err))
		}
	}
}

// TestRefusedOthers: what breaks on the way leaves the outcome open, unless it
// broke before anything was sent.
func TestRefusedOthers(t *testing.T) {
	for _, test := range []struct {
		err  error
		want bool
	}{
		{nil, false},
		{io.EOF, false},
		{io.ErrUnexpectedEOF, false},
		{context.DeadlineExceeded, false},
		{context.Canceled, false},
		{net.ErrClosed, false},
		{&net.OpError{Op: "read", Err: errors.New("reset")}, false},
		{&net.OpError{Op: "write", Err: errors.New("reset")}, false},
		{&net.OpError{Op: "dial", Err: errors.New("refused")}, true},
		{transient("produce", &net.OpError{Op: "dial", Err: errors.New("refused")}), true},
		{transient("produce", kafka.NotEnoughReplicas), true},
		{transient("produce", kafka.RequestTimedOut), false},
	} {
		if got := Refused(test.err); got != test.want {
			t.Errorf("%v: %v", test.err, got)
		}
	}
}

// TestValidate: what is set wrongly is said at the start.
func TestValidate(t *testing.T) {
	if errs := Default().Validate(); len(errs) != 0 {
		t.Error(errs)
	}
	for name, change := range map[string]func(*Config){
		"no broker":           func(c *Config) { c.Brokers = nil },
		"no port":             func(c *Config) { c.Brokers = []string{"127.0.0.1:9092", "kafka"} },
		"an empty broker":     func(c *Config) { c.Brokers = []string{""} },
		"no dial time-out":    func(c *Config) { c.DialTimeout = 0 },
		"no request time-out": func(c *Config) { c.RequestTimeout = -time.Second },
		"no metadata":         func(c *Config) { c.MetadataTTL = 0 },
		"old metadata":        func(c *Config) { c.MetadataTTL = 6 * time.Second },
	} {
		c := Default()
		change(&c)
		if errs := c.Validate(); len(errs) != 1 {
			t.Errorf("%s: %v", name, errs)
		}
		conn := Open(c)
		if got := conn.Config(); got.DialTimeout != c.DialTimeout || got.ClientID != c.ClientID {
			t.Errorf("opened with %+v", got)
		}
		conn.Close()
	}
}

package kafkaconn

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// TestProducesWithAcksAll: what is acknowledged is on as many disks as
// min.insync.replicas says only if the request itself asks for it. A single
// broker answers the same whatever it is asked for, so the request is looked at.
func TestProducesWithAcksAll(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, "log"))
	if err != nil {
		t.Fatal(err)
	}
	defer cluster.Close()
	acks := make(chan int16, 10)
	cluster.ControlKey(int16(kmsg.Produce), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		acks <- r.(*kmsg.ProduceRequest).Acks
		return nil, nil, false
	})
	cfg := Default()
	cfg.Brokers = cluster.ListenAddrs()
	c := Open(cfg)
	defer c.Close()
	for _, records := range [][]Record{{{Value: []byte("one")}}, {{Value: []byte("two")}, {Value: []byte("three")}}} {
		if _, err := c.Produce(t.Context(), "log", 0, records); err != nil {
			t.Fatal(err)
		}
		if asked := <-acks; asked != -1 {
			t.Errorf("a batch of %d was sent with acks=%d, must be -1 (all)", len(records), asked)
		}
	}
	if len(acks) > 0 {
		t.Errorf("%d more requests than batches", len(acks))
	}
}

package deadletter

import (
	"bytes"
	"testing"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kfake"

	"time"
)

func TestACompressedRecordTooLargeForALetter(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	s := newSuite(t, cluster.ListenAddrs()[0])
	// kcat -P -z gzip: 4 MiB of text, a few KB as a batch
	r, err := s.conn.Client().Produce(t.Context(), &kafka.ProduceRequest{Topic: s.source.Name, Partition: 0, RequiredAcks: kafka.RequireAll,
		Compression: kafka.Gzip, Records: kafka.NewRecordReader(kafka.Record{Value: kafka.NewBytes(bytes.Repeat([]byte("x"), 4<<20))})})
	if err != nil || r.Error != nil {
		t.Fatal(err, r.Error)
	}
	page, err := s.conn.Fetch(t.Context(), s.source.Name, 0, 0, 2<<20, time.Second)
	if err != nil || len(page.Records) != 1 {
		t.Fatal(err, len(page.Records))
	}
	err = s.writer("mysql", 0).Write(t.Context(), ours, []Refused{{Record: page.Records[0], Reason: "no at header", Class: "unmarked"}})
	if err != nil {
		t.Errorf("the letter can never be written: %v", err)
	}
}

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
	// A reason may quote the record; a name of a field, say, which no command has.
	for _, reason := range []string{"no at header", string(page.Records[0].Value)} {
		record := page.Records[0]
		record.Offset += int64(len(reason)) // another one
		record.Key = []byte("application")
		if err := s.writer("mysql", 0).Write(t.Context(), ours, []Refused{{Record: record, Reason: reason, Class: "unmarked"}}); err != nil {
			t.Errorf("the letter can never be written: %v", err)
		}
	}
	_, letters := s.told()
	for _, l := range letters {
		if !l.Truncated || string(l.Key) != "application" {
			t.Errorf("whoever looks for an application's letters does not find %+v", l)
		}
	}
	if len(letters) != 2 {
		t.Errorf("%d letters", len(letters))
	}
}

package deadletter

import (
	"testing"

	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"chatlog/shared/fault"
)

// TestALetterThatIsNotShownYet: nobody knows whether a letter was written. It was,
// by the leader, and its followers lag: the topic's end, as readers are told of
// it, does not show the letter for a while.
func TestALetterThatIsNotShownYet(t *testing.T) {
	cluster, err := kfake.NewCluster(kfake.NumBrokers(1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	s := newSuite(t, cluster.ListenAddrs()[0])
	s.write(s.writer("mysql", 0), ours, at(1)) // what the try left behind
	lags := true
	cluster.ControlKey(int16(kmsg.ListOffsets), func(r kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		if !lags {
			return nil, nil, false
		}
		answer := r.ResponseKind().(*kmsg.ListOffsetsResponse)
		for _, asked := range r.(*kmsg.ListOffsetsRequest).Topics {
			topic := kmsg.NewListOffsetsResponseTopic()
			topic.Topic = asked.Topic
			for _, p := range asked.Partitions {
				partition := kmsg.NewListOffsetsResponseTopicPartition()
				partition.Partition, partition.Timestamp, partition.Offset = p.Partition, p.Timestamp, 0
				topic.Partitions = append(topic.Partitions, partition)
			}
			answer.Topics = append(answer.Topics, topic)
		}
		return answer, nil, true
	})
	w := s.writer("mysql", 0)
	if err := w.Write(t.Context(), ours, []Refused{at(1)}); !fault.Is(err, fault.Transient) {
		t.Errorf("written although one may be there: %v", err)
	}
	lags = false
	s.write(w, ours, at(1))
	if keys, _ := s.told(); len(keys) != 1 {
		t.Errorf("told %q", keys)
	}
}

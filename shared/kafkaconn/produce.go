package kafkaconn

import (
	"context"
	"errors"
	"net"

	"github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"

	"chatlog/shared/command"
	"chatlog/shared/fault"
)

// Record is what is produced.
type Record struct {
	Key     []byte
	Value   []byte
	Headers []command.Header
}

// Produce appends records as exactly one record batch by exactly one request
// with acks=all, and gives the offset of the first of them.
//
// An error leaves open whether the batch was appended, and a batch may be
// appended even after ctx has ended; Refused and fault.TooLarge are the
// exceptions.
func (c *Conn) Produce(ctx context.Context, topic string, partition int32, records []Record) (base int64, err error) {
	if len(records) == 0 {
		return 0, fault.New(fault.Terminal, "no records to produce")
	}
	list := make([]kafka.Record, len(records))
	headers := make([]kafka.Header, 0, 2*len(records))
	for i, r := range records {
		list[i].Value = kafka.NewBytes(r.Value)
		if r.Key != nil {
			list[i].Key = kafka.NewBytes(r.Key)
		}
		first := len(headers)
		for _, h := range r.Headers {
			headers = append(headers, kafka.Header{Key: h.Key, Value: h.Value})
		}
		list[i].Headers = headers[first:len(headers):len(headers)]
	}
	ctx, cancel := context.WithTimeout(ctx, c.cfg.RequestTimeout)
	defer cancel()
	r, err := c.client.Produce(ctx, &kafka.ProduceRequest{Topic: topic, Partition: int(partition),
		RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(list...)})
	if err == nil {
		err = r.Error
	}
	switch {
	case err == nil:
		return r.BaseOffset, nil
	case errors.Is(err, kafka.MessageSizeTooLarge), errors.Is(err, kafka.RecordListTooLarge):
		return 0, fault.Wrap(fault.TooLarge, "Request is too large", err)
	default:
		return 0, transient("produce", err)
	}
}

// refusals are what a broker answers before it appends anything, and at no
// other time: NotLeaderForPartition and UnknownTopicOrPartition also come after
// the leader has appended, when it loses the partition while it waits for the
// other replicas (Kafka's DelayedProduce), and the next leader may have it.
var refusals = []error{
	kafka.LeaderNotAvailable, kafka.NotEnoughReplicas, kafka.TopicAuthorizationFailed, kafka.ClusterAuthorizationFailed,
	kafka.BrokerAuthorizationFailed, kafka.InvalidRequiredAcks,
}

// Refused reports whether a failed Produce has certainly appended nothing: the
// broker said so, or there was no broker to send it to. That kafka-go looked for
// a leader in vain is told by these types; the errors within them it also gives
// for an answer that has no verdict.
func Refused(err error) bool {
	for _, r := range refusals {
		if errors.Is(err, r) {
			return true
		}
	}
	var noTopic *protocol.TopicError
	var noLeader *protocol.TopicPartitionError
	if errors.As(err, &noTopic) || errors.As(err, &noLeader) {
		return true
	}
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}

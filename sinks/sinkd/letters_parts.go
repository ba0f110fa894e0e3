package sinkd

import (
	"context"
	"fmt"
	"time"

	"chatlog/shared/command"
	"chatlog/shared/deadletter"
	"chatlog/shared/fault"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/position"
	"chatlog/shared/topic"
	"chatlog/sinks/internal/consume"
	"chatlog/sinks/internal/verify"
)

// lettersTopic is the topic of dead letters.
type lettersTopic struct {
	conn *kafkaconn.Conn
	name string
}

func (t lettersTopic) Read(ctx context.Context, visit func(deadletter.Entry) error) error {
	_, err := deadletter.Read(ctx, t.conn, t.name, 0, visit)
	return err
}

func (t lettersTopic) One(ctx context.Context, offset int64) (deadletter.Entry, error) {
	return deadletter.ReadOne(ctx, t.conn, t.name, offset)
}

func (t lettersTopic) Whole(ctx context.Context, l deadletter.Letter) (deadletter.Letter, error) {
	r, err := deadletter.RecordAt(ctx, t.conn, l.Topic, l.Partition, l.Offset)
	if err != nil {
		return l, err
	}
	if len(l.Sum) > 0 && deadletter.DigestOf(r.Key, r.Value) != l.Digest() { // the topic was made anew
		return l, fault.New(fault.NotFound, fmt.Sprintf("another record lies there now, at offset %d of partition %d of %s", l.Offset, l.Partition, l.Topic))
	}
	return l.With(r), nil
}

// lettersPatience is how long a view may take to come to a letter's place.
const lettersPatience = 5 * time.Second

// lettersViews are the views that letters can be applied to again.
type lettersViews struct {
	audit *verify.Audit
	views map[string]verify.View
	names []string
}

func newLettersViews(cfg Config, conn *kafkaconn.Conn, parts Parts) lettersViews {
	commands := cfg.Topics.Commands
	all := lettersViews{views: map[string]verify.View{}, audit: &verify.Audit{
		Log:         consume.KafkaLog{Conn: conn, Topic: commands.Name, Bytes: cfg.Sinks.FetchBytes},
		PartitionOf: func(key []byte) int32 { return topic.PartitionOf(key, commands.Partitions) },
		Patience:    lettersPatience, Settle: verifySettle,
	}}
	add := func(v verify.View) {
		all.views[v.Name()] = v
		all.names = append(all.names, v.Name())
	}
	if parts.Rows != nil {
		add(verify.NewRows(parts.Rows))
	}
	if parts.Index != nil {
		add(verify.NewIndex(parts.Index))
	}
	return all
}

func (v lettersViews) Names() []string { return v.names }

func (v lettersViews) Again(ctx context.Context, l deadletter.Letter) (string, error) {
	return v.audit.Again(ctx, v.views[l.View], verify.At{Log: position.LogID(l.Log), Partition: l.Partition, Offset: l.Offset})
}

// lettersImports writes to the topic of imports.
type lettersImports struct {
	conn  *kafkaconn.Conn
	topic topic.Topic
	there bool // the topic is there, and as it must be
}

func (i *lettersImports) partition(key []byte) int32 {
	return topic.PartitionOf(key, i.topic.Partitions)
}

func (i *lettersImports) Place(key []byte) string {
	return fmt.Sprintf("partition %d of %s", i.partition(key), i.topic.Name)
}

func (i *lettersImports) Put(ctx context.Context, r command.Record) (string, error) {
	if !i.there { // made by ingest, which may not have run since it knows of imports
		if err := topic.Ensure(ctx, i.conn, i.topic); err != nil {
			return "", err
		}
		i.there = true
	}
	at, err := i.conn.Produce(ctx, i.topic.Name, i.partition(r.Key), []kafkaconn.Record{{Key: r.Key, Value: r.Value, Headers: r.Headers}})
	if fault.Is(err, fault.TooLarge) {
		return "", fault.Wrap(fault.Invalid, "it is too large for "+i.topic.Name, err)
	}
	return fmt.Sprintf("offset %d of %s", at, i.Place(r.Key)), err
}

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"chatlog/deploy/system"
)

// partitions is how many the log of the system has, by default.
const partitions = 12

// source is a log that is drained: of which system, and in how many partitions.
type source struct {
	parts      system.Parts
	partitions int
}

// whole is the log of the system that everything is measured with.
func (b *bench) whole() source { return source{b.parts, partitions} }

func (s source) env() []string {
	return []string{fmt.Sprintf("CHATLOG_TOPICS_COMMANDS_PARTITIONS=%d", s.partitions)}
}

// narrow makes a system whose log has fewer partitions, generates the documents
// into it, and has the MySQL sink write its rows. Nothing of it runs afterwards.
func (b *bench) narrow(ctx context.Context, partitions int) (source, error) {
	s := source{b.parts.Of(system.UniqueName("narrow")), partitions}
	if err := s.parts.Prepare(ctx); err != nil {
		return s, err
	}
	all, err := system.Real(b.bin, b.dir, s.parts, append(s.env(), "CHATLOG_LOG_LEVEL=warn")...)
	if err != nil {
		return s, err
	}
	ingest, sink := all.Program("ingest"), all.Program("sinks")
	sink.Args = []string{"mysql"}
	if err := errors.Join(ingest.Start(), ingest.Ready(ctx)); err != nil {
		return s, err
	}
	_, err = generate(ctx, strings.Split(s.parts.Kafka, ","), s.parts.Commands, b.documents)
	if err = errors.Join(err, ingest.Stop(10*time.Second)); err != nil {
		return s, err
	}
	want, err := end(ctx, s.parts)
	if err != nil {
		return s, err
	}
	if err := sink.Start(); err != nil {
		return s, err
	}
	return s, errors.Join(reaches(ctx, sink.Listen, want), sink.Stop(10*time.Second))
}

package sinkd

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"chatlog/shared/command"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/progress"
	"chatlog/shared/topic"
	"chatlog/sinks/internal/consume"
	"chatlog/sinks/internal/export"
)

// ExportOptions say what is exported, and where to.
type ExportOptions struct {
	Application string // token
	File        string // empty: standard output
	Keyed       bool   // with the token and a tab before each line
}

// Flags adds the flags of an export.
func (o *ExportOptions) Flags(f *flag.FlagSet) {
	f.StringVar(&o.Application, "application", "", "the application's `token`")
	f.StringVar(&o.File, "out", "", "write to this `file`, which appears when it is whole; standard output if not given")
	f.BoolVar(&o.Keyed, "keyed", false, "with the token and a tab before each line, for producers that take keys")
}

// Check makes sure that there is an application to look for.
func (o *ExportOptions) Check() error {
	if !command.ValidToken(o.Application) {
		return fmt.Errorf("--application=%s: must be a token", o.Application)
	}
	return nil
}

// Export writes an application's history out of the log. A file appears only when it
// is whole. Progress goes to told, so that out is nothing but the history.
func Export(ctx context.Context, cfg Config, o ExportOptions, out, told io.Writer) error {
	conn := kafkaconn.Open(cfg.Kafka)
	defer conn.Close()
	commands := cfg.Topics.Commands
	if err := topic.Counted(ctx, conn, commands); err != nil { // or it would be looked for where it is not
		return err
	}
	if o.File == "" {
		return o.write(ctx, cfg, conn, out, told)
	}
	return wholeFile(o.File, func(f io.Writer) error { return o.write(ctx, cfg, conn, f, told) })
}

// wholeFile writes a file that appears only when it is whole. Until then it lies beside
// its place under a name that nobody else has: two that are written to one place at once
// do not get into each other, and whichever ends last is there in the end.
func wholeFile(path string, write func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*.partial")
	if err != nil {
		return err
	}
	err = errors.Join(write(f), f.Sync(), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

func (o ExportOptions) write(ctx context.Context, cfg Config, conn *kafkaconn.Conn, out, told io.Writer) error {
	commands := cfg.Topics.Commands
	bar := progress.New(told, "records")
	partitionOf := func(key []byte) int32 { return topic.PartitionOf(key, commands.Partitions) }
	at, skipped := partitionOf([]byte(o.Application)), 0
	e := export.Export{
		Log:       consume.KafkaLog{Conn: conn, Topic: commands.Name, Bytes: cfg.Sinks.FetchBytes},
		Partition: at, PartitionOf: partitionOf, Application: o.Application, Keyed: o.Keyed,
		Passed: func(done, end int64) { bar.Passed("the application's partition", done, end) },
		Skipped: func(offset int64, reason string) {
			skipped++
			bar.Tell(told, "left out, for it cannot be read and counts for nobody: the record at offset %d of partition %d of %s: %s", offset, at, commands.Name, reason)
		},
	}
	lines, err := e.Write(ctx, bufio.NewWriterSize(out, 1<<16))
	if err != nil {
		bar.End()
		return fmt.Errorf("the export is not whole: %s", err) // not as an end that was asked for, which is a success
	}
	if skipped > 0 {
		bar.Tell(told, "records left out: %d", skipped)
	}
	bar.Tell(told, "%d commands", lines)
	return nil
}

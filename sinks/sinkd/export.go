package sinkd

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"

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
func Export(ctx context.Context, cfg Config, o ExportOptions, out, told io.Writer) (err error) {
	conn := kafkaconn.Open(cfg.Kafka)
	defer conn.Close()
	commands := cfg.Topics.Commands
	if err := topic.Counted(ctx, conn, commands); err != nil { // or it would be looked for where it is not
		return err
	}
	if o.File != "" {
		partial := o.File + ".partial"
		f, err := os.OpenFile(partial, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
		if err != nil {
			return err
		}
		if err := errors.Join(o.write(ctx, cfg, conn, f, told), f.Sync(), f.Close()); err != nil {
			return errors.Join(err, os.Remove(partial))
		}
		return os.Rename(partial, o.File)
	}
	return o.write(ctx, cfg, conn, out, told)
}

func (o ExportOptions) write(ctx context.Context, cfg Config, conn *kafkaconn.Conn, out, told io.Writer) error {
	commands := cfg.Topics.Commands
	bar := progress.New(told, "records")
	partitionOf := func(key []byte) int32 { return topic.PartitionOf(key, commands.Partitions) }
	e := export.Export{
		Log:       consume.KafkaLog{Conn: conn, Topic: commands.Name, Bytes: cfg.Sinks.FetchBytes},
		Partition: partitionOf([]byte(o.Application)), PartitionOf: partitionOf, Application: o.Application, Keyed: o.Keyed,
		Passed: func(at, end int64) { bar.Passed("the application's partition", at, end) },
	}
	lines, err := e.Write(ctx, bufio.NewWriterSize(out, 1<<16))
	if err != nil {
		bar.End()
		return fmt.Errorf("the export is not whole: %s", err) // not as an end that was asked for, which is a success
	}
	bar.Tell(told, "%d commands", lines)
	return nil
}

package ingestd

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"chatlog/ingest/internal/move"
	"chatlog/shared/clock"
	"chatlog/shared/command"
	"chatlog/shared/config"
	"chatlog/shared/fault"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/position"
	"chatlog/shared/retry"
	"chatlog/shared/telemetry"
	"chatlog/shared/topic"
)

// MoveOptions are where a log is moved to, and how.
type MoveOptions struct {
	Config  string        // the new cluster's settings; empty: those of the old one
	Brokers string        // with commas; they win over Config
	Topic   string        // wins over Config
	Without list          // applications that are left out
	Follow  bool          // until a signal says that ingest has been stopped
	Quiet   time.Duration // how long the source must stand still at the end
}

// list is a flag that may be given again and again.
type list []string

func (l *list) String() string { return strings.Join(*l, ",") }

func (l *list) Set(token string) error {
	if !command.ValidToken(token) {
		return errors.New("not an application's token")
	}
	*l = append(*l, token)
	return nil
}

// Flags adds the flags of a move.
func (o *MoveOptions) Flags(f *flag.FlagSet) {
	f.StringVar(&o.Config, "to-config", "", "the new cluster's settings, a `file` like config.yaml")
	f.StringVar(&o.Brokers, "to-brokers", "", "the new cluster's `host:port,...`; they win over the file")
	f.StringVar(&o.Topic, "to-topic", "", "the new log's `topic`; it wins over the file")
	f.Var(&o.Without, "without-application", "leave all of the application with this `token` out; may be given again")
	f.BoolVar(&o.Follow, "follow", false, "copy until SIGINT or SIGTERM says that ingest has been stopped, then finish")
	f.DurationVar(&o.Quiet, "quiet", 5*time.Second, "how long the old log must stand still at the end")
}

// Check makes sure that the flags can be meant.
func (o *MoveOptions) Check() error {
	var errs []error
	if o.Quiet < 0 {
		errs = append(errs, errors.New("--quiet: must not be negative"))
	}
	if o.Config == "" && o.Brokers == "" && o.Topic == "" {
		errs = append(errs, errors.New("--to-brokers, --to-topic or --to-config: one of them is needed"))
	}
	return errors.Join(errs...)
}

// target is the settings of where a log is moved to: the old ones, or those of a
// file, with what the flags say.
func (o MoveOptions) target(cfg Config) (kafkaconn.Config, topic.Topic, error) {
	to := struct {
		Kafka  kafkaconn.Config `mapstructure:"kafka"`
		Topics topic.Config     `mapstructure:"topics"`
	}{cfg.Kafka, cfg.Topics}
	if o.Config != "" {
		to.Kafka, to.Topics = kafkaconn.Default(), topic.Default()
		if err := config.Load(o.Config, nil, &to); err != nil {
			return to.Kafka, topic.Topic{}, err
		}
	}
	if o.Brokers != "" {
		to.Kafka.Brokers = strings.Split(o.Brokers, ",")
	}
	if o.Topic != "" {
		to.Topics.Commands.Name = o.Topic
	}
	var errs []error
	if to.Topics.Commands.Partitions != cfg.Topics.Commands.Partitions {
		errs = append(errs, fmt.Errorf("topics.commands.partitions: %d there and %d here: an application's partition follows from their number, so it must be the same",
			to.Topics.Commands.Partitions, cfg.Topics.Commands.Partitions))
	}
	errs = append(errs, append(to.Kafka.Validate(), to.Topics.Validate()...)...)
	return to.Kafka, to.Topics.Commands, errors.Join(errs...)
}

// errUnfinished is told when a move ends before its time.
var errUnfinished = errors.New("not finished: run the same command again, and it goes on where it was")

// Move copies the log of cfg to where the options say, compares both, and prints
// what came of it. Under Follow it copies until ctx ends, and then finishes; a
// second signal breaks that off. An error says that the move is not done.
func Move(ctx context.Context, cfg Config, o MoveOptions, out, errOut io.Writer) error {
	kafka, shape, err := o.target(cfg)
	if err != nil {
		return err
	}
	from, to := kafkaconn.Open(cfg.Kafka), kafkaconn.Open(kafka)
	defer from.Close()
	defer to.Close()
	logger := telemetry.NewLogger(cfg.Log, errOut).With("service", "ingest move")
	partitions := cfg.Topics.Commands.Partitions
	if err := until(ctx, logger, func() error { return topic.Counted(ctx, from, cfg.Topics.Commands) }); err != nil {
		return err
	}
	if err := until(ctx, logger, func() error { return topic.Ensure(ctx, to, shape) }); err != nil {
		return err
	}
	m := move.New(move.Config{Partitions: partitions, Without: o.Without,
		PartitionOf: func(key []byte) int32 { return topic.PartitionOf(key, partitions) },
		Limits:      move.Limits{Records: cfg.Ingest.BatchRecords, Bytes: cfg.Ingest.BatchBytes},
		NewLog:      position.NewLogID,
		Now:         clock.Now, Pause: retry.Pause, Logger: logger},
		move.Topic{Conn: from, Name: cfg.Topics.Commands.Name, Partitions: partitions},
		move.Topic{Conn: to, Name: shape.Name, Partitions: partitions})
	if err := m.Open(ctx); err != nil {
		return broken(ctx, err)
	}
	log, generation := m.Log()
	fmt.Fprintf(out, "moving to topic %s, log %s, generation %d\n", shape.Name, log, generation)
	if ctx, err = copyAll(ctx, m, o.Follow, out, logger); err != nil {
		return broken(ctx, err)
	}
	return finish(ctx, m, o, out)
}

// until tries until it is done, cannot be done, or ctx ends.
func until(ctx context.Context, logger *slog.Logger, do func() error) error {
	for try := 0; ; try++ {
		err := do()
		if !fault.Is(err, fault.Transient) {
			return err
		}
		if ctx.Err() != nil {
			return errUnfinished
		}
		logger.Warn("trying again", "error", err)
		retry.Pause(ctx, try)
	}
}

// broken gives the error of a move that a signal has ended.
func broken(ctx context.Context, err error) error {
	if ctx.Err() != nil && !fault.Is(err, fault.Terminal) {
		return errUnfinished
	}
	return err
}

// followEvery is how often the source is looked at while it is followed.
const followEvery = 500 * time.Millisecond

// copyAll copies to the source's end. Under follow it goes on until ctx ends,
// which is the operator's word that ingest has stopped, and gives the context
// for what is left to do.
func copyAll(ctx context.Context, m *move.Mover, follow bool, out io.Writer, logger *slog.Logger) (context.Context, error) {
	stop := tell(m, logger)
	defer stop()
	if !follow {
		return ctx, m.Round(ctx)
	}
	for told := false; ctx.Err() == nil; {
		if err := m.Round(ctx); err != nil && (ctx.Err() == nil || fault.Is(err, fault.Terminal)) {
			return ctx, err
		}
		if !told && ctx.Err() == nil {
			told = true
			fmt.Fprintf(out, "following: %d commands are copied; stop ingest, then end this with SIGINT or SIGTERM, once\n", m.Moved())
		}
		select {
		case <-ctx.Done():
		case <-time.After(followEvery):
		}
	}
	rest, _ := signal.NotifyContext(context.WithoutCancel(ctx), syscall.SIGINT, syscall.SIGTERM) // for as long as the program lasts
	fmt.Fprintln(out, "finishing")
	return rest, m.Round(rest)
}

// tell logs how far the copying is, every few seconds, until the function that it
// gives is called.
func tell(m *move.Mover, logger *slog.Logger) (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(10 * time.Second)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				logger.Info("copying", "commands", m.Moved())
			case <-done:
				return
			}
		}
	}()
	return func() { close(done); <-ended }
}

// finish compares the logs and makes sure that nothing more has come.
func finish(ctx context.Context, m *move.Mover, o MoveOptions, out io.Writer) error {
	result, err := m.Verify(ctx)
	if err != nil {
		return broken(ctx, err)
	}
	select {
	case <-time.After(o.Quiet):
	case <-ctx.Done():
		return errUnfinished
	}
	if err := m.Quiet(ctx, result); err != nil {
		return broken(ctx, err)
	}
	log, generation := m.Log()
	fmt.Fprintf(out, "compared: %d commands, the same in both logs, digest %s\n", result.Commands, result.Digest)
	for _, token := range o.Without {
		n := result.Erased[token]
		if n == 0 {
			return fault.New(fault.NotFound, fmt.Sprintf("--without-application=%s: the log has no such application; move into an empty topic without that", token))
		}
		fmt.Fprintf(out, "left out: %d commands of %s\n", n, token)
	}
	for v := command.Misplaced; v <= command.Invalid; v++ {
		if n := result.Source[v]; n > 0 {
			fmt.Fprintf(out, "not copied because they do not count: %d records, %s\n", n, v)
		}
	}
	fmt.Fprintf(out, "done: log %s, generation %d\n", log, generation)
	return nil
}

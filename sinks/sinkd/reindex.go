package sinkd

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strconv"
	"time"

	"chatlog/shared/clock"
	"chatlog/shared/deadletter"
	"chatlog/shared/kafkaconn"
	"chatlog/shared/progress"
	"chatlog/shared/searchview/elastic"
	"chatlog/shared/topic"
	"chatlog/sinks/internal/consume"
	"chatlog/sinks/internal/reindex"
	"chatlog/sinks/internal/searchsink"
)

// ReindexOptions say what is done about a new search index.
type ReindexOptions struct {
	Dry     bool  // stop before the swap
	DropOld bool  // remove the index that was kept, and nothing else
	Seed    int32 // of the sample that is compared
}

// Flags adds the flags of a reindexing.
func (o *ReindexOptions) Flags(f *flag.FlagSet) {
	f.BoolVar(&o.Dry, "dry-run", false, "stop before the swap")
	f.BoolVar(&o.DropOld, "drop-old", false, "remove the index that was kept, and nothing else")
	o.Seed = rand.Int32()
	f.Func("seed", "compare the messages that this `number` chooses; by chance, if none is given", func(text string) error {
		seed, err := strconv.ParseInt(text, 10, 32)
		if err != nil || seed < 0 {
			return fmt.Errorf("must be a number from 0 to %d", math.MaxInt32)
		}
		o.Seed = int32(seed)
		return nil
	})
}

// Check refuses flags that do not go together.
func (o *ReindexOptions) Check() error {
	if o.Dry && o.DropOld {
		return errors.New("--dry-run and --drop-old: only one of them")
	}
	return nil
}

const (
	// reindexSample is how many messages are compared one by one.
	reindexSample = 1000
	// reindexPatience is how long the sinks may make no progress until they pass for
	// stopped. Where they are, for the swap, this is time that readers wait.
	reindexPatience = 5 * time.Second
)

// Reindex builds a search index anew beside the one that is searched and puts it in
// its place. It gives true when they differ and the old one stays.
func Reindex(ctx context.Context, cfg Config, parts Parts, index *elastic.Index, o ReindexOptions, out, errOut io.Writer) (differ bool, err error) {
	if o.DropOld {
		return false, dropOld(ctx, index, out)
	}
	conn := kafkaconn.Open(cfg.Kafka)
	defer conn.Close()
	commands := cfg.Topics.Commands
	if err := topic.Counted(ctx, conn, commands); err != nil { // or an index without some of them would pass for whole
		return false, err
	}
	far := progress.New(errOut, "records")
	b := builder{cfg: cfg, conn: conn, logger: parts.Log.With("service", "sinks", "view", "reindexed"), metrics: consume.Metrics(parts.Metrics),
		letters: deadletter.NewCounter(parts.Metrics)}
	run := &reindex.Run{
		Indices: index, Current: index.Current(), Next: index.Next(),
		Log:        consume.KafkaLog{Conn: conn, Topic: commands.Name, Bytes: cfg.Sinks.FetchBytes},
		Partitions: int32(commands.Partitions),
		FillNext:   b.crew(index.Next()), FillRest: b.crew(index.Current()),
		Sample: reindexSample, Seed: o.Seed, Patience: reindexPatience, Dry: o.Dry,
		Tell:   func(format string, args ...any) { far.Tell(out, format, args...) },
		Passed: far.Passed,
	}
	err = run.Do(ctx)
	far.End()
	switch {
	case errors.Is(err, reindex.ErrDiffer):
		fmt.Fprintln(out, err)
		return true, nil
	case err != nil && ctx.Err() != nil: // it is not done, so this is no success
		return false, errors.New("broken off; `sinks reindex` goes on from here")
	}
	return false, err
}

func dropOld(ctx context.Context, index *elastic.Index, out io.Writer) error {
	f, err := index.Family(ctx)
	if err != nil {
		return err
	}
	if f.Kept == "" {
		fmt.Fprintln(out, "no index is kept")
		return nil
	}
	if err := index.Drop(ctx, f); err != nil {
		return err
	}
	if f.Kept == f.Current {
		fmt.Fprintf(out, "%s is searched again, and stays\n", f.Kept)
	} else {
		fmt.Fprintf(out, "%s is removed\n", f.Kept)
	}
	return nil
}

// crew fills an index as the search sink does. What is refused, and was told of in
// dead letters by the sink, is not told again.
func (b *builder) crew(index *elastic.Index) func(context.Context) reindex.Crew {
	sink := b.sink(b.cfg.Sinks.Search, searchsink.New(index), false)
	return func(ctx context.Context) reindex.Crew {
		status := consume.NewStatus(searchsink.Name, b.metrics, clock.Now)
		return consume.StartCrew(ctx, sink, int32(b.cfg.Topics.Commands.Partitions), status, b.logger)
	}
}

package sinkd

import (
	"context"
	"fmt"
	"io"
	"os"

	"chatlog/shared/deadletter"
	"chatlog/shared/fault"
	"chatlog/shared/kafkaconn"
	"chatlog/sinks/internal/letters"
)

// Letters lists or settles dead letters. parts has the views that letters can be
// applied to again; only retrying needs them. It gives how many of the letters that
// were meant are left as they were.
func Letters(ctx context.Context, cfg Config, parts Parts, o LettersOptions, out, errOut io.Writer) (left int, err error) {
	var mended []byte
	if o.Value != "" {
		if mended, err = readValue(o.Value); err != nil {
			return 0, err
		}
	}
	conn := kafkaconn.Open(cfg.Kafka)
	defer conn.Close()
	odd, first := 0, deadletter.Entry{}
	desk := &letters.Desk{
		Topic: lettersTopic{conn, cfg.Topics.DeadLetters.Name}, Settler: deadletter.NewSettler(conn, cfg.Topics.DeadLetters.Name),
		Views: newLettersViews(cfg, conn, parts), Imports: &lettersImports{conn: conn, topic: cfg.Topics.Inlet()}, Dry: o.Dry, By: o.By,
		Odd: func(e deadletter.Entry) {
			if odd++; odd == 1 {
				first = e
			}
		},
	}
	var failed error // the reader of what is told has gone away
	desk.Tell = func(done letters.Outcome) {
		if failed == nil {
			failed = letters.WriteOutcome(out, done, o.JSON)
		}
	}
	switch o.Action {
	case "list":
		err = list(ctx, desk, o, out)
	case "show":
		err = show(ctx, desk, o, out)
	case "retry":
		left, err = desk.Retry(ctx, o.IDs, o.Filter, mended)
	case "drop":
		left, err = desk.Drop(ctx, o.IDs, o.Why)
	}
	if odd > 0 {
		fmt.Fprintf(errOut, "%d records of %s are no letters that can be read, the first at offset %d: %v\n", odd, cfg.Topics.DeadLetters.Name, first.Offset, first.Odd)
	}
	if err == nil {
		err = failed
	}
	return left, err
}

// valueMost is how large a mended value may be; no command is as large.
const valueMost = 1 << 20

func readValue(path string) ([]byte, error) {
	in := os.Stdin
	if path != "-" {
		f, err := os.Open(path)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		in = f
	}
	value, err := io.ReadAll(io.LimitReader(in, valueMost+1))
	if err == nil && (len(value) == 0 || len(value) > valueMost) {
		err = fmt.Errorf("%s: a value has 1 to %d bytes", path, valueMost)
	}
	return value, err
}

func list(ctx context.Context, desk *letters.Desk, o LettersOptions, out io.Writer) error {
	if o.Count {
		counts := letters.Counts{}
		err := desk.Each(ctx, o.Filter, func(i letters.Item) error {
			counts.Add(i)
			return nil
		})
		if err != nil {
			return err
		}
		return counts.Write(out, o.JSON)
	}
	write := letters.WriteRow
	if o.JSON {
		write = letters.WriteLine
	} else if err := letters.WriteHeader(out); err != nil {
		return err
	}
	return desk.Each(ctx, o.Filter, func(i letters.Item) error { return write(out, i) })
}

func show(ctx context.Context, desk *letters.Desk, o LettersOptions, out io.Writer) error {
	i, err := desk.Find(ctx, o.IDs[0])
	if err != nil {
		return err
	}
	if i.Truncated {
		whole, err := desk.Topic.Whole(ctx, i.Letter)
		switch {
		case err == nil:
			i.Letter = whole
		case !fault.Is(err, fault.NotFound) || o.Raw:
			return err
		}
	}
	switch {
	case o.Raw:
		_, err = out.Write(i.Value)
	case o.JSON:
		err = letters.WriteWhole(out, i)
	default:
		err = letters.WriteDetail(out, i)
	}
	return err
}

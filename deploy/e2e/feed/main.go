// Feed writes real texts to a running chatlog: the translations of programs, as
// gettext catalogues hold them, one chat for each language. It reads every
// message back, looks words up by search, and tells throughput and lag.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"chatlog/deploy/catalogue"
	"chatlog/deploy/client"
	"chatlog/shared/program"
	"chatlog/shared/progress"
)

type options struct {
	writes, reads string
	languages     string
	folders       []string
	clients       int
	words         int
	least         int
	each          int
}

// flags adds the flags.
func (o *options) flags(f *flag.FlagSet) {
	f.StringVar(&o.writes, "ingest", "http://127.0.0.1:8000", "base `URL` that is written to")
	f.StringVar(&o.reads, "query", "http://127.0.0.1:3001", "base `URL` that is read from")
	f.StringVar(&o.languages, "languages", "ar,ja,zh,ru,de,en", "languages, with commas between")
	f.IntVar(&o.clients, "clients", 16, "clients that write at once")
	f.IntVar(&o.words, "words", 50, "words per language that are searched for")
	f.IntVar(&o.least, "least", 20000, "fewer messages than these are an error")
	f.IntVar(&o.each, "each", 0, "at most so many messages of each language, evenly drawn; all, if it is 0")
}

// check refuses a run without texts.
func (o *options) check() error {
	if len(o.folders) == 0 {
		return errors.New("name folders that hold <language>/LC_MESSAGES/*.mo")
	}
	return nil
}

// feeding is the program.
func feeding() program.Program[program.None] {
	var o options
	return program.Program[program.None]{Name: "feed", Commands: []program.Command[program.None]{{
		Flags: o.flags,
		Rest:  &o.folders,
		Check: o.check,
		Help: program.Help{
			Does: "writes real texts to a running chatlog, and finds them again\n\n" +
				"The texts are translations of programs, as gettext catalogues hold them, one chat for each\n" +
				"language. It reads every message back, looks words up, and tells throughput and lag.",
			Takes: "FOLDER...",
			Examples: []program.Line{
				{Word: "make feed", Means: "all texts, to what runs on 8000 and 3001"},
				{Word: `make feed FEED="--each=3500"`, Means: "so many of each language"},
				{Word: "feed --languages=de,en --least=100 /usr/share/locale", Means: "this machine's own catalogues"},
			},
			Left: "something was read or found otherwise than it was written",
		},
		Do: func(ctx context.Context, _ program.None, _, errOut io.Writer) error { return run(ctx, o, errOut) },
	}}}
}

func main() { os.Exit(feeding().Main(os.Args[1:])) }

func run(ctx context.Context, o options, errOut io.Writer) error {
	all, err := catalogue.Gather(o.folders, strings.Split(o.languages, ","))
	if err != nil {
		return err
	}
	total := 0
	for i := range all {
		l := &all[i]
		l.Thin(o.each)
		total += len(l.Texts)
	}
	if total < o.least {
		return fmt.Errorf("only %d texts in %v, at least %d are wanted", total, o.folders, o.least)
	}
	f := &feed{ingest: client.New(o.writes, o.clients), query: client.New(o.reads, o.clients), clients: o.clients, total: int64(total), far: progress.New(errOut, "messages")}
	defer f.ingest.Close()
	defer f.query.Close()
	return f.run(ctx, all, o.words)
}

func (f *feed) run(ctx context.Context, all []catalogue.Language, count int) error {
	began := time.Now()
	err := f.post(ctx, all)
	f.far.End()
	if err != nil {
		return err
	}
	if err := f.tellPost(time.Since(began)); err != nil {
		return err
	}
	wrong := 0
	fmt.Println("language  messages  same bytes  words  messages that hold them  found  found besides")
	for i, l := range all {
		same, err := f.readBack(ctx, int64(i+1), l)
		if err != nil {
			return err
		}
		s, err := f.search(ctx, int64(i+1), l, count)
		if err != nil {
			return err
		}
		fmt.Printf("%-8s  %8d  %10d  %5d  %23d  %5d  %13d\n", l.Name, len(l.Texts), same, s.words, s.holding, s.found, s.besides)
		if same != len(l.Texts) || s.words < count || s.found != s.holding {
			wrong++
		}
		for _, m := range s.missed {
			fmt.Println("  not found:", m)
		}
	}
	fmt.Printf("%d searches: half within %s, 99 of 100 within %s, the slowest %s\n", len(f.searches), part(f.searches, 0.5), part(f.searches, 0.99), part(f.searches, 1))
	if wrong > 0 {
		return fmt.Errorf("%d languages: %w", wrong, program.ErrLeft)
	}
	return nil
}

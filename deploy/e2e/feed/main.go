// Feed writes real texts to a running chatlog: the translations of programs, as
// gettext catalogues hold them, one chat for each language. It reads every
// message back, looks words up by search, and tells throughput and lag.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"strings"
	"time"

	"chatlog/deploy/catalogue"
	"chatlog/deploy/client"
)

type options struct {
	writes, reads string
	languages     []string
	folders       []string
	clients       int
	words         int
	least         int
	each          int
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "feed:", err)
		os.Exit(1)
	}
}

func run() error {
	var o options
	var languages string
	flag.StringVar(&o.writes, "ingest", "http://127.0.0.1:8000", "base URL that is written to")
	flag.StringVar(&o.reads, "query", "http://127.0.0.1:3001", "base URL that is read from")
	flag.StringVar(&languages, "languages", "ar,ja,zh,ru,de,en", "languages, with commas between")
	flag.IntVar(&o.clients, "clients", 16, "clients that write at once")
	flag.IntVar(&o.words, "words", 50, "words per language that are searched for")
	flag.IntVar(&o.least, "least", 20000, "fewer messages than these are an error")
	flag.IntVar(&o.each, "each", 0, "at most so many messages of each language, evenly drawn; 0: all")
	flag.Parse()
	o.languages, o.folders = strings.Split(languages, ","), flag.Args()
	if len(o.folders) == 0 {
		return errors.New("name folders that hold <language>/LC_MESSAGES/*.mo")
	}
	all, err := catalogue.Gather(o.folders, o.languages)
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
	f := &feed{ingest: client.New(o.writes, o.clients), query: client.New(o.reads, o.clients), clients: o.clients}
	defer f.ingest.Close()
	defer f.query.Close()
	return f.run(context.Background(), all, o.words)
}

func (f *feed) run(ctx context.Context, all []catalogue.Language, count int) error {
	began := time.Now()
	if err := f.post(ctx, all); err != nil {
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
		return fmt.Errorf("%d languages are not as they must be", wrong)
	}
	return nil
}

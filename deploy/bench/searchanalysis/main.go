// Searchanalysis compares chatlog's analysis in Go with Elasticsearch's own, on
// real texts in six languages: time to index, size, time to search, and what is
// found of the texts that hold a word or a part of one. The variants take turns
// in one run, so that the ratios hold whatever else the machine does.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"chatlog/deploy/catalogue"
)

const (
	batch = 1000 // documents in one _bulk, as the sink's default
	most  = 10000
)

func main() {
	if err := compare(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, "searchanalysis:", err)
		os.Exit(1)
	}
}

type measured struct {
	index   string
	fill    time.Duration
	size    int64
	took    [2][]time.Duration // of whole words, of parts
	found   [2]int
	holding [2]int
}

func compare(ctx context.Context) (err error) {
	at := flag.String("elasticsearch", "http://127.0.0.1:19200", "base URL")
	each := flag.Int("each", 0, "at most so many texts of each language; 0: all")
	count := flag.Int("words", 50, "words, and parts of words, of each language")
	flag.Parse()
	if flag.NArg() == 0 {
		return errors.New("name folders that hold <language>/LC_MESSAGES/*.mo")
	}
	languages, err := catalogue.Gather(flag.Args(), []string{"ar", "ja", "zh", "ru", "de", "en"})
	if err != nil {
		return err
	}
	var texts []string
	bytes := 0
	for i := range languages {
		languages[i].Thin(*each)
		for _, text := range languages[i].Texts {
			texts, bytes = append(texts, text), bytes+len(text)
		}
	}
	e := &engine{base: *at, http: &http.Client{Timeout: time.Minute}}
	results := make([]measured, len(variants))
	defer func() { err = errors.Join(err, clean(ctx, e, results)) }()
	for i, v := range variants {
		results[i].index = fmt.Sprintf("searchanalysis-%d-%d", os.Getpid(), i)
		if err := e.create(ctx, results[i].index, v); err != nil {
			return err
		}
	}
	if err := fill(ctx, e, results, texts); err != nil {
		return err
	}
	for _, l := range languages {
		for _, word := range catalogue.Words(l.Texts, *count, rand.New(rand.NewPCG(5, 6))) {
			for kind, looked := range []string{word, middle(word)} {
				if err := search(ctx, e, results, texts, looked, kind); err != nil {
					return err
				}
			}
		}
	}
	fmt.Printf("%d texts in 6 languages, %.1f MB; %d searches for whole words, %d for parts of words\n", len(texts), float64(bytes)/1e6,
		len(results[0].took[0]), len(results[0].took[1]))
	tell(results, len(texts))
	return nil
}

// fill indexes everything twice, the variants in turn: the first round warms
// the machine up, the second is measured.
func fill(ctx context.Context, e *engine, results []measured, texts []string) (err error) {
	for round := range 2 {
		for i, v := range variants {
			if round == 1 {
				if err := e.call(ctx, http.MethodDelete, "/"+results[i].index, nil, nil); err != nil {
					return err
				}
				if err := e.create(ctx, results[i].index, v); err != nil {
					return err
				}
			}
			if results[i].fill, err = e.fill(ctx, results[i].index, v, texts); err != nil {
				return err
			}
		}
	}
	for i := range results {
		if results[i].size, err = e.size(ctx, results[i].index); err != nil {
			return err
		}
	}
	return nil
}

// middle is a part of a word: without its first and last letter when it is long
// enough.
func middle(word string) string {
	letters := []rune(word)
	if len(letters) < 6 {
		return string(letters[:max(1, len(letters)-1)])
	}
	return string(letters[1 : len(letters)-1])
}

// search looks a word up in every variant, and compares with the texts that
// hold it.
func search(ctx context.Context, e *engine, results []measured, texts []string, word string, kind int) error {
	var held []string
	for i, text := range texts {
		if strings.Contains(text, word) {
			held = append(held, strconv.Itoa(i))
		}
	}
	if len(held) > most/2 {
		return nil
	}
	for i, v := range variants {
		query, err := v.query(word, kind == 1)
		if err != nil {
			return err
		}
		found, took, err := e.find(ctx, results[i].index, query)
		if err != nil {
			return err
		}
		r := &results[i]
		r.took[kind] = append(r.took[kind], took)
		r.holding[kind] += len(held)
		for _, id := range held {
			if found[id] {
				r.found[kind]++
			}
		}
	}
	return nil
}

func tell(results []measured, count int) {
	fmt.Println("| | texts/s | index | words: found | half | 99 % | parts: found | half | 99 % |")
	fmt.Println("|---|---|---|---|---|---|---|---|---|")
	for i, v := range variants {
		r := results[i]
		fmt.Printf("| %s | %.0f | %.1f MB |", v.name, float64(count)/r.fill.Seconds(), float64(r.size)/1e6)
		for kind := range 2 {
			fmt.Printf(" %.1f %% | %s | %s |", 100*float64(r.found[kind])/float64(max(1, r.holding[kind])), part(r.took[kind], 0.5), part(r.took[kind], 0.99))
		}
		fmt.Println()
	}
}

func part(values []time.Duration, share float64) time.Duration {
	if len(values) == 0 {
		return 0
	}
	slices.Sort(values)
	return values[min(len(values)-1, int(share*float64(len(values))))].Round(10 * time.Microsecond)
}

func clean(ctx context.Context, e *engine, results []measured) error {
	var errs []error
	for _, r := range results {
		if r.index != "" {
			errs = append(errs, e.call(ctx, http.MethodDelete, "/"+r.index, nil, nil))
		}
	}
	return errors.Join(errs...)
}

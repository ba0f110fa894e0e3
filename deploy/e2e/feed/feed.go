package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"chatlog/deploy/catalogue"
	"chatlog/deploy/client"
	"chatlog/shared/progress"
)

// feed is one run: one application with a chat for each language.
type feed struct {
	ingest, query *client.Client
	clients       int
	token         string
	total         int64 // messages that are to be posted
	far           *progress.Progress

	posted  atomic.Int64
	again   atomic.Int64 // writes that had to be tried again
	bytes   atomic.Int64
	mutex   sync.Mutex
	last    string          // position of a late write, for reads after it
	writes  []time.Duration // of posts
	rowLag  []time.Duration // from a post's reply until it is read
	findLag []time.Duration // from a post's reply until a search was made that knows it

	searches []time.Duration
}

// probeEvery is how many posts go by between two that are read and searched
// for at once.
const probeEvery = 200

// job is one message to be posted.
type job struct {
	chat int64
	text string
}

// post writes all texts, the languages mixed, by many clients at once.
func (f *feed) post(ctx context.Context, all []catalogue.Language) error {
	var err error
	if f.token, err = f.ingest.CreateApplication(ctx, "feed", nil); err != nil {
		return err
	}
	var jobs []job
	for i, l := range all {
		number, err := f.ingest.CreateChat(ctx, f.token, nil)
		if err != nil || number != int64(i+1) {
			return fmt.Errorf("chat %d is number %d: %w", i+1, number, err)
		}
		for _, text := range l.Texts {
			jobs = append(jobs, job{number, text})
		}
	}
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(jobs), func(i, j int) { jobs[i], jobs[j] = jobs[j], jobs[i] })
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var next atomic.Int64
	var group sync.WaitGroup
	for range f.clients {
		group.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(jobs) {
					return
				}
				if err := f.one(ctx, jobs[i], i%probeEvery == 0); err != nil {
					cancel(fmt.Errorf("message %d: %w", i, err))
				}
			}
		})
	}
	group.Wait()
	return context.Cause(ctx)
}

func (f *feed) one(ctx context.Context, j job, probe bool) error {
	var number int64
	var position string
	began := time.Now()
	err := client.Settle(ctx, time.Minute, []*client.Client{f.ingest}, 0, func(c *client.Client, h client.Headers) (err error) {
		number, position, err = c.CreateMessage(ctx, f.token, j.chat, j.text, h)
		return err
	}, func(error) { f.again.Add(1) })
	if err != nil {
		return err
	}
	took := time.Since(began)
	f.far.Passed("posting", f.posted.Add(1), f.total)
	f.bytes.Add(int64(len(j.text)))
	f.mutex.Lock()
	f.writes, f.last = append(f.writes, took), position
	f.mutex.Unlock()
	if !probe {
		return nil
	}
	return f.probe(ctx, j, number, position)
}

// probe measures how long after a write its reader has to wait.
func (f *feed) probe(ctx context.Context, j job, number int64, position string) error {
	after := client.Headers{"Consistency-Token", position}
	began := time.Now()
	text, err := f.query.Message(ctx, f.token, j.chat, number, after)
	if err != nil {
		return err
	}
	if text != j.text {
		return fmt.Errorf("number %d of chat %d reads %q, not %q", number, j.chat, text, j.text)
	}
	row := time.Since(began)
	began = time.Now()
	if _, err := f.query.Search(ctx, f.token, j.chat, "a", 1, after); err != nil {
		return err
	}
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.rowLag, f.findLag = append(f.rowLag, row), append(f.findLag, time.Since(began))
	return nil
}

func (f *feed) tellPost(took time.Duration) error {
	fmt.Printf("%d messages, %.1f MB of text, by %d clients in %s: %.0f messages/s, %d tries again\n", f.posted.Load(), float64(f.bytes.Load())/1e6,
		f.clients, took.Round(time.Millisecond), float64(f.posted.Load())/took.Seconds(), f.again.Load())
	began := time.Now()
	after := client.Headers{"Consistency-Token", f.last}
	if _, err := f.query.Chat(context.Background(), f.token, 1, after); err != nil {
		return err
	}
	rows := time.Since(began)
	if _, err := f.query.Search(context.Background(), f.token, 1, "a", 1, after); err != nil {
		return err
	}
	fmt.Printf("a post took %s (half), %s (99 of 100), %s (slowest)\n", part(f.writes, 0.5), part(f.writes, 0.99), part(f.writes, 1))
	fmt.Printf("lag while writing, of %d probes: rows %s, %s, %s; search %s, %s, %s\n", len(f.rowLag), part(f.rowLag, 0.5), part(f.rowLag, 0.99),
		part(f.rowLag, 1), part(f.findLag, 0.5), part(f.findLag, 0.99), part(f.findLag, 1))
	fmt.Printf("lag after the last write: rows %s, search %s\n", rows.Round(time.Millisecond), time.Since(began).Round(time.Millisecond))
	return nil
}

// part gives the value that a share of all values is not above.
func part(values []time.Duration, share float64) time.Duration {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(len(sorted)-1, int(share*float64(len(sorted))))].Round(10 * time.Microsecond)
}

// readBack counts the texts that a chat holds once, byte for byte.
func (f *feed) readBack(ctx context.Context, chat int64, l catalogue.Language) (same int, err error) {
	list, err := f.query.Messages(ctx, f.token, chat, client.Headers{"Consistency-Token", f.last})
	if err != nil {
		return 0, err
	}
	left := map[string]bool{}
	for _, text := range l.Texts {
		left[text] = true
	}
	for i, m := range list {
		if m.Number == int64(i+1) && left[m.Text] {
			delete(left, m.Text)
			same++
		}
	}
	return same, nil
}

// findings is what the searches of one language came to.
type findings struct {
	words, holding, found, besides int
	missed                         []string
}

// search looks words up and compares what is found with the texts that hold
// them. What is found besides them differs in case, marks or width.
func (f *feed) search(ctx context.Context, chat int64, l catalogue.Language, count int) (s findings, err error) {
	for _, word := range catalogue.Words(l.Texts, count, rand.New(rand.NewPCG(3, uint64(chat)))) {
		began := time.Now()
		hits, err := f.query.Search(ctx, f.token, chat, word, catalogue.MostHits, nil)
		if err != nil {
			return s, err
		}
		f.searches = append(f.searches, time.Since(began))
		held := catalogue.Holding(l.Texts, word)
		s.words++
		s.holding += len(held)
		for _, hit := range hits {
			if held[hit.Text] {
				s.found++
				delete(held, hit.Text)
			} else {
				s.besides++
			}
		}
		for text := range held {
			if len(hits) >= catalogue.MostHits {
				s.holding-- // more are found than one search shows
			} else if len(s.missed) < 5 {
				s.missed = append(s.missed, fmt.Sprintf("%q in %q", word, text))
			}
		}
	}
	return s, nil
}

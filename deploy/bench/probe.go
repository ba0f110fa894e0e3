package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"chatlog/deploy/client"
)

// probes are messages whose way into the views is followed.
type probes struct {
	tokens        []string
	writes, reads *client.Client
	refused       atomic.Int64 // times that a read could not wait any longer
	mutex         sync.Mutex
	read, found   times // after the ack
}

// one posts a message with a word that no other has, and asks for it until it is
// there. A 503, which says that the wait was too long, is asked again, as clients do:
// the time that is told goes on.
func (p *probes) one(ctx context.Context, r *rand.Rand) error {
	letters := make([]byte, 12) // words that differ in a letter would be found as typos of each other
	for i := range letters {
		letters[i] = 'a' + byte(rand.IntN(26)) // of its own seed each time
	}
	word, token := string(letters), p.tokens[r.IntN(len(p.tokens))]
	n, position, err := p.writes.CreateMessage(ctx, token, 1, strings.Repeat("All work and no play. ", 8)+word, nil)
	if err != nil {
		return err
	}
	acked, at := time.Now(), client.Headers{"Consistency-Token", position}
	if err := p.until(ctx, func() error {
		_, err := p.reads.Message(ctx, token, 1, n, at)
		return err
	}); err != nil {
		return err
	}
	seen := time.Since(acked)
	if err := p.until(ctx, func() error {
		hits, err := p.reads.Search(ctx, token, 1, word, 1, at)
		if err == nil && len(hits) != 1 {
			err = fmt.Errorf("%s: %d hits", word, len(hits))
		}
		return err
	}); err != nil {
		return err
	}
	p.mutex.Lock()
	defer p.mutex.Unlock()
	p.read, p.found = append(p.read, seen), append(p.found, time.Since(acked))
	return nil
}

// until asks again as long as the answer is 503.
func (p *probes) until(ctx context.Context, ask func() error) error {
	for {
		err := ask()
		var refused *client.StatusError
		if err == nil || ctx.Err() != nil || !errors.As(err, &refused) || refused.Status != http.StatusServiceUnavailable {
			return err
		}
		p.refused.Add(1)
	}
}

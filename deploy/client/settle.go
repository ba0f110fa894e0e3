package client

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/google/uuid"
)

// Settle sends one write, with one Idempotency-Key, until it is answered for
// good: a 503 or a broken connection leaves the outcome open, and the same key
// settles it. It goes through clients in turn, from first on; again hears of
// each answer that settled nothing. The error is the last one; a *StatusError
// other than 503 is final, any other means that the outcome is still unknown.
func Settle(ctx context.Context, patience time.Duration, clients []*Client, first int, write func(*Client, Headers) error, again func(error)) error {
	headers := Headers{"Idempotency-Key", uuid.NewString()}
	deadline := time.Now().Add(patience)
	for try := first; ; try++ {
		err := write(clients[try%len(clients)], headers)
		if err == nil {
			return nil
		}
		var status *StatusError
		if errors.As(err, &status) && !status.Again() || ctx.Err() != nil || time.Now().After(deadline) {
			return err
		}
		again(err)
		time.Sleep(time.Duration(10+rand.IntN(40)) * time.Millisecond) // a client's back-off
	}
}

// Again reports whether the answer asks to try again.
func (e *StatusError) Again() bool {
	return e.Status == http.StatusServiceUnavailable && e.Header.Get("Retry-After") != ""
}

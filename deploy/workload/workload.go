// Package workload writes to chatlog as many clients at once do, each with
// keys and retries, and remembers what was answered.
package workload

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"chatlog/deploy/audit"
	"chatlog/deploy/client"
)

// Load is a number of clients that write until they are told to stop.
type Load struct {
	Clients  []*client.Client // the base addresses that clients use, in turn
	Count    int              // of clients
	Chats    int              // that they write to; they make more
	Think    time.Duration    // between two writes of a client; 0: none
	Patience time.Duration    // how long a write is tried again before its outcome stays unknown

	Acks        atomic.Int64
	Unavailable atomic.Int64 // answers 503
	Broken      atomic.Int64 // requests without a whole answer

	mutex   sync.Mutex
	acked   []audit.Acked
	unknown []string
	wrong   []string
	token   string // the application that they write to
	cancel  context.CancelFunc
	group   sync.WaitGroup
}

// Start makes an application with its chats and lets the clients begin.
func (l *Load) Start(ctx context.Context) error {
	c := l.Clients[0]
	var err error
	if l.token, err = c.CreateApplication(ctx, "load", nil); err != nil {
		return err
	}
	l.remember(audit.Acked{Application: l.token})
	for range l.Chats {
		n, err := c.CreateChat(ctx, l.token, nil)
		if err != nil {
			return err
		}
		l.remember(audit.Acked{Application: l.token, Chat: n})
	}
	ctx, l.cancel = context.WithCancel(ctx)
	for i := range l.Count {
		l.group.Go(func() { l.run(ctx, i) })
	}
	return nil
}

// Stop ends the clients; writes under way are settled first.
func (l *Load) Stop() {
	l.cancel()
	l.group.Wait()
}

// Token is the application that the clients write to.
func (l *Load) Token() string { return l.token }

// Acked is what was answered with success. Call it after Stop.
func (l *Load) Acked() []audit.Acked { return l.acked }

// Unknown is the writes whose outcome stayed unknown.
func (l *Load) Unknown() []string { return l.unknown }

// Wrong is answers that can never be right, such as a refusal of what is
// allowed.
func (l *Load) Wrong() []string { return l.wrong }

func (l *Load) remember(a audit.Acked) {
	l.mutex.Lock()
	l.acked = append(l.acked, a)
	l.mutex.Unlock()
	l.Acks.Add(1)
}

// run is one client: mostly messages, some chats, edits and deletes of its own
// messages.
func (l *Load) run(ctx context.Context, number int) {
	type own struct{ chat, number int64 }
	var mine []own
	for i := 0; ctx.Err() == nil; i++ {
		if l.Think > 0 {
			time.Sleep(l.Think)
		}
		chat := int64(1 + rand.IntN(l.Chats))
		switch dice := rand.IntN(100); {
		case dice < 2:
			var made int64
			if l.settle(number, i, func(c *client.Client, h client.Headers) (err error) {
				made, err = c.CreateChat(context.Background(), l.token, h)
				return err
			}) {
				l.remember(audit.Acked{Application: l.token, Chat: made})
			}
		case dice < 12 && len(mine) > 0:
			m := mine[rand.IntN(len(mine))]
			l.settle(number, i, func(c *client.Client, h client.Headers) error {
				_, err := c.Update(context.Background(), l.token, m.chat, m.number, fmt.Sprintf("edit %d of client %d", i, number), h)
				return err
			})
		case dice < 15 && len(mine) > 0:
			at := rand.IntN(len(mine))
			m := mine[at]
			mine = append(mine[:at], mine[at+1:]...)
			l.settle(number, i, func(c *client.Client, h client.Headers) error {
				_, err := c.Delete(context.Background(), l.token, m.chat, m.number, h)
				return err
			})
		default:
			text := fmt.Sprintf("message %d of client %d, with some words to be found: %s", i, number, uuid.NewString())
			var made int64
			if l.settle(number, i, func(c *client.Client, h client.Headers) (err error) {
				made, _, err = c.CreateMessage(context.Background(), l.token, chat, text, h)
				return err
			}) {
				l.remember(audit.Acked{Application: l.token, Chat: chat, Number: made, Text: text})
				mine = append(mine, own{chat, made})
			}
		}
	}
}

// settle tries one write until it is answered for good.
func (l *Load) settle(number, i int, write func(*client.Client, client.Headers) error) bool {
	err := client.Settle(context.Background(), l.Patience, l.Clients, number, write, func(err error) {
		var status *client.StatusError
		if errors.As(err, &status) {
			l.Unavailable.Add(1)
		} else {
			l.Broken.Add(1)
		}
	})
	if err == nil {
		return true
	}
	var status *client.StatusError
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if errors.As(err, &status) && !status.Again() {
		l.wrong = append(l.wrong, err.Error())
	} else {
		l.unknown = append(l.unknown, fmt.Sprintf("write %d of client %d: %v", i, number, err))
	}
	return false
}

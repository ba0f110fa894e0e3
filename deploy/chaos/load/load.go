// Package load is the clients of a campaign: some with keys that try again
// until they know, some without that ask once, some that only read. Everything
// that they see goes into a history.
package load

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"chatlog/deploy/chaos/history"
	"chatlog/deploy/client"
)

// Load is all clients.
type Load struct {
	Writers  []*client.Client // ingests
	Readers  []*client.Client // queries, which pass writes on
	Recorder *history.Recorder
	Seed     uint64
	Think    time.Duration // between two calls of a client, on average, to begin with

	Forced atomic.Bool // bring writes to any instance, past all leases

	think   atomic.Int64
	slowest atomic.Int64 // write that came to its end, in ns

	book   book
	cancel context.CancelFunc
	group  sync.WaitGroup
}

// How many clients of each kind there are, and applications and chats at the
// beginning.
const (
	keyed    = 8
	unkeyed  = 5
	reading  = 4
	apps     = 6
	chatsPer = 4
)

// patience is how long a client with a key tries to learn what became of its
// write. No fault lasts as long, but for Redis, which disturbs no write.
const patience = 2 * time.Minute

// tryTime is how long a client waits for one answer.
const tryTime = 8 * time.Second

// Start makes the first applications and chats, and begins.
func (l *Load) Start(ctx context.Context) error {
	l.think.Store(int64(l.Think))
	first := l.client(-1)
	for range apps {
		app := first.createApplication(ctx)
		for range chatsPer {
			first.createChat(ctx, app)
		}
	}
	if len(l.book.chats) != apps*chatsPer {
		return fmt.Errorf("only %d of %d chats could be made", len(l.book.chats), apps*chatsPer)
	}
	ctx, l.cancel = context.WithCancel(ctx)
	for i := range keyed + unkeyed + reading {
		c := l.client(i)
		do := c.write
		if i >= keyed+unkeyed {
			do = c.read
		}
		l.group.Go(func() {
			for ctx.Err() == nil {
				do(context.WithoutCancel(ctx))
				select {
				case <-ctx.Done():
				case <-time.After(time.Duration(c.rand.ExpFloat64() * float64(l.think.Load()))):
				}
			}
		})
	}
	return nil
}

// Stop ends the clients; calls under way come to their end first.
func (l *Load) Stop() {
	l.cancel()
	l.group.Wait()
}

// Client is one client.
type one struct {
	load   *Load
	number int
	keyed  bool
	rand   *rand.Rand
	made   int
	done   []request // with keys, that were answered
}

// request is what a client asks, and how it may be asked again.
type request struct {
	call   history.Call
	method string
	path   string
	body   string
}

func (l *Load) client(number int) *one {
	return &one{load: l, number: number, keyed: number < keyed, rand: rand.New(rand.NewPCG(l.Seed, uint64(number+1)))}
}

// write makes one write, and often looks at what it made.
func (c *one) write(ctx context.Context) {
	switch dice := c.rand.IntN(200); {
	case dice < 1:
		if app := c.createApplication(ctx); app != "" {
			c.createChat(ctx, app)
		}
	case dice < 4:
		c.createChat(ctx, c.load.book.chat(c.rand).app)
	case dice < 30:
		c.change(ctx, history.Update)
	case dice < 38:
		c.change(ctx, history.Delete)
	case dice < 44 && len(c.done) > 0:
		c.repeat(ctx)
	default:
		c.createMessage(ctx)
	}
}

func (c *one) createApplication(ctx context.Context) string {
	name := fmt.Sprintf("user %d of client %d", c.made, c.number)
	call := c.ask(ctx, request{call: history.Call{Kind: history.CreateApplication, Text: name}, method: "POST", path: "/application",
		body: fmt.Sprintf(`{"username":%q}`, name)})
	return call.App
}

func (c *one) createChat(ctx context.Context, app string) {
	call := c.ask(ctx, request{call: history.Call{Kind: history.CreateChat, App: app}, method: "POST", path: "/application/" + app + "/chat"})
	if call.Outcome == history.OK {
		c.load.book.addChat(app, call.Chat)
	}
}

func (c *one) createMessage(ctx context.Context) {
	at := c.load.book.chat(c.rand)
	word := "w" + uuid.NewString()[:8] + fmt.Sprint("x", c.number, "x", c.made)
	text := fmt.Sprintf("of %s chat %d: %s, by client %d", at.app, at.chat, word, c.number)
	call := c.ask(ctx, request{call: history.Call{Kind: history.CreateMessage, App: at.app, Chat: at.chat, Text: text}, method: "POST",
		path: fmt.Sprintf("/application/%s/chat/%d/message", at.app, at.chat), body: fmt.Sprintf(`{"message":%q}`, text)})
	if call.Outcome != history.OK {
		return
	}
	p := place{app: at.app, chat: at.chat, number: call.Number, token: call.Token, word: word}
	if c.rand.IntN(4) == 0 {
		c.load.book.addMessage(p)
	}
	switch dice := c.rand.IntN(100); {
	case dice < 25:
		c.get(ctx, p, call.Token)
	case dice < 33:
		c.search(ctx, p, call.Token)
	case dice < 38:
		c.count(ctx, p, call.Token)
	case dice < 45:
		c.get(ctx, p, "")
	}
}

// change edits or deletes a message that others change, too.
func (c *one) change(ctx context.Context, kind history.Kind) {
	p, there := c.load.book.message(c.rand)
	if !there {
		return
	}
	r := request{call: history.Call{Kind: kind, App: p.app, Chat: p.chat, Number: p.number}, method: "DELETE",
		path: fmt.Sprintf("/application/%s/chat/%d/message/%d", p.app, p.chat, p.number)}
	if kind == history.Update {
		r.method, r.call.Text = "PUT", fmt.Sprintf("of %s chat %d: edit %d by client %d of message %d", p.app, p.chat, c.made, c.number, p.number)
		r.body = fmt.Sprintf(`{"message":%q}`, r.call.Text)
	}
	if call := c.ask(ctx, r); call.Outcome == history.OK {
		c.load.book.heard(p, call.Token)
		c.get(ctx, p, call.Token)
	}
}

// repeat asks again what was answered long ago: the reply must be the same.
// Sometimes the key is used for something else, which must be refused.
func (c *one) repeat(ctx context.Context) {
	r := c.done[c.rand.IntN(len(c.done))]
	r.call.Repeat = true
	if c.rand.IntN(4) == 0 && r.body != "" {
		r.body = `{"message":"another","username":"another"}`
		r.call.Text = "another"
	}
	c.ask(ctx, r)
}

// read looks at what others have made.
func (c *one) read(ctx context.Context) {
	p, there := c.load.book.message(c.rand)
	if !there {
		return
	}
	switch c.rand.IntN(6) {
	case 0, 1:
		c.get(ctx, p, "")
	case 2, 3:
		c.get(ctx, p, p.token)
	case 4:
		c.search(ctx, p, "")
	default:
		c.count(ctx, p, "")
	}
}

package diskfull

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"chatlog/deploy/audit"
	"chatlog/deploy/client"
)

// soon is how long anything may take on a busy machine.
const soon = 45 * time.Second

// eventually waits until holds gives nil.
func eventually(ctx context.Context, what string, holds func() error) error {
	for deadline := time.Now().Add(soon); ; {
		err := holds()
		if err == nil || ctx.Err() != nil {
			return errors.Join(err, ctx.Err())
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s: not within %s: %w", what, soon, err)
		}
		time.Sleep(20 * time.Millisecond) // between two looks
	}
}

// more waits until the clients got more answers.
func (d *drill) more(ctx context.Context, acks int64) error {
	from := d.load.Acks.Load()
	return eventually(ctx, fmt.Sprintf("%d more acked writes", acks), func() error {
		if got := d.load.Acks.Load() - from; got < acks {
			return fmt.Errorf("only %d", got)
		}
		return nil
	})
}

// refused is the text of the writes that look whether writes are refused. Their
// outcome may be unknown, and they have no key: it may be there any number of times.
const refused = "for a full disk"

// full wants writes refused with 503 and Retry-After, reads answered, and the
// disk named by both services.
func (d *drill) full(ctx context.Context) error {
	application := "/application/" + d.load.Token()
	return errors.Join(
		eventually(ctx, "a write is refused", func() error {
			reply, err := d.ingest.Do(ctx, http.MethodPost, application+"/chat/1/message", `{"message":"`+refused+`"}`, nil)
			if err != nil || reply.Status != http.StatusServiceUnavailable || reply.Header.Get("Retry-After") == "" {
				return fmt.Errorf("answered %d %v %s: %w", reply.Status, reply.Header, reply.Body, err)
			}
			return nil
		}),
		eventually(ctx, "reads are answered", func() error {
			for _, path := range []string{application, application + "/chat/1", application + "/chat/1/messages", application + "/search?q=words"} {
				if reply, err := d.query.Do(ctx, http.MethodGet, path, "", nil); err != nil || reply.Status != http.StatusOK {
					return fmt.Errorf("%s: %d %s: %w", path, reply.Status, reply.Body, err)
				}
			}
			return nil
		}),
		d.named(ctx, d.ingest, http.StatusServiceUnavailable), d.named(ctx, d.query, http.StatusOK))
}

func (d *drill) named(ctx context.Context, c *client.Client, status int) error {
	return eventually(ctx, "readyz names the disk", func() error {
		reply, err := c.Do(ctx, http.MethodGet, "/readyz", "", nil)
		if err != nil || reply.Status != status || !strings.Contains(reply.Body, `"disk":"the disk is full`) {
			return fmt.Errorf("%d %s: %w", reply.Status, reply.Body, err)
		}
		return nil
	})
}

// kept compares what was acked with what is there: all of it, once, under the
// numbers that were given.
func (d *drill) kept(ctx context.Context) error {
	var wrong []error
	for _, w := range append(d.load.Wrong(), d.load.Unknown()...) {
		wrong = append(wrong, errors.New(w))
	}
	last, err := d.query.Do(ctx, http.MethodPost, "/application/"+d.load.Token()+"/chat", "", nil)
	if err != nil || last.Status != http.StatusOK {
		return fmt.Errorf("the last write: %d %s: %w", last.Status, last.Body, err)
	}
	after := client.Headers{"Consistency-Token", last.Token()}
	chats, err := d.query.Chats(ctx, d.load.Token(), after)
	if err != nil {
		return err
	}
	there, texts := map[audit.MessageKey]bool{}, map[string]bool{}
	for i, c := range chats {
		if c.Number != int64(i+1) {
			return fmt.Errorf("chat %d is the %dth", c.Number, i+1)
		}
		there[audit.MessageKey{Application: d.load.Token(), Chat: c.Number}] = true
		list, err := d.query.Messages(ctx, d.load.Token(), c.Number, after)
		if err != nil {
			return err
		}
		for _, m := range list {
			there[audit.MessageKey{Application: d.load.Token(), Chat: c.Number, Number: m.Number}] = true
			if texts[m.Text] && m.Text != refused {
				wrong = append(wrong, fmt.Errorf("%q is there twice", m.Text))
			}
			texts[m.Text] = true
		}
	}
	return errors.Join(append(wrong, d.missing(ctx, there)...)...)
}

// missing gives what was acked and is not listed, nor was deleted later.
func (d *drill) missing(ctx context.Context, there map[audit.MessageKey]bool) (wrong []error) {
	seen := map[audit.MessageKey]bool{}
	for _, a := range d.load.Acked() {
		key := audit.MessageKey{Application: a.Application, Chat: a.Chat, Number: a.Number}
		if seen[key] {
			wrong = append(wrong, fmt.Errorf("%v was acked twice", key))
		}
		seen[key] = true
		if there[key] || a.Chat == 0 {
			continue
		}
		reply, err := d.query.Do(ctx, http.MethodDelete, fmt.Sprintf("/application/%s/chat/%d/message/%d", key.Application, key.Chat, key.Number), "", nil)
		if err != nil || reply.Status != http.StatusOK { // one that is deleted may be deleted again
			wrong = append(wrong, fmt.Errorf("%v was acked and is neither there nor deleted: %d %s: %w", key, reply.Status, reply.Body, err))
		}
	}
	return wrong
}

// calm refuses a log that tells of a panic or a race.
func calm(log string) error {
	content, err := os.ReadFile(log)
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(content)) {
		if strings.Contains(line, "panic") || strings.Contains(line, "DATA RACE") {
			return fmt.Errorf("%s: %s", log, line)
		}
	}
	return nil
}

// tail is the last line of a log.
func tail(log string) (string, error) {
	content, err := os.ReadFile(log)
	if err != nil {
		return "", err
	}
	lines := strings.Split(strings.TrimSpace(string(content)), "\n")
	return lines[len(lines)-1], nil
}

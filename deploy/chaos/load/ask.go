package load

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"chatlog/deploy/chaos/history"
	"chatlog/deploy/client"
)

// guard is the header by which instances mark what they pass on: whoever gets
// a request with it appends by itself.
var guard = client.Headers{"X-Chatlog-Forwarded", "ingest"}

// ask brings one write to an instance, and with a key to one after the other,
// until its outcome is known.
func (c *one) ask(ctx context.Context, r request) history.Call {
	c.made++
	call := &r.call
	call.Client, call.Begin, call.Tries = c.number, c.load.Recorder.Now(), nil
	if c.keyed && call.Key == "" {
		call.Key = uuid.NewString()
	}
	call.Forced = c.load.Forced.Load()
	targets := c.load.Writers
	if !call.Forced && c.rand.IntN(3) == 0 {
		targets = c.load.Readers
	}
	doubt := false
	deadline := time.Now().Add(patience)
	for {
		begin := c.load.Recorder.Now()
		reply, err := c.once(ctx, targets[c.rand.IntN(len(targets))], r)
		c.judge(call, reply, err)
		if call.Outcome == history.OK || call.Outcome == history.NotFound || !again(reply.Status) {
			break
		}
		doubt = doubt || call.Outcome == history.Unknown
		call.Tries = append(call.Tries, history.Try{Begin: begin, End: c.load.Recorder.Now(), Status: reply.Status, Body: detail(reply, err)})
		if call.Key == "" || time.Now().After(deadline) {
			if doubt {
				call.Outcome = history.Unknown
			}
			break
		}
		if !call.Forced { // a query refuses what was passed on already
			targets = c.load.Clients()
		}
		time.Sleep(time.Duration(20+c.rand.IntN(80)) * time.Millisecond) // a client's back-off
	}
	call.End = c.load.Recorder.Now()
	c.load.Recorder.Add(*call)
	c.load.took(call)
	if call.Key != "" && call.Outcome == history.OK && !call.Repeat && (len(c.done) < 200 || c.rand.IntN(20) == 0) {
		c.done = append(c.done, request{call: history.Call{Kind: call.Kind, App: call.App, Chat: asked(call, call.Chat), Number: asked(call, call.Number),
			Text: call.Text, Key: call.Key}, method: r.method, path: r.path, body: r.body})
	}
	return *call
}

// again reports whether a client tries again after an answer; 0 is none.
func again(status int) bool {
	return status == 0 || status == http.StatusServiceUnavailable || status == http.StatusRequestTimeout
}

// asked leaves out a number that the reply had given.
func asked(c *history.Call, n int64) int64 {
	if c.Kind == history.CreateMessage && n == c.Number || c.Kind == history.CreateChat {
		return 0
	}
	return n
}

// Clients is every way in.
func (l *Load) Clients() []*client.Client {
	return append(append([]*client.Client{}, l.Writers...), l.Readers...)
}

func (c *one) once(ctx context.Context, to *client.Client, r request) (client.Reply, error) {
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	var headers client.Headers
	if r.call.Key != "" {
		headers = append(headers, "Idempotency-Key", r.call.Key)
	}
	if r.call.Forced {
		headers = append(headers, guard...)
	}
	return to.Do(ctx, r.method, r.path, r.body, headers)
}

func detail(reply client.Reply, err error) string {
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(reply.Body)
}

// judge says how one request ended, by what the contract promises.
func (c *one) judge(call *history.Call, reply client.Reply, err error) {
	call.Detail = ""
	var op *net.OpError
	switch {
	case err != nil && errors.As(err, &op) && op.Op == "dial":
		call.Outcome = history.Fail
	case err != nil:
		call.Outcome = history.Unknown
	case reply.Status == http.StatusOK:
		call.Outcome, call.Token = history.OK, reply.Token()
		c.take(call, reply.Body)
	case reply.Status == http.StatusNotFound:
		call.Outcome = history.NotFound
	case reply.Status == http.StatusServiceUnavailable && strings.Contains(reply.Body, "outcome is unknown"):
		call.Outcome = history.Unknown
	case reply.Status == http.StatusRequestTimeout: // of a server that slept while the request arrived
		call.Outcome = history.Fail
	default:
		call.Outcome, call.Detail = history.Fail, fmt.Sprintf("%d %s", reply.Status, strings.TrimSpace(reply.Body))
	}
	if reply.Status == http.StatusServiceUnavailable && reply.Header.Get("Retry-After") == "" {
		call.Detail = "503 without Retry-After"
	}
}

// take reads what a reply says.
func (c *one) take(call *history.Call, body string) {
	var out struct {
		Application   string
		Chat          int64
		MessageID     json.RawMessage
		Message       string
		MessagesCount int64
	}
	var err error
	switch call.Kind {
	case history.Search:
		var found []struct {
			AppID             string
			ChatID, MessageID int64
			Message           string
		}
		err = json.Unmarshal([]byte(body), &found)
		for _, f := range found {
			call.Hits = append(call.Hits, history.Hit{App: f.AppID, Chat: f.ChatID, Number: f.MessageID, Text: f.Message})
		}
	case history.Update, history.Delete:
		if strings.TrimSpace(body) != `{"status":"success"}` {
			err = errors.New("another reply")
		}
	default:
		err = json.Unmarshal([]byte(body), &out)
		if call.Kind != history.CreateApplication && out.Application != call.App || call.Chat != 0 && out.Chat != call.Chat {
			err = errors.Join(err, errors.New("another application or chat"))
		}
		call.App, call.Chat, call.Got, call.Count = out.Application, out.Chat, out.Message, out.MessagesCount
		if call.Kind == history.CreateMessage {
			err = errors.Join(err, json.Unmarshal(out.MessageID, &call.Number))
		}
	}
	if err != nil {
		call.Outcome, call.Detail = history.Fail, fmt.Sprintf("200 with a wrong reply (%v): %.200s", err, body)
	}
}

// look asks a query once.
func (c *one) look(ctx context.Context, call history.Call, path string) {
	ctx, cancel := context.WithTimeout(ctx, tryTime)
	defer cancel()
	call.Client, call.Begin = c.number, c.load.Recorder.Now()
	var headers client.Headers
	if call.After != "" {
		headers = client.Headers{"Consistency-Token", call.After}
	}
	reply, err := c.load.Readers[c.rand.IntN(len(c.load.Readers))].Do(ctx, "GET", path, "", headers)
	c.judge(&call, reply, err)
	call.Token, call.End = "", c.load.Recorder.Now()
	if call.Outcome == history.Fail || call.Outcome == history.Unknown {
		call.Tries = []history.Try{{Begin: call.Begin, End: call.End, Status: reply.Status, Body: detail(reply, err)}}
	}
	c.load.Recorder.Add(call)
}

func (c *one) get(ctx context.Context, p place, token string) {
	c.look(ctx, history.Call{Kind: history.GetMessage, App: p.app, Chat: p.chat, Number: p.number, After: token},
		fmt.Sprintf("/application/%s/chat/%d/message/%d", p.app, p.chat, p.number))
}

func (c *one) count(ctx context.Context, p place, token string) {
	c.look(ctx, history.Call{Kind: history.GetChat, App: p.app, Chat: p.chat, After: token}, fmt.Sprintf("/application/%s/chat/%d", p.app, p.chat))
}

func (c *one) search(ctx context.Context, p place, token string) {
	c.look(ctx, history.Call{Kind: history.Search, App: p.app, Chat: p.chat, Number: p.number, Text: p.word, After: token},
		fmt.Sprintf("/application/%s/chat/%d/search/%s", p.app, p.chat, url.PathEscape(p.word)))
}

// Package client speaks chatlog's HTTP contract as a user's program does. It
// shares no code with the services, so that both can be wrong only once.
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Client calls one base address.
type Client struct {
	Base string // as http://127.0.0.1:3001
	HTTP *http.Client
}

// New makes a client that keeps up to conns connections open.
func New(base string, conns int) *Client {
	return &Client{Base: base, HTTP: &http.Client{Timeout: 30 * time.Second,
		Transport: &http.Transport{MaxIdleConns: conns, MaxIdleConnsPerHost: conns, IdleConnTimeout: 30 * time.Second}}}
}

// Close ends idle connections.
func (c *Client) Close() { c.HTTP.CloseIdleConnections() }

// Reply is a whole answer.
type Reply struct {
	Status int
	Header http.Header
	Body   string
}

// Token is the position of a write.
func (r Reply) Token() string { return r.Header.Get("Consistency-Token") }

// StatusError is an answer other than 200.
type StatusError struct {
	Call string
	Reply
}

func (e *StatusError) Error() string {
	return fmt.Sprintf("%s: %d %s", e.Call, e.Status, strings.TrimSpace(e.Body))
}

// Headers are pairs of names and values.
type Headers []string

// Do sends one request and reads its answer; an error means that no whole
// answer came, and that the outcome of a write is unknown.
func (c *Client) Do(ctx context.Context, method, path, body string, headers Headers) (Reply, error) {
	r, err := http.NewRequestWithContext(ctx, method, c.Base+path, bytes.NewReader([]byte(body)))
	if err != nil {
		return Reply{}, err
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	response, err := c.HTTP.Do(r)
	if err != nil {
		return Reply{}, err
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		return Reply{}, err
	}
	return Reply{response.StatusCode, response.Header, string(content)}, nil
}

// call sends a request that must succeed and decodes its answer.
func (c *Client) call(ctx context.Context, method, path string, in, out any, headers Headers) (Reply, error) {
	body := ""
	if in != nil {
		var buffer bytes.Buffer
		encoder := json.NewEncoder(&buffer)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(in); err != nil {
			return Reply{}, err
		}
		body = buffer.String()
	}
	reply, err := c.Do(ctx, method, path, body, headers)
	if err != nil {
		return reply, err
	}
	if reply.Status != http.StatusOK {
		return reply, &StatusError{method + " " + path, reply}
	}
	if out == nil {
		return reply, nil
	}
	return reply, json.Unmarshal([]byte(reply.Body), out)
}

// CreateApplication makes an application and gives its token.
func (c *Client) CreateApplication(ctx context.Context, username string, h Headers) (string, error) {
	var out struct{ Application string }
	_, err := c.call(ctx, "POST", "/application", map[string]string{"username": username}, &out, h)
	return out.Application, err
}

// CreateChat makes a chat and gives its number.
func (c *Client) CreateChat(ctx context.Context, token string, h Headers) (int64, error) {
	var out struct{ Chat int64 }
	_, err := c.call(ctx, "POST", "/application/"+token+"/chat", nil, &out, h)
	return out.Chat, err
}

// CreateMessage makes a message and gives its number and position.
func (c *Client) CreateMessage(ctx context.Context, token string, chat int64, text string, h Headers) (int64, string, error) {
	var out struct{ MessageID int64 }
	reply, err := c.call(ctx, "POST", chatPath(token, chat)+"/message", map[string]string{"message": text}, &out, h)
	return out.MessageID, reply.Token(), err
}

// Application reads an application's name and number of chats.
func (c *Client) Application(ctx context.Context, token string, h Headers) (username string, chats int64, err error) {
	var out struct{ Username, ChatsCount string }
	if _, err = c.call(ctx, "GET", "/application/"+token, nil, &out, h); err != nil {
		return "", 0, err
	}
	chats, err = strconv.ParseInt(out.ChatsCount, 10, 64)
	return out.Username, chats, err
}

// Chat reads a chat's number of messages.
func (c *Client) Chat(ctx context.Context, token string, chat int64, h Headers) (int64, error) {
	var out struct{ MessagesCount int64 }
	_, err := c.call(ctx, "GET", chatPath(token, chat), nil, &out, h)
	return out.MessagesCount, err
}

// Message reads a message's text.
func (c *Client) Message(ctx context.Context, token string, chat, number int64, h Headers) (string, error) {
	var out struct{ Message string }
	_, err := c.call(ctx, "GET", messagePath(token, chat, number), nil, &out, h)
	return out.Message, err
}

// Update changes a message's text and gives the position of the change.
func (c *Client) Update(ctx context.Context, token string, chat, number int64, text string, h Headers) (string, error) {
	reply, err := c.call(ctx, "PUT", messagePath(token, chat, number), map[string]string{"message": text}, nil, h)
	return reply.Token(), err
}

// Delete deletes a message and gives the position of the change.
func (c *Client) Delete(ctx context.Context, token string, chat, number int64, h Headers) (string, error) {
	reply, err := c.call(ctx, "DELETE", messagePath(token, chat, number), nil, nil, h)
	return reply.Token(), err
}

func chatPath(token string, chat int64) string {
	return "/application/" + token + "/chat/" + strconv.FormatInt(chat, 10)
}

func messagePath(token string, chat, number int64) string {
	return chatPath(token, chat) + "/message/" + strconv.FormatInt(number, 10)
}

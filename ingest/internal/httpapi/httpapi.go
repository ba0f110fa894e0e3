// Package httpapi is the HTTP contract of the writes: it turns requests into
// commands to be numbered, and their numbers into replies.
package httpapi

import (
	"context"
	"errors"
	"net/http"
	"strconv"

	"chatlog/ingest/internal/partition"
	"chatlog/shared/command"
	"chatlog/shared/fault"
	"chatlog/shared/httpserve"
	"chatlog/shared/position"
	"chatlog/shared/relay"
)

// Submitter brings a request to whoever numbers it.
type Submitter interface {
	Submit(ctx context.Context, r partition.Request) (partition.Reply, position.Token, error)
}

// HeaderToken carries the position of a write.
const HeaderToken = "Consistency-Token"

// Forwarder brings a write to the instance that holds its partition. Neither a
// reply nor an error says that the write is this instance's; tried, that the
// holder may have written it all the same.
type Forwarder interface {
	Do(w http.ResponseWriter, r *http.Request, partition int32, body []byte, repeatable bool) (reply *httpserve.Raw, tried bool, err error)
}

// API answers the writes.
type API struct {
	submit      Submitter
	forward     Forwarder
	tokens      *Tokens
	partitionOf func(token string) int32
	instance    string
}

// New makes the API of an instance, which others know by its id.
func New(s Submitter, f Forwarder, t *Tokens, partitionOf func(token string) int32, instance string) *API {
	return &API{submit: s, forward: f, tokens: t, partitionOf: partitionOf, instance: instance}
}

// Routes adds the routes of the writes, in both spellings.
func (a *API) Routes(r *httpserve.Router) {
	r.Handle(http.MethodPost, "/application", a.answer(a.createApplication))
	for _, chat := range []string{"/chat", "/chats"} {
		r.Handle(http.MethodPost, "/application/:token"+chat, a.answer(createChat))
		r.Handle(http.MethodPost, "/application/:token"+chat+"/:chat/message", a.answer(createMessage))
		r.Handle(http.MethodPut, "/application/:token"+chat+"/:chat/message/:message", a.answer(updateMessage))
		r.Handle(http.MethodDelete, "/application/:token"+chat+"/:chat/message/:message", a.answer(deleteMessage))
	}
}

var (
	errNoUsername  = fault.New(fault.Invalid, "Username is required")
	errUsername    = fault.New(fault.Invalid, "Username is longer than 255 characters")
	errNoMessage   = fault.New(fault.Invalid, "Message is required")
	errMessageSize = fault.New(fault.TooLarge, "Message is larger than 64 KiB")
	errApplication = fault.New(fault.NotFound, "Application not found")
	errChat        = fault.New(fault.NotFound, "Chat not found")
	errMessage     = fault.New(fault.NotFound, "Message not found")
	errAnother     = fault.New(fault.Transient, "Another instance was meant, nothing was written")
)

// write is what a request asks for.
type write struct {
	request partition.Request
	path    string // canonical: the same for both spellings
	body    []byte
	older   []string                                      // tokens that the application may have from before a rotation
	reply   func(token string, reply partition.Reply) any // what is answered
}

// answer makes a handler of what reads a request: it gives the write its id,
// brings it to where its partition is, and tells its position.
func (a *API) answer(read func(r *http.Request, p httpserve.Params) (write, error)) httpserve.Handler {
	return func(w http.ResponseWriter, r *http.Request, p httpserve.Params) (any, error) {
		if meant := r.Header.Get(relay.Instance); meant != "" {
			w.Header().Set(relay.Instance, a.instance)
			if meant != a.instance {
				w.Header().Set(relay.Unwritten, "1")
				return nil, errAnother
			}
		}
		asked, err := read(r, p)
		if err != nil {
			return nil, err
		}
		for _, older := range asked.older {
			found := asked
			found.request.Application, found.request.Find = older, true
			if reply, err := a.append(w, r, found); !fault.Is(err, fault.NotFound) {
				return reply, err
			}
		}
		if len(asked.older) > 0 {
			// Another instance may have its secrets in another order, and would
			// make the application under another token: append it here.
			return a.append(w, r, asked)
		}
		forwarded, tried, err := a.forward.Do(w, r, a.partitionOf(asked.request.Application), asked.body, r.Header.Get(HeaderKey) != "")
		if err != nil {
			return nil, err
		}
		if forwarded != nil {
			return *forwarded, nil
		}
		reply, err := a.append(w, r, asked)
		// What is not there yet may be there when the holder comes to it.
		if tried && (fault.Is(err, fault.Transient) || fault.Is(err, fault.NotFound)) {
			w.Header().Del(relay.Unwritten)
			err = fault.Wrap(fault.Transient, errUnknown, err)
		}
		return reply, err
	}
}

const errUnknown = "The outcome is unknown: repeat the request with the same Idempotency-Key to learn it"

// append submits a write to this instance's own owner of the partition.
func (a *API) append(w http.ResponseWriter, r *http.Request, asked write) (any, error) {
	if err := identify(&asked.request, r, asked.path, asked.body); err != nil {
		return nil, err
	}
	reply, token, err := a.submit.Submit(r.Context(), asked.request)
	if errors.Is(err, partition.ErrClosing) {
		w.Header().Set(relay.Unwritten, "1")
	}
	if err != nil {
		return nil, err
	}
	w.Header().Set(HeaderToken, token.String())
	return asked.reply(asked.request.Application, reply), nil
}

type applicationReply struct {
	Application string
	Username    string
}

func (a *API) createApplication(r *http.Request, _ httpserve.Params) (write, error) {
	body, err := httpserve.ReadBody(r)
	if err != nil {
		return write{}, err
	}
	name, present, err := body.String("username")
	switch {
	case err != nil:
		return write{}, err
	case !present || name == "":
		return write{}, errNoUsername
	case !command.ValidUsername(name):
		return write{}, errUsername
	}
	tokens, err := a.tokens.For(r.Header.Get(HeaderKey))
	if err != nil {
		return write{}, err
	}
	return write{request: partition.Request{Op: command.ApplicationCreate, Application: tokens[0], Username: name}, older: tokens[1:],
		path: "/application", body: body.Raw, reply: func(token string, _ partition.Reply) any { return applicationReply{token, name} }}, nil
}

type chatReply struct {
	Application string
	Chat        int64
}

func createChat(_ *http.Request, p httpserve.Params) (write, error) {
	token := p.Get("token")
	if !command.ValidToken(token) {
		return write{}, errApplication
	}
	return write{request: partition.Request{Op: command.ChatCreate, Application: token}, path: "/application/" + token + "/chat",
		reply: func(token string, reply partition.Reply) any { return chatReply{token, reply.Chat} }}, nil
}

type messageReply struct {
	Application string
	Chat        int64
	MessageID   int64
	Message     string
}

func createMessage(r *http.Request, p httpserve.Params) (write, error) {
	body, text, err := readMessage(r)
	if err != nil {
		return write{}, err
	}
	token, chat := p.Get("token"), p.Number("chat")
	if !command.ValidToken(token) || chat == 0 {
		return write{}, errChat
	}
	return write{request: partition.Request{Op: command.MessageCreate, Application: token, Chat: chat, Message: text},
		path: chatPath(token, chat) + "/message", body: body,
		reply: func(token string, reply partition.Reply) any { return messageReply{token, chat, reply.Number, text} }}, nil
}

func updateMessage(r *http.Request, p httpserve.Params) (write, error) {
	body, text, err := readMessage(r)
	if err != nil {
		return write{}, err
	}
	return change(p, partition.Request{Op: command.MessageUpdate, Message: text}, body)
}

func deleteMessage(_ *http.Request, p httpserve.Params) (write, error) {
	return change(p, partition.Request{Op: command.MessageDelete}, nil)
}

type success struct {
	Status string `json:"status"`
}

func change(p httpserve.Params, request partition.Request, body []byte) (write, error) {
	token, chat, message := p.Get("token"), p.Number("chat"), p.Number("message")
	if !command.ValidToken(token) || chat == 0 || message == 0 {
		return write{}, errMessage
	}
	request.Application, request.Chat, request.Number = token, chat, message
	return write{request: request, path: chatPath(token, chat) + "/message/" + strconv.FormatInt(message, 10), body: body,
		reply: func(string, partition.Reply) any { return success{"success"} }}, nil
}

func readMessage(r *http.Request) (raw []byte, text string, err error) {
	body, err := httpserve.ReadBody(r)
	if err != nil {
		return nil, "", err
	}
	text, present, err := body.String("message")
	switch {
	case err != nil:
		return nil, "", err
	case !present || text == "":
		return nil, "", errNoMessage
	case len(text) > command.MaxMessageBytes:
		return nil, "", errMessageSize
	}
	return body.Raw, text, nil
}

func chatPath(token string, chat int64) string {
	return "/application/" + token + "/chat/" + strconv.FormatInt(chat, 10)
}

// Package httpapi is the HTTP contract of the writes: it turns requests into
// commands to be numbered, and their numbers into replies.
package httpapi

import (
	"context"
	"net/http"
	"strconv"

	"chatlog/ingest/internal/partition"
	"chatlog/shared/command"
	"chatlog/shared/fault"
	"chatlog/shared/httpserve"
	"chatlog/shared/position"
)

// Submitter brings a request to whoever numbers it.
type Submitter interface {
	Submit(ctx context.Context, r partition.Request) (partition.Reply, position.Token, error)
}

// HeaderToken carries the position of a write.
const HeaderToken = "Consistency-Token"

// API answers the writes.
type API struct {
	submit Submitter
	tokens *Tokens
}

// New makes the API.
func New(s Submitter, t *Tokens) *API { return &API{submit: s, tokens: t} }

// Routes adds the routes of the writes, in both spellings.
func (a *API) Routes(r *httpserve.Router) {
	r.Handle(http.MethodPost, "/application", a.createApplication)
	for _, chat := range []string{"/chat", "/chats"} {
		r.Handle(http.MethodPost, "/application/:token"+chat, a.createChat)
		r.Handle(http.MethodPost, "/application/:token"+chat+"/:chat/message", a.createMessage)
		r.Handle(http.MethodPut, "/application/:token"+chat+"/:chat/message/:message", a.updateMessage)
		r.Handle(http.MethodDelete, "/application/:token"+chat+"/:chat/message/:message", a.deleteMessage)
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
)

type applicationReply struct {
	Application string
	Username    string
}

func (a *API) createApplication(w http.ResponseWriter, r *http.Request, _ httpserve.Params) (any, error) {
	body, err := httpserve.ReadBody(r)
	if err != nil {
		return nil, err
	}
	name, present, err := body.String("username")
	switch {
	case err != nil:
		return nil, err
	case !present || name == "":
		return nil, errNoUsername
	case !command.ValidUsername(name):
		return nil, errUsername
	}
	tokens, err := a.tokens.For(r.Header.Get(HeaderKey))
	if err != nil {
		return nil, err
	}
	request := partition.Request{Op: command.ApplicationCreate, Username: name}
	for _, old := range tokens[1:] { // made before a rotation?
		request.Application, request.Find = old, true
		if _, err := a.send(w, r, request, "/application", body.Raw); err == nil {
			return applicationReply{old, name}, nil
		} else if !fault.Is(err, fault.NotFound) {
			return nil, err
		}
	}
	request.Application, request.Find = tokens[0], false
	if _, err := a.send(w, r, request, "/application", body.Raw); err != nil {
		return nil, err
	}
	return applicationReply{tokens[0], name}, nil
}

type chatReply struct {
	Application string
	Chat        int64
}

func (a *API) createChat(w http.ResponseWriter, r *http.Request, p httpserve.Params) (any, error) {
	token := p.Get("token")
	if !command.ValidToken(token) {
		return nil, errApplication
	}
	reply, err := a.send(w, r, partition.Request{Op: command.ChatCreate, Application: token}, "/application/"+token+"/chat", nil)
	if err != nil {
		return nil, err
	}
	return chatReply{token, reply.Chat}, nil
}

type messageReply struct {
	Application string
	Chat        int64
	MessageID   int64
	Message     string
}

func (a *API) createMessage(w http.ResponseWriter, r *http.Request, p httpserve.Params) (any, error) {
	body, text, err := readMessage(r)
	if err != nil {
		return nil, err
	}
	token, chat := p.Get("token"), p.Number("chat")
	if !command.ValidToken(token) || chat == 0 {
		return nil, errChat
	}
	request := partition.Request{Op: command.MessageCreate, Application: token, Chat: chat, Message: text}
	reply, err := a.send(w, r, request, chatPath(token, chat)+"/message", body)
	if err != nil {
		return nil, err
	}
	return messageReply{token, chat, reply.Number, text}, nil
}

type success struct {
	Status string `json:"status"`
}

func (a *API) updateMessage(w http.ResponseWriter, r *http.Request, p httpserve.Params) (any, error) {
	body, text, err := readMessage(r)
	if err != nil {
		return nil, err
	}
	return a.change(w, r, p, partition.Request{Op: command.MessageUpdate, Message: text}, body)
}

func (a *API) deleteMessage(w http.ResponseWriter, r *http.Request, p httpserve.Params) (any, error) {
	return a.change(w, r, p, partition.Request{Op: command.MessageDelete}, nil)
}

func (a *API) change(w http.ResponseWriter, r *http.Request, p httpserve.Params, request partition.Request, body []byte) (any, error) {
	token, chat, message := p.Get("token"), p.Number("chat"), p.Number("message")
	if !command.ValidToken(token) || chat == 0 || message == 0 {
		return nil, errMessage
	}
	request.Application, request.Chat, request.Number = token, chat, message
	path := chatPath(token, chat) + "/message/" + strconv.FormatInt(message, 10)
	if _, err := a.send(w, r, request, path, body); err != nil {
		return nil, err
	}
	return success{"success"}, nil
}

// send gives a request its id, submits it, and tells the position of the write.
func (a *API) send(w http.ResponseWriter, r *http.Request, request partition.Request, path string, body []byte) (partition.Reply, error) {
	if err := identify(&request, r, path, body); err != nil {
		return partition.Reply{}, err
	}
	reply, token, err := a.submit.Submit(r.Context(), request)
	if err != nil {
		return partition.Reply{}, err
	}
	w.Header().Set(HeaderToken, token.String())
	return reply, nil
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

// Package httpapi is the HTTP contract of the reads.
package httpapi

import (
	"net/http"
	"strconv"

	"chatlog/query/internal/read"
	"chatlog/shared/fault"
	"chatlog/shared/httpserve"
	"chatlog/shared/position"
	"chatlog/shared/view"
)

// HeaderToken carries the position of the write that a reader must see.
const HeaderToken = "Consistency-Token"

// API answers the reads.
type API struct {
	reader   *read.Reader
	searcher *read.Searcher
}

// New makes the API.
func New(r *read.Reader, s *read.Searcher) *API { return &API{reader: r, searcher: s} }

// Routes adds the routes of the reads, in both spellings.
func (a *API) Routes(r *httpserve.Router) {
	r.Handle(http.MethodGet, "/application/:token", a.application)
	r.Handle(http.MethodGet, "/application/:token/chats", a.chats)
	r.Handle(http.MethodGet, "/application/:token/search", a.searchApplication)
	r.Handle(http.MethodGet, "/application/:token/search/:query", a.searchApplication)
	for _, chat := range []string{"/chat", "/chats"} {
		base := "/application/:token" + chat + "/:chat"
		r.Handle(http.MethodGet, base, a.chat)
		r.Handle(http.MethodGet, base+"/messages", a.messages)
		r.Handle(http.MethodGet, base+"/message/:message", a.message)
		r.Handle(http.MethodGet, base+"/search", a.searchChat)
		r.Handle(http.MethodGet, base+"/search/:query", a.searchChat)
	}
}

// Writes adds routes that pass the writes on.
func Writes(r *httpserve.Router, forward http.Handler) {
	r.Mount(http.MethodPost, "/application", forward)
	for _, chat := range []string{"/chat", "/chats"} {
		r.Mount(http.MethodPost, "/application/:token"+chat, forward)
		r.Mount(http.MethodPost, "/application/:token"+chat+"/:chat/message", forward)
		r.Mount(http.MethodPut, "/application/:token"+chat+"/:chat/message/:message", forward)
		r.Mount(http.MethodDelete, "/application/:token"+chat+"/:chat/message/:message", forward)
	}
}

type applicationReply struct {
	Application string
	Username    string
	ChatsCount  string
}

func (a *API) application(_ http.ResponseWriter, r *http.Request, p httpserve.Params) (any, error) {
	after, err := token(r)
	if err != nil {
		return nil, err
	}
	row, err := a.reader.Application(r.Context(), p.Get("token"), after)
	if err != nil {
		return nil, err
	}
	return applicationReply{row.Token, row.Username, strconv.FormatInt(row.Chats, 10)}, nil
}

type chatReply struct {
	Application   string
	Chat          int64
	MessagesCount int64
}

func (a *API) chat(_ http.ResponseWriter, r *http.Request, p httpserve.Params) (any, error) {
	after, err := token(r)
	if err != nil {
		return nil, err
	}
	row, err := a.reader.Chat(r.Context(), view.ChatKey{Application: p.Get("token"), Number: p.Number("chat")}, after)
	if err != nil {
		return nil, err
	}
	return chatReply{row.Application, row.Number, row.Messages}, nil
}

type messageReply struct {
	Application string
	Chat        int64
	MessageID   string
	Message     string
	times
}

func (a *API) message(_ http.ResponseWriter, r *http.Request, p httpserve.Params) (any, error) {
	after, err := token(r)
	if err != nil {
		return nil, err
	}
	detail, err := detailed(r)
	if err != nil {
		return nil, err
	}
	key := view.MessageKey{Application: p.Get("token"), Chat: p.Number("chat"), Number: p.Number("message")}
	row, err := a.reader.Message(r.Context(), key, after)
	if err != nil {
		return nil, err
	}
	return messageReply{row.Application, row.Chat, strconv.FormatInt(row.Number, 10), row.Text, timesOf(detail, row.Created, row.Edited)}, nil
}

var errToken = fault.New(fault.Invalid, "Consistency-Token is malformed")

// token reads the position that the reader must see; nil if it names none.
func token(r *http.Request) (*position.Token, error) {
	values := r.Header.Values(HeaderToken)
	if len(values) == 0 {
		return nil, nil
	}
	t, err := position.ParseToken(values[0])
	if err != nil || len(values) > 1 {
		return nil, errToken
	}
	return &t, nil
}

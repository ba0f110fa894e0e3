package client

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// Listed is a message as lists and searches give it.
type Listed struct {
	Application string `json:"appID"`
	Chat        int64  `json:"chatID"`
	Number      int64  `json:"messageID"`
	Text        string `json:"message"`
}

// Messages reads all of a chat's messages, page by page.
func (c *Client) Messages(ctx context.Context, token string, chat int64, h Headers) ([]Listed, error) {
	return pages[Listed](ctx, c, chatPath(token, chat)+"/messages?limit=1000", h)
}

// ListedChat is a chat as the list of chats gives it.
type ListedChat struct {
	Application string `json:"appID"`
	Number      int64  `json:"chatID"`
	Messages    int64  `json:"messagesCount"`
}

// Chats reads all of an application's chats, page by page.
func (c *Client) Chats(ctx context.Context, token string, h Headers) ([]ListedChat, error) {
	return pages[ListedChat](ctx, c, "/application/"+token+"/chats?limit=1000", h)
}

// pages follows Link: rel="next" to the end of a list.
func pages[T any](ctx context.Context, c *Client, path string, h Headers) ([]T, error) {
	var all []T
	for {
		var page []T
		reply, err := c.call(ctx, "GET", path, nil, &page, h)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
		if path, err = reply.Next(); err != nil || path == "" {
			return all, err
		}
	}
}

// Next is the path of the next page of a list (RFC 8288); empty after the last.
func (r Reply) Next() (path string, err error) {
	link := r.Header.Get("Link")
	if link == "" {
		return "", nil
	}
	path, found := strings.CutSuffix(strings.TrimPrefix(link, "<"), `>; rel="next"`)
	if !found {
		return "", fmt.Errorf("a Link that is none: %s", link)
	}
	return path, nil
}

// Search finds messages of a chat, or of the whole application (chat 0).
func (c *Client) Search(ctx context.Context, token string, chat int64, query string, limit int, h Headers) ([]Listed, error) {
	path := "/application/" + token
	if chat != 0 {
		path = chatPath(token, chat)
	}
	var found []Listed
	_, err := c.call(ctx, "GET", path+"/search?limit="+strconv.Itoa(limit)+"&q="+url.QueryEscape(query), nil, &found, h)
	return found, err
}

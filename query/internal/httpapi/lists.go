package httpapi

import (
	"encoding/base64"
	"fmt"
	"hash/crc32"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"chatlog/shared/fault"
	"chatlog/shared/httpserve"
	"chatlog/shared/jsontext"
	"chatlog/shared/sqlview"
	"chatlog/shared/view"
)

// Bounds of a page.
const (
	defaultLimit = 100
	maxLimit     = 1000
)

var (
	errLimit  = fault.New(fault.Invalid, "limit must be a number from 1 to 1000")
	errOrder  = fault.New(fault.Invalid, "order must be asc or desc")
	errCursor = fault.New(fault.Invalid, "cursor is not one of this list")
)

// listedMessage is a message as the seed lists it; id is its number.
type listedMessage struct {
	ID          int64  `json:"id"`
	Application string `json:"appID"`
	Chat        int64  `json:"chatID"`
	Number      int64  `json:"messageID"`
	Text        string `json:"message"`
	times
}

// listedMessages are a reply that can be long: without reflection it takes query
// half of the time.
type listedMessages []listedMessage

// AppendJSON writes what encoding/json makes of the list.
func (list listedMessages) AppendJSON(dst []byte) []byte {
	dst = append(dst, '[')
	for i := range list {
		m := &list[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendInt(append(dst, `{"id":`...), m.ID, 10)
		dst = jsontext.AppendString(append(dst, `,"appID":`...), m.Application)
		dst = strconv.AppendInt(append(dst, `,"chatID":`...), m.Chat, 10)
		dst = strconv.AppendInt(append(dst, `,"messageID":`...), m.Number, 10)
		dst = jsontext.AppendString(append(dst, `,"message":`...), m.Text)
		if m.Created != "" {
			dst = jsontext.AppendString(append(dst, `,"created":`...), m.Created)
		}
		if m.Edited != "" {
			dst = jsontext.AppendString(append(dst, `,"edited":`...), m.Edited)
		}
		dst = append(dst, '}')
	}
	return append(dst, ']')
}

func (a *API) messages(w http.ResponseWriter, r *http.Request, p httpserve.Params) (any, error) {
	after, err := token(r)
	if err != nil {
		return nil, err
	}
	page, err := pageOf(r, "m")
	if err != nil {
		return nil, err
	}
	detail, err := detailed(r)
	if err != nil {
		return nil, err
	}
	key := view.ChatKey{Application: p.Get("token"), Number: p.Number("chat")}
	page.Limit++ // one more tells whether there is a next page
	rows, err := a.reader.Messages(r.Context(), key, page, after)
	if err != nil {
		return nil, err
	}
	if page.Limit--; len(rows) > page.Limit {
		rows = rows[:page.Limit]
		linkNext(w, r, "m", page, rows[len(rows)-1].Number)
	}
	list := make(listedMessages, 0, len(rows))
	for _, m := range rows {
		list = append(list, listedMessage{m.Number, m.Application, m.Chat, m.Number, m.Text, timesOf(detail, m.Created, m.Edited)})
	}
	return list, nil
}

// listedChat is a chat in a list.
type listedChat struct {
	Application string `json:"appID"`
	Number      int64  `json:"chatID"`
	Messages    int64  `json:"messagesCount"`
}

func (a *API) chats(w http.ResponseWriter, r *http.Request, p httpserve.Params) (any, error) {
	after, err := token(r)
	if err != nil {
		return nil, err
	}
	page, err := pageOf(r, "c")
	if err != nil {
		return nil, err
	}
	page.Limit++
	rows, err := a.reader.Chats(r.Context(), p.Get("token"), page, after)
	if err != nil {
		return nil, err
	}
	if page.Limit--; len(rows) > page.Limit {
		rows = rows[:page.Limit]
		linkNext(w, r, "c", page, rows[len(rows)-1].Number)
	}
	list := make([]listedChat, 0, len(rows))
	for _, c := range rows {
		list = append(list, listedChat{c.Application, c.Number, c.Messages})
	}
	return list, nil
}

// pageOf reads limit, order and cursor. kind tells the lists apart.
func pageOf(r *http.Request, kind string) (sqlview.Page, error) {
	query, err := parameters(r)
	if err != nil {
		return sqlview.Page{}, err
	}
	limit, err := limitOf(query)
	if err != nil {
		return sqlview.Page{}, err
	}
	page := sqlview.Page{Limit: limit}
	switch query.Get("order") {
	case "", "asc":
	case "desc":
		page.Descending = true
	default:
		return page, errOrder
	}
	if cursor := query.Get("cursor"); cursor != "" {
		page.After, err = parseCursor(cursor, kind, page.Descending)
	}
	return page, err
}

// parameters reads what follows the question mark. A broken escape is told
// rather than left out: the client would get another list than it asked for.
func parameters(r *http.Request) (url.Values, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, fault.Wrap(fault.Invalid, "Malformed query", err)
	}
	return query, nil
}

func limitOf(query url.Values) (int, error) {
	text := query.Get("limit")
	if text == "" {
		return defaultLimit, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > maxLimit {
		return 0, errLimit
	}
	return n, nil
}

// cursor is where the next page begins: after a number, in one order of one
// kind of list. Numbers stay, so no insert or delete between pages makes an
// item come twice or be missed. The checksum catches what was cut or typed.
func cursorText(kind string, descending bool, after int64) string {
	text := fmt.Sprintf("%s.%v.%d", kind, descending, after)
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%s.%08x", text, crc32.ChecksumIEEE([]byte(text))))
}

func parseCursor(cursor, kind string, descending bool) (int64, error) {
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(cursor) > 100 {
		return 0, errCursor
	}
	parts := strings.Split(string(raw), ".")
	if len(parts) != 4 {
		return 0, errCursor
	}
	after := httpserve.Number(parts[2])
	if after == 0 || cursorText(kind, descending, after) != cursor {
		return 0, errCursor
	}
	return after, nil
}

// linkNext tells where the next page is (RFC 8288).
func linkNext(w http.ResponseWriter, r *http.Request, kind string, page sqlview.Page, last int64) {
	query := url.Values{"limit": {strconv.Itoa(page.Limit)}, "cursor": {cursorText(kind, page.Descending, last)}}
	if page.Descending {
		query.Set("order", "desc")
	}
	if detail, _ := detailed(r); detail && kind == "m" {
		query.Set("detail", "true")
	}
	w.Header().Set("Link", "<"+r.URL.Path+"?"+query.Encode()+`>; rel="next"`)
}

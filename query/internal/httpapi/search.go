package httpapi

import (
	"encoding/base64"
	"fmt"
	"hash/crc32"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"chatlog/query/internal/read"
	"chatlog/shared/analysis"
	"chatlog/shared/command"
	"chatlog/shared/fault"
	"chatlog/shared/httpserve"
	"chatlog/shared/searchview"
)

var (
	errQuery     = fault.New(fault.Invalid, "q must be given")
	errSort      = fault.New(fault.Invalid, "sort must be relevance or newest")
	errTime      = fault.New(fault.Invalid, "from and to must be times as in RFC 3339")
	errHighlight = fault.New(fault.Invalid, "highlight must be true or false")
	errPlace     = fault.New(fault.Invalid, "cursor is not one of this search")
)

// foundMessage is a message as the seed's search gives it.
type foundMessage struct {
	Application string `json:"appID"`
	Chat        int64  `json:"chatID"`
	Number      int64  `json:"messageID"`
	Text        string `json:"message"`
	times
	Highlight string `json:"highlight,omitempty"`
}

func (a *API) searchApplication(w http.ResponseWriter, r *http.Request, p httpserve.Params) (any, error) {
	if !command.ValidToken(p.Get("token")) {
		return nil, read.ErrApplication
	}
	return a.search(w, r, p, 0)
}

func (a *API) searchChat(w http.ResponseWriter, r *http.Request, p httpserve.Params) (any, error) {
	chat := p.Number("chat")
	if chat == 0 || !command.ValidToken(p.Get("token")) {
		return nil, read.ErrChat
	}
	return a.search(w, r, p, chat)
}

func (a *API) search(w http.ResponseWriter, r *http.Request, p httpserve.Params, chat int64) (any, error) {
	after, err := token(r)
	if err != nil {
		return nil, err
	}
	query, err := parameters(r)
	if err != nil {
		return nil, err
	}
	s, err := searchOf(query, p, chat)
	if err != nil {
		return nil, err
	}
	detail, err := detailed(r)
	if err != nil {
		return nil, err
	}
	s.Limit++ // one more tells whether there is a next page
	hits, err := a.searcher.Search(r.Context(), s, after)
	if err != nil {
		return nil, err
	}
	if s.Limit--; len(hits) > s.Limit {
		hits = hits[:s.Limit]
		linkMore(w, r, query, s, hits[len(hits)-1].Place())
	}
	list := make([]foundMessage, 0, len(hits))
	for _, h := range hits {
		list = append(list, foundMessage{h.Application, h.Chat, h.Number, h.Text, timesOf(detail, h.Created, h.Edited), h.Highlight})
	}
	return list, nil
}

// searchOf reads what is looked for, and from where on.
func searchOf(query url.Values, p httpserve.Params, chat int64) (s read.Search, err error) {
	s = read.Search{Application: p.Get("token"), Chat: chat, Text: p.Get("query")}
	if s.Limit, err = limitOf(query); err != nil {
		return s, err
	}
	if s.Text == "" {
		if s.Text = query.Get("q"); s.Text == "" {
			return s, errQuery
		}
	}
	switch query.Get("sort") {
	case "", "relevance":
	case "newest":
		s.Newest = true
	default:
		return s, errSort
	}
	if s.From, err = timeOf(query.Get("from")); err != nil {
		return s, err
	}
	if s.To, err = timeOf(query.Get("to")); err != nil {
		return s, err
	}
	if s.Highlight, err = flag(query, "highlight", errHighlight); err != nil {
		return s, err
	}
	if cursor := query.Get("cursor"); cursor != "" {
		s.After, err = parsePlace(cursor, s)
	}
	return s, err
}

// timeOf reads a time; zero if there is none. Nothing was created before 1970.
func timeOf(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, errTime
	}
	if first := time.Unix(0, 0); t.Before(first) {
		return first, nil
	}
	return t, nil
}

// placeText is the cursor of the page that begins after a place. Its checksum
// covers what is looked for, so that it fits no other search; limit, highlight
// and detail may change on the way.
func placeText(p searchview.Place, s read.Search) string {
	if s.Newest {
		p.Class = analysis.None
	}
	text := fmt.Sprintf("s.%d.%s.%s.%s", p.Class, strconv.FormatInt(p.Created, 36), strconv.FormatInt(p.Number, 36), strconv.FormatInt(p.Chat, 36))
	sum := crc32.NewIEEE()
	fmt.Fprintf(sum, "%s %s %d %t %d %d %s", text, s.Application, s.Chat, s.Newest, bound(s.From), bound(s.To), s.Text) // never fails
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%s.%08x", text, sum.Sum32()))
}

// bound is a bound of time for a checksum; -1: none.
func bound(t time.Time) int64 {
	if t.IsZero() {
		return -1
	}
	return searchview.Micros(t)
}

// maxCursor bounds a cursor, in characters: three numbers of at most 13 digits
// come to 80.
const maxCursor = 100

func parsePlace(cursor string, s read.Search) (*searchview.Place, error) {
	if len(cursor) > maxCursor {
		return nil, errPlace
	}
	raw, err := base64.RawURLEncoding.DecodeString(cursor)
	parts := strings.Split(string(raw), ".")
	if err != nil || len(parts) != 6 {
		return nil, errPlace
	}
	var numbers [4]int64
	for i := range numbers {
		if numbers[i], err = strconv.ParseInt(parts[i+1], 36, 64); err != nil {
			return nil, errPlace
		}
	}
	p := searchview.Place{Class: analysis.Class(numbers[0]), Created: numbers[1], Number: numbers[2], Chat: numbers[3]}
	if p.Class < analysis.None || p.Class > analysis.Exact || (p.Class == analysis.None) != s.Newest || placeText(p, s) != cursor {
		return nil, errPlace
	}
	return &p, nil
}

// linkMore tells where the next page of a search is. It keeps all that was asked for.
func linkMore(w http.ResponseWriter, r *http.Request, query url.Values, s read.Search, last searchview.Place) {
	next := url.Values{"limit": {strconv.Itoa(s.Limit)}, "cursor": {placeText(last, s)}}
	for _, name := range []string{"q", "sort", "from", "to", "highlight", "detail"} {
		if value := query.Get(name); value != "" {
			next.Set(name, value)
		}
	}
	// The path is as it was sent; what is not escaped in it, and may not stand in a
	// header so, is escaped now.
	pieces := strings.Split(r.URL.Path, "/")
	for i, piece := range pieces {
		if text, err := url.PathUnescape(piece); err == nil {
			pieces[i] = url.PathEscape(text)
		}
	}
	w.Header().Set("Link", "<"+strings.Join(pieces, "/")+"?"+next.Encode()+`>; rel="next"`)
}

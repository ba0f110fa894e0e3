package httpserve

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"

	"chatlog/shared/fault"
)

// FuzzParseBody holds bodies against encoding/json: what is taken is one JSON
// object, and a field is exactly the text that it gives; half surrogates, which it
// would replace, are refused.
func FuzzParseBody(f *testing.F) {
	for _, seed := range []string{`{"message":"a"}`, `{"message":"\ud83d\ude00"}`, `{"message":"\ud800"}`, `{"a":"\\"}`, `{}`, `[`, `"\u`, `{"\uD800\u0041":1}`,
		`{"message":null}`, `{"Message":"a","message":1}`, `{"message":"a","message":"b"}`, ` {"message":"\u0000","x":[{}]} `, "null", `{"message":"\ufffd"}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, err := ParseBody(raw)
		if err != nil {
			if !fault.Is(err, fault.Invalid) {
				t.Fatal(err)
			}
			return
		}
		var general map[string]any
		if json.Unmarshal(raw, &general) != nil || general == nil || !utf8.Valid(raw) || !bytes.Equal(b.Raw, raw) {
			t.Fatalf("%q is taken for an object", raw)
		}
		want, isText := general["message"].(string)
		got, present, err := b.String("message")
		switch {
		case err != nil && (!fault.Is(err, fault.Invalid) || isText || general["message"] == nil):
			t.Fatalf("%q: %v", raw, err)
		case err == nil && (present != isText || got != want):
			t.Fatalf("%q gives %q, must be %q", raw, got, want)
		case strings.Count(got, "\ufffd") > bytes.Count(raw, []byte("\ufffd"))+bytes.Count(bytes.ToLower(raw), []byte(`\ufffd`)):
			t.Fatalf("%q lost a letter: %q", raw, got)
		}
	})
}

// FuzzNumber: a number has one spelling.
func FuzzNumber(f *testing.F) {
	for _, seed := range []string{"1", "0", "01", "+1", "-1", "9223372036854775807", "9223372036854775808", "1_0", "１", "1e3", "", " 1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n := Number(text)
		if n < 0 || n > 0 && strconv.FormatInt(n, 10) != text {
			t.Fatalf("%q is %d", text, n)
		}
		if known, err := strconv.ParseInt(text, 10, 64); err == nil && known > 0 && strconv.FormatInt(known, 10) == text && n != known {
			t.Fatalf("%q is not %d but %d", text, known, n)
		}
	})
}

// FuzzPath: whatever is escaped into a path comes out as it was, slashes included,
// and whatever path is asked for is answered in JSON.
func FuzzPath(f *testing.F) {
	for _, seed := range []string{"hello", "a/b", "", ".", "..", "../..", "%", "%2F", "é 日", "\x00\xff", "a//b", ";x=1", "?q#f", "+"} {
		f.Add(seed, "/x/"+seed)
	}
	type reply struct{ One, Two string }
	router := NewRouter(slog.New(slog.DiscardHandler), NewMetrics("x", prometheus.NewRegistry()))
	router.Handle(http.MethodGet, "/x/:one/y/:two", func(_ http.ResponseWriter, _ *http.Request, p Params) (any, error) {
		return reply{p.Get("one"), p.Get("two")}, nil
	})
	ask := func(t *testing.T, path string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		u, err := url.ParseRequestURI(path)
		if err != nil || u.Host != "" || !strings.HasPrefix(path, "/") {
			return nil
		}
		r.URL, r.RequestURI = u, path
		w := httptest.NewRecorder()
		router.ServeHTTP(w, r)
		if w.Header().Get("Content-Type") != "application/json" || !json.Valid(w.Body.Bytes()) {
			t.Fatalf("%q: %d %q", path, w.Code, w.Body)
		}
		return w
	}
	f.Fuzz(func(t *testing.T, text, path string) {
		if w := ask(t, path); w != nil && w.Code != 200 && w.Code != 404 && w.Code != 400 {
			t.Fatalf("%q: %d %s", path, w.Code, w.Body)
		}
		if text == "" || !utf8.ValidString(text) {
			return
		}
		w := ask(t, "/x/"+strings.ReplaceAll(url.PathEscape(text), "/", "%2F")+"/y/z")
		var got reply
		if w == nil || w.Code != 200 || json.Unmarshal(w.Body.Bytes(), &got) != nil || got.One != text || got.Two != "z" {
			t.Fatalf("%q came out as %+v: %v", text, got, w)
		}
	})
}

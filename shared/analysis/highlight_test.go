package analysis

import (
	"html"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestHighlight(t *testing.T) {
	for _, c := range []struct{ text, query, want string }{
		{"Hello, World & co", "world", "Hello, <em>World</em> &amp; co"},
		{"<b>Hello</b> <script>", "hello script", "&lt;b&gt;<em>Hello</em>&lt;/b&gt; &lt;<em>script</em>&gt;"},
		{"<em>x</em>", "x", "&lt;em&gt;<em>x</em>&lt;/em&gt;"},
		{"Othello says hello", "hello", "Othello says <em>hello</em>"},
		{"Othello", "hell", "Ot<em>hell</em>o"},
		{"hello Othello", "hell", "<em>hell</em>o Ot<em>hell</em>o"},
		{"aaaa", "aaa", "<em>aaaa</em>"},
		{"say hello", "hallo", "say <em>hello</em>"},
		{"hello, world hello", `"hello world"`, "<em>hello</em>, <em>world</em> hello"},
		{"日本語のテキスト", "日本", "<em>日本</em>語のテキスト"},
		{"crème brûlée", "rem", "c<em>rèm</em>e brûlée"},
		{"cre\u0300me", "rem", "c<em>re\u0300m</em>e"},
		{"cre\u0300me", "cre", "<em>cre\u0300</em>me"},
		{"Großes", "ros", "G<em>roß</em>es"},
		{"Ærøskøbing", "aer", "<em>Ær</em>øskøbing"},
		{"a\u00adb abc", "ab", "<em>a\u00adb</em> abc"},
		{"it's \"x\"", "x", "it&#39;s &#34;<em>x</em>&#34;"},
		{"كتاب جديد", "الكتاب", "<em>كتاب</em> جديد"},
		{"من می خواهم", "می\u200cخواهم", "من <em>می</em> <em>خواهم</em>"},
		{"Об'єкт", "обєкт", "<em>Об&#39;єкт</em>"},
		{"🇩🇪🇬🇧", "🇬🇧", "🇩🇪<em>🇬🇧</em>"},
		{"ফোল্ডার", "ল্ডা", "ফো<em>ল্ডা</em>র"},
		{"nothing", "else", "nothing"},
		{"", "x", ""},
	} {
		clauses, _ := Query(c.query)
		if got := Highlight(c.text, clauses); got != c.want {
			t.Errorf("%q in %q gives %q, want %q", c.query, c.text, got, c.want)
		}
	}
}

func TestHighlightTakesLinearTime(t *testing.T) {
	text := strings.Repeat("a ", 32<<10)
	clauses, _ := Query(`"` + strings.Repeat("a ", 127) + `"` + strings.Repeat(" a", 31))
	if got := Highlight(text, clauses); strings.Count(got, "<em>") != 32<<10 {
		t.Error(strings.Count(got, "<em>"))
	}
	long := strings.Repeat("a", 64<<10)
	parts := ""
	for n := range 30 {
		parts += strings.Repeat("a", n+3) + " "
	}
	clauses, _ = Query(parts + strings.Repeat("a", 70))
	if got := Highlight(long, clauses); got != "<em>"+long+"</em>" {
		t.Errorf("%.30q", got)
	}
}

// FuzzQuery: whatever is asked of whatever text, a query keeps its bounds, and a
// highlight is the text with something marked exactly if the text is found.
func FuzzQuery(f *testing.F) {
	for _, seed := range [][2]string{{"Hello <b>", "hell"}, {"say \"a b\"", `"a b" c"`}, {"日本語", "本"}, {"ﬃ Ⅷ", "ffi"}, {"e\u0301\u0301x", "ex"}, {"🇩🇪 น้ํา ½", "🇩🇪"}, {`צה"ל`, `צה"ל "x`}, {"م\u200cن ا", "م\u200cن"}, {"الكتاب", "للكتاب"}, {"a.b 1-2", "1-2"},
		{"\x00*?{}", "*?\x00"}, {"hello", "hallo"}, {"İİİ", "iii"}, {"ABC\xff", "abc"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, text, query string) {
		clauses, ok := Query(query)
		if !ok {
			return
		}
		for _, c := range clauses {
			if len(c.Words) == 0 || len(c.Words) > maxPhrase || len(c.Grams) > maxGrams || c.Typos < 0 || c.Typos > 2 || c.Typos > 0 && len(c.Words) != 1 {
				t.Fatalf("%q gives %+v", query, c)
			}
		}
		marked := Highlight(text, clauses)
		if plain := strings.NewReplacer("<em>", "", "</em>", "").Replace(marked); html.UnescapeString(plain) != html.UnescapeString(html.EscapeString(text)) {
			t.Fatalf("%q became %q", text, marked)
		}
		if found := Match(text, clauses) != None; found && len(clauses) > 0 && !strings.Contains(marked, "<em>") {
			t.Fatalf("%q finds %q, and nothing is marked", query, text)
		}
		if utf8.ValidString(text) != utf8.ValidString(marked) {
			t.Fatalf("%q became %q", text, marked)
		}
	})
}

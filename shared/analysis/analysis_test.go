package analysis

import (
	"strings"
	"testing"
	"unicode/utf8"
)

// finds reports whether a query finds a text.
func finds(text, query string) bool {
	clauses, ok := Query(query)
	if !ok || len(clauses) == 0 {
		return false
	}
	return Match(text, clauses) != None
}

func TestFinds(t *testing.T) {
	long := strings.Repeat("abcdefghij", 6554)[:65536]
	check(t, []example{
		{"Hello, World!", []string{"hello", "WORLD hello", "ell", "orld", `"hello world"`, "Héllo", "hallo", "wrold"}, []string{"he wo", "helo", "hallo!1", "loworld", `"helo"`, `"world hello"`, ""}},
		{"xab abc", []string{"xab", "abc"}, []string{"xabc"}},
		{"xab a abc", []string{"a"}, []string{"xabc"}},
		{"crème brûlée Straße Łódź Ærøskøbing ŒUVRE İstanbul ısı", []string{"creme", "BRULEE", "strasse", "straße", "lodz", "aeroskobing", "oeuvre", "istanbul", "isi"}, nil},
		{"ﬁne ＦＵＬＬｗｉｄｔｈ ①", []string{"fine", "fullwidth", "1"}, nil},
		{"Привет, мир ещё", []string{"привет", "ПРИВ", "мир", "еще"}, []string{"приветмир"}},
		{"Ελληνικά Σίσυφος", []string{"ελληνικα", "σισυφοσ", "ΣΊΣΥΦΟΣ"}, nil},
		{"السَّلامُ عليكم أحمد مدرسة ـــمـــد", []string{"السلام", "عليكم", "احمد", "مدرسه", "سلام", "مد"}, nil},
		{"کتاب فارسی ۱۲۳", []string{"كتاب", "فارسي", "123"}, nil},
		{"שָׁלוֹם עולם", []string{"שלום", "עולמ"}, nil},
		{"नमस्ते दुनिया", []string{"नमस्ते", "दुनिया"}, []string{"दनया"}},
		{"สวัสดีชาวโลก", []string{"สวัสดี", "โลก", "ชาว"}, []string{"โลกชาว"}},
		{"日本語のテキスト ﾃｷｽﾄ ガラス ｶﾞﾗｽ", []string{"日本", "語", "テキスト", "てきすと", "ガラス", "がらす"}, []string{"本日", "カラス"}},
		{"中文搜索引擎", []string{"搜索", "中", "搜索引擎", "中文 引擎"}, []string{"索搜"}},
		{"한국어를 공부한다", []string{"한국", "국어", "공부"}, []string{"어국"}},
		{"ship it 🚀 👩‍💻👍🏽", []string{"🚀", "👍", "👩‍💻", "👍🏽"}, []string{"🎉"}},
		{"foo_bar.baz a/b/c https://example.com/path?x=1 @ann #tag", []string{"foo_bar.baz", "bar", "a/b/c", "example.com", "@ann", "#tag", "https://example.com/path"}, []string{"qux"}},
		{"a\u00adb zero\u200bwidth", []string{"ab", "zerowidth"}, nil},
		{long, []string{long[:64], "cdefghijab", long[:2000]}, []string{"abd"}},
		{"\xff\xfe broken \xc3", []string{"broken"}, nil},
		{"¨ ½", []string{"½"}, []string{"¨", "12"}},
	})
}

// TestFindsOtherForms: what people take for one word is one.
func TestFindsOtherForms(t *testing.T) {
	check(t, []example{
		{"القلم للكاتب ورقة", []string{"قلم", "القلم", "الكاتب", "للورقة", "الورقة"}, []string{"ألورقة", "الورق قلمي"}},
		{"می\u200cخواهم کتاب ها دانش آموز", []string{"میخواهم", "می خواهم", "می\u200cخواهم", "کتاب\u200cها", "کتاب", "دانش\u200cآموز"}, []string{"نمی خواهم", "می کتاب"}},
		{"دانش\u200cآموز", []string{"دانش\u200cآموز", "دانشآموز"}, nil},
		{`דובר צה"ל ספר ג'ירפה`, []string{"צהל", "צה״ל", `צה"ל`, `ספר צה"ל "דובר צהל"`, "הספר", "ג׳ירפה"}, []string{`"צה" "ל"`}},
		{"м'ята об’єкт ґанок", []string{"мʼята", "м’ята", "мята", "об'єкт", "ганок"}, []string{"'м ята'"}},
		{"don't l'école", []string{"don't", "école", "l’école"}, []string{"dont", "lécole"}},
		{"Ինչո՞ւ բարև՛", []string{"ինչու", "բարև"}, nil},
		{"ज़रूरत हिंदी पाँच", []string{"जरूरत", "हिन्दी", "पांच"}, []string{"हदी"}},
		{"ফোল্ডারের কোো", []string{"ফল্ডারের", "ফোল্ডার"}, []string{"কা"}},
		{"น้ํา ๒๕๖๗", []string{"น้ำ", "2567", "256"}, []string{"น"}},
		{"コンピュータ サーバー", []string{"コンピューター", "サーバ", "サーバー"}, []string{"コンピューターー"}},
		{"ᏣᎳᎩ Ꮳꮃꭹ", []string{"ᏣᎳᎩ", "ꮳꮃꭹ", "Ꮳꮃꭹ"}, []string{"ᎳᎩᏣ"}},
		{"🇩🇪🇬🇧", []string{"🇩🇪", "🇬🇧", "🇩🇪🇬🇧"}, []string{"🇪🇬"}},
		{"at 12:30 pay 3.14 for a/b/c on 2024-01-02", []string{"12:30", "3.14", "a/b/c", "2024-01-02", "a/b", "30 12"}, []string{"30:12", "14.3", "c/b/a", "02-01"}},
		{"user.name node.js", []string{"user.nam", "node.js", "name.user"}, []string{"js.js", "no.js"}},
	})
}

// example is a text with queries that must find it, and others that must not.
type example struct {
	text    string
	yes, no []string
}

func check(t *testing.T, examples []example) {
	t.Helper()
	for _, e := range examples {
		for _, q := range e.yes {
			if !finds(e.text, q) {
				t.Errorf("%.40q does not find %.40q: %.200v %.200v", q, e.text, Index(e.text), first(Query(q)))
			}
		}
		for _, q := range e.no {
			if finds(e.text, q) {
				t.Errorf("%q finds %.40q", q, e.text)
			}
		}
	}
}

func first(c []Clause, _ bool) []Clause { return c }

func TestBounds(t *testing.T) {
	if _, ok := Query(strings.Repeat("a ", 3000)); ok {
		t.Error("a query of 6,000 bytes is taken")
	}
	if _, ok := Query(strings.Repeat("ab ", 33)); ok {
		t.Error("a query of 33 words is taken")
	}
	if c, ok := Query(strings.Repeat("日 ", 32)); !ok || len(c) != 32 {
		t.Error("a query of 32 words is not taken")
	}
	if c, ok := Query(` "" . `); !ok || len(c) != 0 {
		t.Error("nothing is something", c)
	}
}

func FuzzAnalysis(f *testing.F) {
	for _, seed := range []string{"Hello", "é ß İ", "日本語ガ", "สวัสดี", "\xff", "a\u0301\u0301", "😀‍", `"a b" c"`, "ﷺ ㎏ ½", "㈱ ﬃ"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		fields := Index(text)
		for _, list := range []string{fields.Words, fields.Grams} {
			if !utf8.ValidString(list) || strings.Contains(list, "  ") || strings.TrimSpace(list) != list {
				t.Fatalf("%q gives %q", text, list)
			}
			for _, token := range strings.Fields(list) {
				if len(token) > 255 {
					t.Fatalf("%q gives a token of %d bytes", text, len(token))
				}
			}
			if list != "" && len(strings.Fields(list)) != strings.Count(list, " ")+1 {
				t.Fatalf("%q gives a token with white space in it: %q", text, list)
			}
		}
		// Every part of a word of three letters is found, as it is written.
		scan(text, nil, func(tok token) bool {
			if original := text[tok.start:tok.end]; tok.whole && !strings.Contains(original, `"`) && len(original) < 1000 && !finds(text, original) {
				t.Fatalf("%q does not find itself in %q", original, text)
			}
			return true
		})
	})
}

func BenchmarkIndex(b *testing.B) {
	text := strings.Repeat("The quick brown fox jumps over the lazy dog. ", 5)[:200]
	b.ReportAllocs()
	for b.Loop() {
		Index(text)
	}
}

func BenchmarkIndexCyrillic(b *testing.B) {
	text := strings.Repeat("Съешь же ещё этих мягких французских булок, ", 5)[:200]
	b.ReportAllocs()
	for b.Loop() {
		Index(text)
	}
}

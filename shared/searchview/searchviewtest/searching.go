package searchviewtest

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"chatlog/shared/analysis"
	"chatlog/shared/command"
	"chatlog/shared/searchview"
)

// ask searches for a text in the application of the suite, unless q says otherwise.
func (s *suite) ask(text string, q searchview.Query) []searchview.Hit {
	s.Helper()
	clauses, ok := analysis.Query(text)
	if !ok {
		s.Fatalf("query %.40q is too long", text)
	}
	q.Application, q.Clauses = cmp.Or(q.Application, app), clauses
	hits, err := s.x.Search(s.Context(), q)
	if err != nil {
		s.Fatalf("%.60q: %v", text, err)
	}
	return hits
}

// pages searches page by page until one is not full. between is done after each page.
func (s *suite) pages(text string, q searchview.Query, between func()) (all []searchview.Hit) {
	s.Helper()
	for {
		page := s.ask(text, q)
		all = append(all, page...)
		if len(page) < q.Limit {
			return all
		}
		place := page[len(page)-1].Place()
		q.After = &place
		between()
	}
}

func (s *suite) refresh() {
	s.Helper()
	if err := s.x.Refresh(s.Context()); err != nil {
		s.Fatal(err)
	}
}

// ranks: words as they were written come before parts of words, and those before
// words with typos; a message is as good as its worst word.
func ranks(_ *testing.T, s *suite) {
	s.apply(s.batch(create(1, "wonderful"), create(2, "wonderfully"), create(3, "wonderfol"), create(4, "wonderful day"), create(5, "unwonderful night"),
		create(6, "wnoderful day"), create(7, "wandarful"), create(8, "wandarfol"), create(9, "honderful"), create(10, "a wonder full of days"),
		create(11, "order 1234567"), create(12, "Straße"), create(13, "проверка"), create(14, "日本語日本語日本語"), create(15, "wonderful")))
	s.finds("wonderful", 15, 4, 1, 5, 2, 7, 6, 3)
	s.finds("WÖNDERFUL", 15, 4, 1, 5, 2, 7, 6, 3)
	s.finds("wonderful day", 4, 6)
	s.finds("day wonderful", 4, 6)
	s.finds("wonderful nihgt", 5)
	s.finds(`"wonderful dai"`)
	s.finds(`"wonderfull"`)
	s.finds("1234568")
	s.finds("a1234567")
	s.finds("strase", 12)
	s.finds("провекра", 13)
	s.finds("語日本", 14)
	s.finds("日日本語")
	s.finds("dya")
	s.finds("wnd")
	class := func(text string) (list []analysis.Class) {
		for _, h := range s.ask(text, searchview.Query{Chat: 1, Limit: 100}) {
			list = append(list, h.Class)
		}
		return list
	}
	if got, want := class("wonderful"), []analysis.Class{3, 3, 3, 2, 2, 1, 1, 1}; !reflect.DeepEqual(got, want) {
		s.Errorf("classes %v, want %v", got, want)
	}
}

// forms: other ways to write a word are found like parts of it; a typo is one
// however many bytes a letter has.
func forms(_ *testing.T, s *suite) {
	s.apply(s.batch(create(1, "هذا كتاب"), create(2, "هذا الكتاب"), create(3, "جائزة للكتاب"), create(4, "من می خواهم"), create(5, "من می\u200cخواهم"),
		create(6, "コンピュータ"), create(7, "コンピューター"), create(8, "pay 3.14"), create(9, "14 for 3"), create(10, "მასწავლებელმა"),
		create(11, "বৃহস্পতিবারের"), create(12, "пассажировместимость")))
	s.finds("الكتاب", 2, 3, 1)
	s.finds("می\u200cخواهم", 5, 4)
	s.finds("می خواهم", 4, 5)
	s.finds("コンピューター", 7, 6)
	s.finds("3.14", 8)
	s.finds("მსწავლებელმა", 10)
	s.finds("მასწავბელმა", 10)
	s.finds("მასწავმა")
	s.finds("বৃহসপতিবারের", 11)
	s.finds("пасажировмесимость", 12)
}

// strangers: however many words of other applications are near a word, those of
// this one are found, and no others.
func strangers(t *testing.T, s *suite) {
	commands := []command.Command{create(1, "elephants")}
	for a := range 6 {
		for i := range 26 * 6 {
			c := create(int64(i+1), "elephx"+string(rune('a'+i%26))+"x"+string(rune('a'+i/26)))
			c.Application = fmt.Sprintf("%032x", a)
			commands = append(commands, c)
		}
	}
	s.apply(s.batch(commands...))
	s.refresh()
	s.finds("elephxnxs", 1)
	s.finds("eleph", 1)
	theirs := s.ask("elephxnxs", searchview.Query{Application: fmt.Sprintf("%032x", 3), Limit: 1000})
	if len(theirs) != 26*6 {
		t.Errorf("%d are near, not %d", len(theirs), 26*6)
	}
	for _, h := range theirs {
		if h.Application != fmt.Sprintf("%032x", 3) || h.Text == "elephants" {
			t.Errorf("found %+v", h)
		}
	}
}

// times: a search for the newest cares for the time alone; one between two times
// has the first of them and not the last.
func times(t *testing.T, s *suite) {
	b := s.batch(create(1, "hello"), create(2, "Othello"), create(3, "hallo"), create(4, "hello"), create(5, "hello"))
	b.Entries[4].Command.Time = b.Entries[3].Command.Time.Add(time.Microsecond)
	at := func(i int) time.Time { return b.Entries[i].Command.Time }
	s.apply(b)
	edited := s.batch(command.Command{Op: command.MessageUpdate, Number: 1, Message: "hello again", Created: at(0)})
	s.apply(edited)
	s.refresh()
	numbers := func(q searchview.Query) []int64 {
		q.Chat, q.Limit = 1, 100
		list := []int64{}
		for _, h := range s.ask("hello", q) {
			list = append(list, h.Number)
		}
		return list
	}
	for _, c := range []struct {
		what string
		q    searchview.Query
		want []int64
	}{
		{"the best", searchview.Query{}, []int64{5, 4, 1, 2, 3}},
		{"the newest", searchview.Query{Newest: true}, []int64{5, 4, 3, 2, 1}},
		{"from", searchview.Query{From: at(1)}, []int64{5, 4, 2, 3}},
		{"from, the newest", searchview.Query{From: at(1), Newest: true}, []int64{5, 4, 3, 2}},
		{"to", searchview.Query{To: at(3)}, []int64{1, 2, 3}},
		{"to a microsecond", searchview.Query{To: at(4)}, []int64{4, 1, 2, 3}},
		{"to a part of it", searchview.Query{To: at(4).Add(-time.Nanosecond)}, []int64{4, 1, 2, 3}},
		{"to a part more", searchview.Query{To: at(4).Add(time.Nanosecond)}, []int64{5, 4, 1, 2, 3}},
		{"from a part more", searchview.Query{From: at(4).Add(time.Nanosecond)}, []int64{}},
		{"between", searchview.Query{From: at(1), To: at(3)}, []int64{2, 3}},
		{"elsewhere", searchview.Query{From: at(1).In(time.FixedZone("", 3600)), To: at(3).In(time.FixedZone("", -7200))}, []int64{2, 3}},
		{"never", searchview.Query{From: at(3), To: at(1)}, []int64{}},
		{"long ago", searchview.Query{From: time.Unix(0, 0), To: start}, []int64{}},
		{"some time", searchview.Query{From: time.Unix(0, 0), To: time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)}, []int64{5, 4, 1, 2, 3}},
	} {
		if got := numbers(c.q); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %v, want %v", c.what, got, c.want)
		}
	}
	hits := s.ask("again", searchview.Query{Limit: 2})
	if len(hits) != 1 || !hits[0].Created.Equal(at(0)) || !hits[0].Edited.Equal(edited.Entries[0].Command.Time) {
		t.Errorf("%+v, created at %v, edited at %v", hits, at(0), edited.Entries[0].Command.Time)
	}
	if hits = s.ask("othello", searchview.Query{Limit: 2}); len(hits) != 1 || !hits[0].Edited.IsZero() {
		t.Errorf("never edited: %+v", hits)
	}
}

// paging: the pages together are the whole, however many messages are equally
// good and of one moment, in all chats, and whatever is deleted between them.
func paging(t *testing.T, s *suite) {
	const chats, each = 12, 50
	var commands []command.Command
	for chat := range int64(chats) {
		for n := range int64(each) {
			c := create(n+1, []string{"summer", "summers", "sumner"}[n%3])
			c.Chat = chat + 1
			commands = append(commands, c)
		}
	}
	b := s.batch(commands...)
	for i := range b.Entries { // of two moments, in turns
		b.Entries[i].Command.Time = start.Add(time.Duration(i/2%2) * time.Hour)
	}
	s.apply(b)
	s.refresh()
	for _, newest := range []bool{false, true} {
		for _, limit := range []int{7, 200, chats * each, 1000} {
			all := s.pages("summer", searchview.Query{Limit: limit, Newest: newest}, func() {})
			if len(all) != chats*each || !slices.IsSortedFunc(all, byPlace) {
				t.Errorf("newest %v, pages of %d: %d hits in order %v", newest, limit, len(all), slices.IsSortedFunc(all, byPlace))
			}
		}
		one := s.pages("summer", searchview.Query{Limit: 11, Chat: 12, Newest: newest}, func() {})
		if len(one) != each || !slices.IsSortedFunc(one, byPlace) {
			t.Errorf("newest %v: %d hits in a chat", newest, len(one))
		}
	}
	s.pagesWithDeletes()
}

// pagesWithDeletes: before each page two are deleted, one that was shown and one
// that was not.
func (s *suite) pagesWithDeletes() {
	type key struct{ chat, number int64 }
	left := s.ask("summer", searchview.Query{Limit: 1000})
	order, shown, gone := slices.Clone(left), map[key]bool{}, map[key]bool{}
	all := s.pages("summer", searchview.Query{Limit: 90}, func() {
		first, last := order[0], order[len(order)-1]
		order = order[1 : len(order)-1]
		s.apply(s.batch(command.Command{Op: command.MessageDelete, Chat: first.Chat, Number: first.Number, Created: first.Created},
			command.Command{Op: command.MessageDelete, Chat: last.Chat, Number: last.Number, Created: last.Created}))
		s.refresh()
		gone[key{last.Chat, last.Number}] = true
	})
	for _, h := range all {
		if k := (key{h.Chat, h.Number}); shown[k] || gone[k] {
			s.Errorf("%+v comes twice, or was deleted before it came", h)
		} else {
			shown[k] = true
		}
	}
	if len(gone) < 5 || len(all) != len(left)-len(gone) || !slices.IsSortedFunc(all, byPlace) {
		s.Errorf("%d of %d hits, %d were deleted before they came", len(all), len(left), len(gone))
	}
}

func byPlace(a, b searchview.Hit) int {
	p, q := a.Place(), b.Place()
	return -cmp.Or(cmp.Compare(p.Class, q.Class), cmp.Compare(p.Created, q.Created), cmp.Compare(p.Number, q.Number), cmp.Compare(p.Chat, q.Chat))
}

// highlights: what is found can be shown to be found, whatever the engine.
func highlights(t *testing.T, s *suite) {
	for i, text := range []string{`<b>Hello</b> & "hello"`, "Othello", "hallo"} {
		s.apply(s.batch(create(int64(i+1), text)))
	}
	s.refresh()
	clauses, _ := analysis.Query("hello")
	var got []string
	for _, h := range s.ask("hello", searchview.Query{Limit: 5}) {
		got = append(got, analysis.Highlight(h.Text, clauses))
	}
	if want := []string{`&lt;b&gt;<em>Hello</em>&lt;/b&gt; &amp; &#34;<em>hello</em>&#34;`, "Ot<em>hello</em>"}; !slices.Equal(got[:min(2, len(got))], want) || len(got) != 3 || got[2] != "<em>hallo</em>" {
		t.Errorf("%q", got)
	}
}

// anything: no text is too odd to be looked for, and the definition of what is
// found is the same for all engines.
func anything(t *testing.T, s *suite) {
	words := strings.Fields(`hello help held shell Привет прибой приветливый straße strasse 12345 12346 a1b2c3 日本 日本語 本 テスト wonderful wonderfully
		wanderful interesting intresting uninteresting "quoted" <em> * hel* ? { } [ ] ( ) \ / ~2 ^5 && || ! AND OR NOT \u0000 field:hello .* 😀 👩‍💻 x y z`)
	var commands []command.Command
	texts := map[int64]string{}
	for i := range words {
		n := int64(i + 1)
		texts[n] = strings.Join([]string{words[i], words[(i*7+3)%len(words)], words[(i*11+5)%len(words)]}, " ")
		commands = append(commands, create(n, texts[n]))
	}
	s.apply(s.batch(commands...))
	s.refresh()
	queries := append(slices.Clone(words), "\x00", "hell0 wrold", "intersting", "helo help", `"hello`, `""`, `" "`, "\u202e", strings.Repeat("abcd", 1000), strings.Repeat("é ", 32),
		strings.Repeat("wonderful ", 32), strings.Repeat("x", 4096), strings.Repeat("日", 1300), `{"match_all":{}}`, strings.Repeat(`"a" `, 32))
	for i := range words {
		queries = append(queries, words[i]+" "+words[(i*5+1)%len(words)], `"`+words[i]+" "+words[(i*7+3)%len(words)]+`"`)
	}
	for _, text := range queries {
		clauses, ok := analysis.Query(text)
		if !ok {
			t.Errorf("%.40q is too long", text)
			continue
		}
		want := map[int64]analysis.Class{}
		for n, text := range texts {
			if class := analysis.Match(text, clauses); class != analysis.None && len(clauses) > 0 {
				want[n] = class
			}
		}
		got := map[int64]analysis.Class{}
		for _, h := range s.ask(text, searchview.Query{Chat: 1, Limit: 1000}) {
			got[h.Number] = h.Class
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%.60q finds %v, want %v", text, got, want)
		}
	}
}

package main

import (
	"context"
	"embed"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"path"
	"slices"
	"strings"

	"chatlog/deploy/catalogue"
	"chatlog/shared/analysis"
)

// texts/<language>.txt has one text a line. kinds/*.txt has queries with the
// texts that they must find (+), may find (~) and must not find (-), after a
// line "? query"; the texts of all other queries of the file must not be found.
//
//go:embed texts/*.txt kinds/*.txt
var files embed.FS

// languages are those of texts/, by their codes.
var languages = []struct{ code, name string }{{"ar", "Arabic"}, {"hy", "Armenian"}, {"bn", "Bengali"}, {"zh", "Chinese"}, {"en", "English"}, {"fr", "French"},
	{"ka", "Georgian"}, {"de", "German"}, {"el", "Greek"}, {"he", "Hebrew"}, {"hi", "Hindi"}, {"ja", "Japanese"}, {"ko", "Korean"}, {"fa", "Persian"},
	{"pl", "Polish"}, {"ru", "Russian"}, {"es", "Spanish"}, {"ta", "Tamil"}, {"th", "Thai"}, {"tr", "Turkish"}, {"uk", "Ukrainian"}, {"vi", "Vietnamese"}}

// question is a query with its right answers: by text, true for those that must
// be found and false for those that may be; exact are those that must come first.
type question struct {
	query string
	right map[string]bool
	exact map[string]bool
}

// row is a row of the table: questions about the texts of one chat.
type row struct {
	subject, kind string
	chat          int
	questions     []question
}

// suite is all rows, and the texts of all chats.
type suite struct {
	chats [][]string
	rows  []row
}

// each is how many queries of a kind are derived, and most how many texts of a
// language are taken from catalogues.
const (
	each = 30
	most = 1500
)

// gather reads the texts that come with the suite, and those of catalogues.
func gather(folders []string) (*suite, error) {
	s := &suite{}
	var codes []string
	for _, l := range languages {
		codes = append(codes, l.code)
	}
	more, err := catalogue.Gather(folders, codes)
	if err != nil {
		return nil, err
	}
	for i, l := range languages {
		own, err := files.ReadFile("texts/" + l.code + ".txt")
		if err != nil {
			return nil, err
		}
		more[i].Thin(most)
		texts := append(strings.Split(strings.TrimSpace(string(own)), "\n"), more[i].Texts...)
		slices.Sort(texts)
		s.derive(l.name, slices.Compact(texts), slices.Contains([]string{"zh", "ja", "ko", "th"}, l.code))
	}
	names, err := fs.Glob(files, "kinds/*.txt")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		if err := s.list(name); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	return s, nil
}

// derive adds the rows of a language.
func (s *suite) derive(name string, texts []string, units bool) {
	apart := make([][]token, len(texts))
	for i, text := range texts {
		apart[i] = tokens(text)
	}
	for kind := range kinds {
		d := &drawer{rand.New(rand.NewPCG(uint64(kind), 7)), units}
		r := row{subject: name, kind: kinds[kind].name, chat: len(s.chats)}
		for _, query := range d.derive(texts, kind, each) {
			q := question{query, map[string]bool{}, map[string]bool{}}
			for i, text := range texts {
				if found, exact := meets(apart[i], query); found {
					q.right[text] = true
					if exact {
						q.exact[text] = true
					}
				}
			}
			r.questions = append(r.questions, q)
		}
		if len(r.questions) > 0 {
			s.rows = append(s.rows, r)
		}
	}
	s.chats = append(s.chats, texts)
}

// list adds the row of a file of kinds/.
func (s *suite) list(file string) error {
	content, err := files.ReadFile(file)
	if err != nil {
		return err
	}
	r := row{subject: strings.TrimSuffix(path.Base(file), ".txt"), kind: "by hand", chat: len(s.chats)}
	texts := map[string]bool{}
	for n, line := range strings.Split(string(content), "\n") {
		sign, rest, _ := strings.Cut(line, " ")
		if sign == "?" {
			r.questions = append(r.questions, question{query: rest, right: map[string]bool{}})
			continue
		}
		if line == "" || sign == "#" {
			continue
		}
		if len(r.questions) == 0 || rest == "" || !strings.Contains("+~-", sign) {
			return fmt.Errorf("line %d is %q", n+1, line)
		}
		texts[rest] = true
		if sign != "-" {
			r.questions[len(r.questions)-1].right[rest] = sign == "+"
		}
	}
	s.chats = append(s.chats, slices.Sorted(maps.Keys(texts)))
	s.rows = append(s.rows, r)
	return nil
}

// score is how an engine did in a row, each value the mean of its queries'.
type score struct {
	recall, precision, order float64
	faults                   []string                    // what was wrong, in words
	answers                  []map[string]analysis.Class // by query
}

// measure asks an engine all questions of a row.
func measure(ctx context.Context, e *engine, r *row) (s score, err error) {
	for _, q := range r.questions {
		hits, err := e.ask(ctx, r.chat, q.query)
		if err != nil {
			return s, err
		}
		got, late, ordered := map[string]analysis.Class{}, false, 1.0
		wrong, must, found := 0, 0, 0
		for _, h := range hits {
			got[h.Text] = h.Class
			if _, right := q.right[h.Text]; !right {
				wrong++
				s.faults = append(s.faults, fmt.Sprintf("%q finds %.80q", q.query, h.Text))
			}
			if late = late || !q.exact[h.Text]; late && q.exact[h.Text] {
				ordered = 0
			}
		}
		for text, needed := range q.right {
			if !needed {
				continue
			}
			must++
			if _, there := got[text]; there {
				found++
			} else {
				s.faults = append(s.faults, fmt.Sprintf("%q does not find %.80q", q.query, text))
			}
		}
		s.recall += share(found, must)
		s.precision += share(len(hits)-wrong, len(hits))
		s.order += ordered
		s.answers = append(s.answers, got)
	}
	n := float64(len(r.questions))
	s.recall, s.precision, s.order = s.recall/n, s.precision/n, s.order/n
	return s, nil
}

// share of nothing is all of it.
func share(part, whole int) float64 {
	if whole == 0 {
		return 1
	}
	return float64(part) / float64(whole)
}

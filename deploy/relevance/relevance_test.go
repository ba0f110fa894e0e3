package main

import (
	"errors"
	"path/filepath"
	"testing"

	"chatlog/shared/parts"
	"chatlog/shared/searchview/bleve"
)

// check runs the suite on its own texts, which need no catalogues.
func check(t *testing.T, more ...*engine) {
	s, err := gather(nil)
	if err != nil {
		t.Fatal(err)
	}
	x, err := bleve.Open(filepath.Join(t.TempDir(), "index"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = x.Close() }) // an index that is thrown away
	engines := append([]*engine{{"bleve", x}}, more...)
	scores, err := s.run(t.Context(), engines)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.judge(engines, scores); err != nil {
		t.Error(err)
	}
	for i, r := range s.rows {
		for j, e := range engines {
			for _, fault := range scores[i][j].faults {
				t.Logf("%s, %s, %s: %s", r.subject, r.kind, e.name, fault)
			}
		}
	}
}

// TestRelevance: the embedded engine finds what it must.
func TestRelevance(t *testing.T) { check(t) }

// TestRealRelevance: Elasticsearch does, too, and gives the same answers.
func TestRealRelevance(t *testing.T) {
	e, remove, err := openElastic(t.Context(), parts.Elasticsearch(t))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := remove(); err != nil {
			t.Error(err)
		}
	}()
	check(t, e)
}

// TestTheSuiteIsWhole: every language has all kinds that it can have, and every
// list by hand ten queries.
func TestTheSuiteIsWhole(t *testing.T) {
	s, err := gather(nil)
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]int{}
	for _, r := range s.rows {
		rows[r.subject]++
		if len(r.questions) < 10 && r.kind != "case and marks" { // some scripts have neither
			t.Errorf("%s, %s: only %d queries", r.subject, r.kind, len(r.questions))
		}
		for _, q := range r.questions {
			if len(q.right) == 0 && r.kind != "by hand" {
				t.Errorf("%s, %s: %q has no right answer", r.subject, r.kind, q.query)
			}
		}
	}
	for _, l := range languages {
		if rows[l.name] < 4 {
			t.Errorf("%s has %d kinds", l.name, rows[l.name])
		}
	}
}

func TestTruth(t *testing.T) {
	var errs []error
	for _, c := range []struct {
		text, query  string
		found, exact bool
	}{
		{"Straße nach Łódź", "lodz STRASSE", true, true}, {"Othello", "hell", true, false}, {"hello", "hallo", true, false}, {"hello", "helo", false, false},
		{"necessary", "neccesary", true, false}, {"one two three", `"two three"`, true, true}, {"one two three", `"one three"`, false, false},
		{"ガラス", "からす", false, false}, {"ｶﾞﾗｽ", "がらす", true, true}, {"น้ำใจ", "น้ำ", true, true}, {"12345", "12346", false, false},
	} {
		if found, exact := meets(tokens(c.text), c.query); found != c.found || exact != c.exact {
			errs = append(errs, errors.New(c.query+" in "+c.text))
		}
	}
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
}

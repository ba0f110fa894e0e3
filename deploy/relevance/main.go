// Relevance asks both search engines the same questions with known right answers,
// in many languages, and prints how well they do.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"

	"chatlog/shared/program"
	"chatlog/shared/searchview/bleve"
)

// What every row must reach with every engine.
const (
	leastRecall    = 0.95
	leastPrecision = 0.9
)

// options are what is asked, and where.
type options struct {
	at, to  string
	faults  bool
	folders []string
}

// flags adds the flags.
func (o *options) flags(f *flag.FlagSet) {
	f.StringVar(&o.at, "elasticsearch", "", "base `URL`; only the embedded engine is asked if none is named")
	f.StringVar(&o.to, "o", "", "write the report to this `file` instead of printing it")
	f.BoolVar(&o.faults, "faults", false, "name every wrong answer, on the standard error")
}

// relevance is the program.
func relevance() program.Program[program.None] {
	var o options
	return program.Program[program.None]{Name: "relevance", Commands: []program.Command[program.None]{{
		Flags: o.flags,
		Rest:  &o.folders,
		Help: program.Help{
			Does: "asks both search engines questions with known right answers, in many languages\n\n" +
				"The texts are gettext catalogues of the folders that are named, and sentences of its own. Every\n" +
				"row must reach its marks with every engine, and both must answer alike: docs/relevance.md.",
			Takes: "[FOLDER...]",
			Examples: []program.Line{
				{Word: "make relevance", Means: "both engines; writes docs/relevance.md"},
				{Word: "relevance --faults", Means: "the embedded engine alone, and what it gets wrong"},
				{Word: "relevance --elasticsearch=http://127.0.0.1:19200", Means: "both, with the sentences alone"},
			},
			Left: "a row falls short, or the engines differ",
		},
		Do: func(ctx context.Context, _ program.None, _, _ io.Writer) error {
			return report(ctx, o.at, o.to, o.faults, o.folders)
		},
	}}}
}

func main() { os.Exit(relevance().Main(os.Args[1:])) }

func report(ctx context.Context, base, to string, faults bool, folders []string) (err error) {
	s, err := gather(folders)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "relevance")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	x, err := bleve.Open(filepath.Join(dir, "index"))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, x.Close()) }()
	engines := []*engine{{"bleve", x}}
	if base != "" {
		e, remove, err := openElastic(ctx, base)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, remove()) }()
		engines = append(engines, e)
	}
	scores, err := s.run(ctx, engines)
	if err != nil {
		return err
	}
	if faults {
		for i, r := range s.rows {
			for j, e := range engines {
				for _, fault := range scores[i][j].faults {
					fmt.Fprintf(os.Stderr, "%s, %s, %s: %s\n", r.subject, r.kind, e.name, fault)
				}
			}
		}
	}
	out := os.Stdout
	if to != "" {
		if out, err = os.Create(to); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, out.Close()) }()
	}
	return errors.Join(s.tell(out, engines, scores), s.judge(engines, scores))
}

// run fills the engines and asks them everything; scores are by row and engine.
func (s *suite) run(ctx context.Context, engines []*engine) ([][]score, error) {
	scores := make([][]score, len(s.rows))
	for _, e := range engines {
		if err := e.fill(ctx, s.chats); err != nil {
			return nil, err
		}
		for i := range s.rows {
			one, err := measure(ctx, e, &s.rows[i])
			if err != nil {
				return nil, err
			}
			scores[i] = append(scores[i], one)
		}
	}
	return scores, nil
}

// judge says what falls short: a row with an engine, or an answer in which two
// engines differ.
func (s *suite) judge(engines []*engine, scores [][]score) error {
	var errs []error
	for i, r := range s.rows {
		for j, e := range engines {
			one := &scores[i][j]
			if one.recall < leastRecall || one.precision < leastPrecision || one.order < 1 {
				errs = append(errs, fmt.Errorf("%s, %s, %s: recall %.3f, precision %.3f, order %.3f; such as %s", r.subject, r.kind, e.name,
					one.recall, one.precision, one.order, strings.Join(one.faults[:min(3, len(one.faults))], "; ")))
			}
			for n, answer := range one.answers {
				if first := scores[i][0].answers[n]; !maps.Equal(first, answer) {
					errs = append(errs, fmt.Errorf("%s, %s: %q finds %d texts with %s and %d with %s, or in other classes", r.subject, r.kind, r.questions[n].query,
						len(first), engines[0].name, len(answer), e.name))
				}
			}
		}
	}
	if len(errs) > 0 {
		errs = append(errs, program.ErrLeft)
	}
	return errors.Join(errs...)
}

// tell prints the table.
func (s *suite) tell(out io.Writer, engines []*engine, scores [][]score) error {
	texts, queries := 0, 0
	for _, chat := range s.chats {
		texts += len(chat)
	}
	for _, r := range s.rows {
		queries += len(r.questions)
	}
	var names []string
	for _, e := range engines {
		names = append(names, e.name)
	}
	page := fmt.Sprintf(heading, texts, queries, strings.Join(names, " and "), leastRecall, leastPrecision)
	page += "\n| texts | queries | how many |"
	for _, e := range engines {
		page += fmt.Sprintf(" %s: recall | precision | order |", e.name)
	}
	page += "\n|---|---|---|"
	for range engines {
		page += "---|---|---|"
	}
	for i, r := range s.rows {
		page += fmt.Sprintf("\n| %s | %s | %d |", r.subject, r.kind, len(r.questions))
		for _, one := range scores[i] {
			page += fmt.Sprintf(" %.3f | %.3f | %.3f |", one.recall, one.precision, one.order)
		}
	}
	_, err := io.WriteString(out, page+"\n")
	return err
}

const heading = `# Does search find what it must?

    make relevance

writes this page: %d texts, %d queries with known right answers, asked of
%s through one interface. Each language's texts are sentences of a chat and
translations of programs. Queries of the mechanical kinds are drawn from them, and
the right answers told by a definition that shares no code with the search
(deploy/relevance/truth.go); those by hand are in deploy/relevance/kinds.
With an empty RELEVANCE the embedded engine is asked alone. The test asks about the
sentences only, and Elasticsearch, too, if it is there.

- recall: the share of the right texts that are found, the mean over the queries
- precision: the share of what is found that is right, likewise
- order: the share of queries whose exact answers come before all others

Every row must reach a recall of %.2f, a precision of %.2f and an order of 1 with
every engine, and all engines must give the same answers in the same classes.

Known to be missed: words in traditional characters by simplified ones, and the
other way round; a compound of characters in one, such as ㍿, by these.
`

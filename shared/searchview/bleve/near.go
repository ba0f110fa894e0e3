package bleve

import (
	"context"
	"errors"
	"unicode/utf8"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/mapping"
	"github.com/blevesearch/bleve/v2/search"
	"github.com/blevesearch/bleve/v2/search/query"
	"github.com/blevesearch/bleve/v2/search/searcher"
	index "github.com/blevesearch/bleve_index_api"

	"chatlog/shared/analysis"
)

// mostBytes is the longest word that the library compares right: it cuts words
// into pieces of 32 bytes and takes these for 32 letters (vellum, queryChars).
// Eleven letters of Georgian, Bengali or Tamil are longer.
const mostBytes = 32

// near is met by documents with a word that is another one with some typos.
func near(word string, typos int) query.Query {
	if len(word) > mostBytes {
		return &nearQuery{word, typos}
	}
	f := bleve.NewFuzzyQuery(word)
	f.SetField("words")
	f.SetFuzziness(typos)
	f.SetPrefix(1)
	return f
}

// nearQuery looks through all words that begin with the right letter.
type nearQuery struct {
	word  string
	typos int
}

// Searcher finds the words that are near, and then their documents.
func (q *nearQuery) Searcher(ctx context.Context, reader index.IndexReader, _ mapping.IndexMapping, options search.SearcherOptions) (s search.Searcher, err error) {
	_, first := utf8.DecodeRuneInString(q.word)
	words, err := reader.FieldDictPrefix("words", []byte(q.word[:first]))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, words.Close()) }()
	var found []string
	for n := 1; ; n++ {
		entry, err := words.Next()
		if err != nil {
			return nil, err
		}
		if entry == nil {
			return searcher.NewMultiTermSearcher(ctx, reader, found, "words", 1, options, false)
		}
		if analysis.Near(q.word, entry.Term, q.typos) {
			found = append(found, entry.Term)
		}
		if n%1024 == 0 && ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
	}
}

package bleve

import (
	"errors"
	"fmt"
	"os"

	"github.com/blevesearch/bleve/v2"
	"github.com/blevesearch/bleve/v2/analysis/analyzer/custom"
	"github.com/blevesearch/bleve/v2/analysis/tokenizer/whitespace"
	"github.com/blevesearch/bleve/v2/mapping"
)

// create makes an empty index beside its path and moves it there: one that was
// half made when the process died can never be opened.
func create(path string) error {
	fresh := path + ".new"
	if err := errors.Join(os.RemoveAll(path), os.RemoveAll(fresh)); err != nil {
		return err
	}
	m, err := newMapping()
	if err != nil {
		return fmt.Errorf("bleve: %w", err)
	}
	x, err := bleve.New(fresh, m)
	if err != nil {
		return fmt.Errorf("bleve: %w", err)
	}
	if err := errors.Join(x.SetInternal(versionKey, []byte(version)), x.Close()); err != nil {
		return fmt.Errorf("bleve: %w", err)
	}
	return os.Rename(fresh, path)
}

// version of the mapping. An index of another one lacks what searches need and is
// made anew, from the log.
const version = "3"

var versionKey = []byte("mapping version")

func outdated(x bleve.Index) (bool, error) {
	has, err := x.GetInternal(versionKey)
	return string(has) != version, err
}

// newMapping has a field only for what is asked for: where to look, the words,
// the parts of words, when, and the order of the answers. place is the number of
// the chat.
func newMapping() (mapping.IndexMapping, error) {
	m := bleve.NewIndexMapping()
	m.StoreDynamic, m.IndexDynamic, m.DocValuesDynamic = false, false, false
	if err := m.AddCustomAnalyzer("tokens", map[string]any{"type": custom.Name, "tokenizer": whitespace.Name}); err != nil {
		return nil, err
	}
	d := bleve.NewDocumentStaticMapping()
	for _, name := range []string{"application", "chat"} {
		f := bleve.NewKeywordFieldMapping()
		f.Store, f.IncludeTermVectors, f.IncludeInAll, f.DocValues = false, false, false, false
		d.AddFieldMappingsAt(name, f)
	}
	for _, name := range []string{"words", "grams"} {
		f := bleve.NewTextFieldMapping()
		f.Analyzer, f.Store, f.IncludeInAll, f.DocValues = "tokens", false, false, false
		f.IncludeTermVectors = false // no positions: candidates are compared with their text
		d.AddFieldMappingsAt(name, f)
	}
	for _, name := range []string{"created", "number", "place"} {
		f := bleve.NewNumericFieldMapping()
		f.Store, f.IncludeInAll = false, false
		d.AddFieldMappingsAt(name, f)
	}
	stored := bleve.NewTextFieldMapping()
	stored.Index, stored.IncludeInAll, stored.DocValues, stored.IncludeTermVectors = false, false, false, false
	d.AddFieldMappingsAt("stored", stored)
	m.DefaultMapping = d
	return m, nil
}

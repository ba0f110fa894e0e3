// Package catalogue reads real texts in many languages: the translations of
// programs, as compiled gettext catalogues hold them.
package catalogue

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"unicode/utf8"
)

// pair is a text of a program and its translation.
type pair struct{ original, translation string }

var errCatalogue = errors.New("not a whole .mo file")

// parse reads a compiled gettext catalogue: a header of seven words, then
// tables of lengths and offsets of originals and translations (GNU gettext
// manual, "The Format of GNU MO Files").
func parse(file []byte) ([]pair, error) {
	if len(file) < 28 {
		return nil, errCatalogue
	}
	var order binary.ByteOrder = binary.LittleEndian
	switch {
	case order.Uint32(file) == 0x950412de:
	case binary.BigEndian.Uint32(file) == 0x950412de:
		order = binary.BigEndian
	default:
		return nil, errCatalogue
	}
	count, originals, translations := order.Uint32(file[8:]), order.Uint32(file[12:]), order.Uint32(file[16:])
	pairs := make([]pair, 0, min(count, uint32(len(file)/16)))
	for i := range uint64(count) {
		original, err := cut(file, order, uint64(originals)+8*i)
		if err != nil {
			return nil, err
		}
		translation, err := cut(file, order, uint64(translations)+8*i)
		if err != nil {
			return nil, err
		}
		pairs = append(pairs, pair{original, translation})
	}
	return pairs, nil
}

// cut gives the string that the table's entry at an offset describes.
func cut(file []byte, order binary.ByteOrder, at uint64) (string, error) {
	if at+8 > uint64(len(file)) {
		return "", errCatalogue
	}
	length, start := uint64(order.Uint32(file[at:])), uint64(order.Uint32(file[at+4:]))
	if start+length > uint64(len(file)) {
		return "", errCatalogue
	}
	return string(file[start : start+length]), nil
}

// Language is one language's texts, in a fixed order, each once.
type Language struct {
	Name  string
	Texts []string
}

// Gather reads all catalogues under some folders, laid out as
// …/<language>/LC_MESSAGES/*.mo, in the languages asked for. English is what
// the others are translated from.
func Gather(folders, names []string) ([]Language, error) {
	found := map[string]map[string]bool{}
	for _, name := range names {
		found[name] = map[string]bool{}
	}
	for _, folder := range folders {
		err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) != ".mo" || filepath.Base(filepath.Dir(path)) != "LC_MESSAGES" {
				return err
			}
			name, _, _ := strings.Cut(filepath.Base(filepath.Dir(filepath.Dir(path))), "_")
			texts, wanted := found[name]
			if !wanted {
				return nil
			}
			file, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			pairs, err := parse(file)
			if err != nil {
				return fmt.Errorf("%s: %w", path, err)
			}
			for _, p := range pairs {
				add(found["en"], p.original)
				add(texts, p.translation)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	var all []Language
	for _, name := range names {
		texts := make([]string, 0, len(found[name]))
		for text := range found[name] {
			texts = append(texts, text)
		}
		sort.Strings(texts)
		all = append(all, Language{name, texts})
	}
	return all, nil
}

// Thin leaves at most so many texts, evenly drawn; 0 leaves all.
func (l *Language) Thin(most int) {
	if most <= 0 || len(l.Texts) <= most {
		return
	}
	kept := make([]string, most)
	for i := range kept {
		kept[i] = l.Texts[i*len(l.Texts)/most]
	}
	l.Texts = kept
}

// add takes a string of a catalogue: without its context (before EOT), each of
// its plural forms (between NULs), and not the catalogue's header.
func add(texts map[string]bool, text string) {
	if texts == nil || strings.HasPrefix(text, "Project-Id-Version:") {
		return
	}
	if _, after, found := strings.Cut(text, "\x04"); found {
		text = after
	}
	for form := range bytes.SplitSeq([]byte(text), []byte{0}) {
		if len(form) > 0 && len(form) <= 64<<10 && utf8.Valid(form) {
			texts[string(form)] = true
		}
	}
}

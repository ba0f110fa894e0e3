package letters

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"chatlog/shared/deadletter"
)

// summary is a letter in a list, as a line of JSON.
type summary struct {
	ID          string           `json:"id"`
	Name        string           `json:"name"`
	State       deadletter.State `json:"state"`
	View        string           `json:"view"`
	Class       string           `json:"class"`
	Reason      string           `json:"reason"`
	Time        string           `json:"time"`
	Topic       string           `json:"topic"`
	Partition   int32            `json:"partition"`
	Offset      int64            `json:"offset"`
	Application string           `json:"application,omitempty"` // the key, if it is a text
	Bytes       int              `json:"bytes"`                 // of the value
	Truncated   bool             `json:"truncated,omitempty"`   // the value is too large for a letter, and so may the key be
}

// whole is everything that is known of a letter, as JSON.
type whole struct {
	ID    string           `json:"id"`
	Name  string           `json:"name"`
	State deadletter.State `json:"state"`
	deadletter.Letter
	KeyText    *string                `json:"key_text,omitempty"`   // where it is UTF-8
	ValueText  *string                `json:"value_text,omitempty"` // where it is UTF-8
	Settlement *deadletter.Settlement `json:"settlement,omitempty"`
}

// WriteLine writes a letter as a line of JSON.
func WriteLine(out io.Writer, i Item) error {
	s := summary{ID: strconv.FormatInt(i.ID, 10), Name: i.Name(), State: i.State, View: i.View, Class: i.Class, Reason: i.Reason, Time: i.Time,
		Topic: i.Topic, Partition: i.Partition, Offset: i.Offset, Bytes: len(i.Value), Truncated: i.Truncated}
	if utf8.Valid(i.Key) {
		s.Application = string(i.Key)
	}
	return json.NewEncoder(out).Encode(s)
}

const row = "%-6s %-8s %-8s %-9s %-14s %-20.20s %-32.32s %s\n"

// WriteHeader writes the head of a table of letters.
func WriteHeader(out io.Writer) error {
	_, err := fmt.Fprintf(out, row, "ID", "STATE", "VIEW", "CLASS", "LIES AT", "TOLD", "APPLICATION", "REASON")
	return err
}

// reasonShown is how much of a reason a table shows.
const reasonShown = 100

// WriteRow writes a letter as a row of a table.
func WriteRow(out io.Writer, i Item) error {
	_, err := fmt.Fprintf(out, row, strconv.FormatInt(i.ID, 10), i.State, plain(i.View), plain(i.Class), fmt.Sprintf("%d/%d", i.Partition, i.Offset),
		i.Time, plain(string(i.Key)), plain(cut(i.Reason, reasonShown)))
	return err
}

func cut(text string, most int) string {
	if utf8.RuneCountInString(text) <= most {
		return text
	}
	return string([]rune(text)[:most]) + "…"
}

// plain gives a text of strangers for a terminal: what would move the cursor, or
// worse, is escaped.
func plain(text string) string {
	if strings.ContainsFunc(text, func(r rune) bool { return r == utf8.RuneError || !unicode.IsPrint(r) }) {
		return strconv.Quote(text)
	}
	return text
}

// WriteWhole writes everything that is known of a letter as JSON.
func WriteWhole(out io.Writer, i Item) error {
	w := whole{ID: strconv.FormatInt(i.ID, 10), Name: i.Name(), State: i.State, Letter: i.Letter, KeyText: textOf(i.Key), ValueText: textOf(i.Value),
		Settlement: i.Settlement}
	return json.NewEncoder(out).Encode(w)
}

func textOf(b []byte) *string {
	if b == nil || !utf8.Valid(b) {
		return nil
	}
	text := string(b)
	return &text
}

// WriteDetail writes everything that is known of a letter for people.
func WriteDetail(out io.Writer, i Item) error {
	var err error
	line := func(name, text string) {
		if err == nil {
			_, err = fmt.Fprintf(out, "%-10s %s\n", name, text)
		}
	}
	line("letter", fmt.Sprintf("%d, %s", i.ID, i.State))
	line("name", plain(i.Name()))
	line("view", plain(i.View))
	line("class", plain(i.Class))
	line("reason", plain(i.Reason))
	line("lies at", fmt.Sprintf("offset %d of partition %d of %s", i.Offset, i.Partition, plain(i.Topic)))
	if i.Log != "" {
		line("log", plain(i.Log))
	}
	line("told", i.Time)
	if s := i.Settlement; s != nil {
		line("settled", fmt.Sprintf("%s %s: %s", s.State, s.Time, plain(s.Why)))
		if s.By != "" {
			line("by", plain(s.By))
		}
	}
	if i.Truncated {
		if i.Key != nil { // a long one is left out as well
			line("key", bytesText(i.Key))
		}
		line("bytes", "too many for a letter, and not to be had where the record lay")
		return err
	}
	line("key", bytesText(i.Key))
	for _, h := range i.Headers {
		name := []byte(h.Key)
		if h.KeyBytes != nil {
			name = h.KeyBytes
		}
		line("header", fmt.Sprintf("%s = %s", bytesText(name), bytesText(h.Value)))
	}
	line("value", bytesText(i.Value))
	return err
}

// bytesText gives bytes as a text where they are one, else as base64.
func bytesText(b []byte) string {
	switch {
	case b == nil:
		return "(none)"
	case len(b) == 0:
		return "(empty)"
	case !utf8.Valid(b):
		encoded, _ := json.Marshal(b) // bytes can always be written
		return "base64 " + strings.Trim(string(encoded), `"`)
	}
	return plain(string(b))
}

// Counts counts letters by view and class.
type Counts map[[2]string]int

// Add counts a letter.
func (c Counts) Add(i Item) { c[[2]string{i.View, i.Class}]++ }

// Write writes the counts, as lines of JSON or for people.
func (c Counts) Write(out io.Writer, lines bool) error {
	keys := slices.SortedFunc(maps.Keys(c), func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	all := 0
	for _, k := range keys {
		all += c[k]
		var err error
		if lines {
			err = json.NewEncoder(out).Encode(map[string]any{"view": k[0], "class": k[1], "letters": c[k]})
		} else {
			_, err = fmt.Fprintf(out, "%6d %s: %s\n", c[k], plain(k[0]), plain(k[1]))
		}
		if err != nil {
			return err
		}
	}
	if lines {
		return nil
	}
	_, err := fmt.Fprintf(out, "%6d in all\n", all)
	return err
}

// WriteOutcome writes what has become of a letter, as a line of JSON or for people.
func WriteOutcome(out io.Writer, o Outcome, line bool) error {
	if line {
		return json.NewEncoder(out).Encode(map[string]any{"id": o.ID, "name": o.Name, "done": o.Done, "text": o.Text})
	}
	left := ""
	if !o.Done {
		left = "left as it was: "
	}
	_, err := fmt.Fprintf(out, "%s %s: %s%s\n", plain(o.ID), plain(o.Name), left, plain(o.Text))
	return err
}

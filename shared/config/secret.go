// Package config reads the configuration: config.yaml, CHATLOG_* variables and
// the defaults of each section, strictly.
package config

import (
	"fmt"
	"io"
	"log/slog"
	"strings"
)

// Secret is a text that never shows itself: not in logs, not in errors, not in
// JSON.
type Secret string

const redacted = "[redacted]"

// Reveal gives the text itself.
func (s Secret) Reveal() string { return string(s) }

// String, GoString, MarshalJSON and LogValue hide the text.
func (s Secret) String() string { return redacted }

// Format hides the text from every verb of fmt, %d and %x included.
func (s Secret) Format(f fmt.State, _ rune) { io.WriteString(f, redacted) }

// GoString hides the text from %#v.
func (s Secret) GoString() string { return redacted }

// MarshalJSON hides the text from JSON.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + redacted + `"`), nil }

// MarshalText hides the text from every other encoding.
func (s Secret) MarshalText() ([]byte, error) { return []byte(redacted), nil }

// LogValue hides the text from slog.
func (s Secret) LogValue() slog.Value { return slog.StringValue(redacted) }

// List gives the texts of a secret that is a list: with commas, spaces or lines
// between them.
func (s Secret) List() []string {
	return strings.FieldsFunc(string(s), func(r rune) bool { return r == ',' || r == ' ' || r == '\n' || r == '\r' })
}

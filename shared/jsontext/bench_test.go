package jsontext

import (
	"strings"
	"testing"
)

func BenchmarkAppendString(b *testing.B) {
	text := strings.Repeat("an ordinary text ", 12)
	var dst []byte
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		dst = AppendString(dst[:0], text)
	}
}

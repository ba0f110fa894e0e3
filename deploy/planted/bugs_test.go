package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A bug whose place was rewritten cannot be planted any more: better to hear of
// it here than after an hour.
func TestEveryBugHasItsPlace(t *testing.T) {
	for _, b := range bugs {
		content, err := os.ReadFile(filepath.Join("..", "..", b.file))
		if n := strings.Count(string(content), b.right); err != nil || n != 1 {
			t.Errorf("%s: its place is there %d times, %v", b.name, n, err)
		}
	}
}

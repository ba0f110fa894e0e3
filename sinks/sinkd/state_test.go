package sinkd

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"chatlog/sinks/internal/verify"
)

// FuzzState: whatever lies where a broken-off verify left its state, it is refused,
// or can be gone on with and written again as it is.
func FuzzState(f *testing.F) {
	for _, seed := range []string{`{"At":{"0":12,"11":0},"Sums":{"mysql":{}}}`, `{}`, `null`, `{"At":null,"Sums":null}`, `{"At":{"x":1}}`, `{"At":{"0":-1}}`, "", "{"} {
		f.Add([]byte(seed))
	}
	dir := f.TempDir()
	f.Fuzz(func(t *testing.T, raw []byte) {
		path, copied := filepath.Join(dir, "state"), filepath.Join(dir, "copy")
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		state, err := readState(path)
		if err != nil {
			return
		}
		for partition, at := range state.At {
			if partition < 0 || at < 0 {
				t.Fatalf("%q goes on at %d of partition %d", raw, at, partition)
			}
		}
		state.At[0], state.Sums["mysql"] = 1, verify.Sums{} // as a run does
		if err := writeState(copied, state); err != nil {
			t.Fatal(err)
		}
		if again, err := readState(copied); err != nil || !reflect.DeepEqual(again, state) {
			t.Fatalf("%+v became %+v: %v", state, again, err)
		}
	})
}

package bleve

import (
	"errors"
	"path/filepath"
	"testing"
)

// TestAnIndexOfAnOlderVersion is made anew, empty and without a progress, so
// that it is filled from the log's beginning; one of this version is kept.
func TestAnIndexOfAnOlderVersion(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index")
	for _, c := range []struct {
		before []byte // the version that it is made to have had
		want   int64
	}{{[]byte(version), 1}, {[]byte("1"), 0}, {nil, 0}} {
		x, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := x.Apply(t.Context(), message(1)); err != nil {
			t.Fatal(err)
		}
		batch := x.index.NewBatch()
		if c.before == nil {
			batch.DeleteInternal(versionKey)
		} else {
			batch.SetInternal(versionKey, c.before)
		}
		if err := errors.Join(commit(t.Context(), x.index, batch), x.Close()); err != nil {
			t.Fatal(err)
		}
		if x, err = Open(path); err != nil {
			t.Fatal(err)
		}
		p, there, err := x.Progress(t.Context(), 0)
		if got := found(t, x); got != c.want || err != nil || there != (c.want > 0) {
			t.Errorf("of version %q: %d found, progress %+v %v", c.before, got, p, err)
		}
		if err := x.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

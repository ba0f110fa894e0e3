package sinkd

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestTwoAtOnce: two exports to one file do not get into each other: what is there is
// whole whenever one of them has ended.
func TestTwoAtOnce(t *testing.T) {
	long, short := strings.Repeat("long\n", 1000), "short\n"
	for _, c := range []struct{ first, second string }{{long, short}, {short, long}} {
		path := filepath.Join(t.TempDir(), "history.json")
		is := func(want string, err error) {
			t.Helper()
			got, missing := os.ReadFile(path)
			if string(got) != want || err != nil || missing != nil {
				t.Errorf("%.20q of %d bytes, must be %.20q of %d; %v", got, len(got), want, len(want), err)
			}
		}
		err := wholeFile(path, func(f io.Writer) error {
			half := len(c.first) / 2
			if _, err := io.WriteString(f, c.first[:half]); err != nil {
				return err
			}
			is(c.second, wholeFile(path, func(f io.Writer) error { // begins and ends meanwhile
				_, err := io.WriteString(f, c.second)
				return err
			}))
			_, err := io.WriteString(f, c.first[half:])
			return err
		})
		is(c.first, err)
		alone(t, path)
	}
}

// TestHalfAFile: what is not whole does not stay, and takes nobody's place.
func TestHalfAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.json")
	if err := os.WriteFile(path, []byte("before"), 0o600); err != nil {
		t.Fatal(err)
	}
	away := errors.New("away")
	err := wholeFile(path, func(f io.Writer) error {
		_, err := io.WriteString(f, "half")
		return errors.Join(err, away)
	})
	if got, missing := os.ReadFile(path); !errors.Is(err, away) || string(got) != "before" || missing != nil {
		t.Errorf("%q, %v, %v", got, err, missing)
	}
	alone(t, path)

	folder := filepath.Join(t.TempDir(), "folder") // whose place a file cannot take
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := wholeFile(folder, func(io.Writer) error { return nil }); err == nil {
		t.Error("a folder was replaced")
	}
	alone(t, folder)
	if err := wholeFile(filepath.Join(folder, "none", "history.json"), func(io.Writer) error { return nil }); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("to a folder that is not there: %v", err)
	}
}

// alone fails if anything lies beside a file.
func alone(t *testing.T, path string) {
	t.Helper()
	beside, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(beside) != 1 || beside[0].Name() != filepath.Base(path) {
		t.Errorf("there lie %v, %v", beside, err)
	}
}

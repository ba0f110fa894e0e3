package bleve

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"chatlog/shared/analysis"
	"chatlog/shared/command"
	"chatlog/shared/searchview"
	"chatlog/shared/view"
)

const persistApplication = "9f86d081884c7d659a2feaa0c55ad015"

// message is a batch with one message; the first has number 1 and offset 0.
func message(number int64) view.Batch {
	at := time.Unix(1e9, 0).UTC()
	return view.Batch{From: number - 1, To: view.Progress{Log: "00000000000000a1", Generation: 1, Next: number, LastOffset: number - 1, LastID: "x"},
		Entries: []view.Entry{{Offset: number - 1, Command: command.Command{Op: command.MessageCreate, Application: persistApplication,
			Chat: 1, Number: number, Message: "hello", Time: at}}}}
}

// TestADiskThatCannotBeWritten takes the folder away from under an index, as a
// full disk would refuse every new file: what was applied stays readable, is not
// said to be on the disk, and gets there when the folder is back.
func TestADiskThatCannotBeWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "index")
	x, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := x.Apply(t.Context(), message(1)); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path, path+".away"); err != nil {
		t.Fatal(err)
	}
	for number := int64(2); number <= 4; number++ { // some, so that the engine merges them in memory, too
		ctx, cancel := context.WithTimeout(t.Context(), 3*retryWait)
		if _, err := x.Apply(ctx, message(number)); err == nil {
			t.Error("said to be on a disk that cannot be written")
		}
		cancel()
		if got := found(t, x); got != number {
			t.Errorf("%d are found after %d", got, number)
		}
	}
	if err := os.Rename(path+".away", path); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Apply(t.Context(), message(5)); err != nil { // it waits for those before it
		t.Fatal(err)
	}
	if err := x.Close(); err != nil {
		t.Fatal(err)
	}
	if x, err = Open(path); err != nil {
		t.Fatal(err)
	}
	defer x.Close()
	if got := found(t, x); got != 5 {
		t.Errorf("%d of 5 are there after the next start", got)
	}
}

// found counts what a search and what a read by key give, which must agree.
func found(t *testing.T, x *Index) int64 {
	t.Helper()
	hits, err := x.Search(t.Context(), searchview.Query{Application: persistApplication, Clauses: []analysis.Clause{{Words: []string{"hello"}}}, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	var keys []view.MessageKey
	for number := int64(1); number < 10; number++ {
		keys = append(keys, view.MessageKey{Application: persistApplication, Chat: 1, Number: number})
	}
	there, err := x.Messages(t.Context(), keys)
	if err != nil || len(there) != len(hits) {
		t.Fatal(len(there), "read,", len(hits), "found", err)
	}
	return int64(len(hits))
}

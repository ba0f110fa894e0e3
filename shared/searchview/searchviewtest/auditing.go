package searchviewtest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"chatlog/shared/command"
	"chatlog/shared/position"
	"chatlog/shared/searchview"
	"chatlog/shared/view"
)

// scan lists all documents by their ids; each comes once.
func (s *suite) scan() map[string]searchview.Document {
	s.Helper()
	all := map[string]searchview.Document{}
	err := s.x.Scan(s.Context(), func(page []searchview.Document) error {
		for _, d := range page {
			if _, twice := all[d.ID]; twice {
				s.Errorf("document %s comes twice", d.ID)
			}
			all[d.ID] = d
		}
		return nil
	})
	if err != nil {
		s.Fatal(err)
	}
	return all
}

func scans(t *testing.T, s *suite) {
	if all := s.scan(); len(all) != 0 {
		t.Errorf("an empty index has %v", all)
	}
	const many = 4500 // more than two pages
	var commands []command.Command
	for n := range int64(many) {
		commands = append(commands, create(n+1, "x"))
	}
	b := s.apply(s.batch(commands...))
	deleted := s.apply(s.batch(command.Command{Op: command.MessageDelete, Number: 7, Created: start}))
	all := s.scan()
	for i, e := range b.Entries {
		want := searchview.Document{ID: fmt.Sprintf("%s:1:%d", app, i+1), Key: view.MessageKey{Application: app, Chat: 1, Number: int64(i + 1)}, Version: position.Version(1, e.Offset)}
		if i == 6 {
			want.Version = position.Version(1, deleted.Entries[0].Offset)
		}
		got := all[want.ID]
		if want.Routing = got.Routing; got != want {
			t.Fatalf("%+v, must be %+v", got, want)
		}
	}
	if len(all) != many {
		t.Errorf("%d documents, must be %d", len(all), many)
	}
	stop := errors.New("stop")
	if err := s.x.Scan(s.Context(), func([]searchview.Document) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("what the visitor says is lost: %v", err)
	}
}

// removals takes documents out, at the version that they were seen at only, and
// lets the log's older version of them back in.
func removals(t *testing.T, s *suite) {
	first := s.apply(s.batch(create(1, "first"), create(2, "second")))
	ahead := first
	ahead.Entries = []view.Entry{{Offset: 1 << 40, Command: first.Entries[0].Command}}
	ahead.Entries[0].Command.Message = "ahead"
	ahead.To.Next = 0 // moves nothing
	s.again(ahead)
	s.finds("ahead", 1)
	seen := s.scan()[app+":1:1"]
	if seen.Version != position.Version(1, 1<<40) || seen.Stray {
		t.Fatalf("%+v", seen)
	}
	older := seen
	older.Version--
	if err := s.x.Remove(s.Context(), []searchview.Document{older}); err != nil {
		t.Fatal(err)
	}
	s.finds("ahead", 1)
	missing := seen
	missing.ID += "9"
	if err := s.x.Remove(s.Context(), []searchview.Document{seen, missing}); err != nil {
		t.Fatal(err)
	}
	s.finds("ahead")
	s.finds("second", 2)
	for deadline := time.Now().Add(20 * time.Second); ; {
		s.again(first)
		got, err := s.x.Messages(s.Context(), []view.MessageKey{seen.Key})
		if err != nil {
			t.Fatal(err)
		}
		if got[seen.Key].Text == "first" {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the log's version is refused: %+v", got)
		}
		time.Sleep(50 * time.Millisecond) // until the engine has forgotten the deletion
	}
	s.finds("first", 1)
}

// again applies what lies before the progress.
func (s *suite) again(b view.Batch) {
	s.Helper()
	if rejections, err := s.x.Apply(s.Context(), b); err != nil || len(rejections) > 0 {
		s.Fatal(rejections, err)
	}
}

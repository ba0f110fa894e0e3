package sqlviewtest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"chatlog/shared/command"
	"chatlog/shared/fault"
	"chatlog/shared/sqlview"
	"chatlog/shared/view"
)

func snapshots(t *testing.T, s *suite) {
	s.begin()
	ctx, stop := context.WithCancel(s.Context())
	var group sync.WaitGroup
	defer group.Wait()
	defer stop()
	group.Go(func() {
		for n := int64(3); ctx.Err() == nil; n++ {
			if err := s.v.Apply(s.Context(), s.batch(create(n, "x"))); err != nil {
				t.Error(err)
				return
			}
		}
	})
	for range 200 {
		c, _, p, err := s.v.Chat(s.Context(), 0, app, 1)
		if err != nil || c.Messages != p.Next-2 {
			t.Fatalf("read: %d messages at offset %d: %v", c.Messages, p.Next, err)
		}
		l, err := s.v.Load(s.Context(), 0, sqlview.Keys{Chats: []view.ChatKey{{Application: app, Number: 1}}})
		if got := l.Chats[view.ChatKey{Application: app, Number: 1}].Messages; err != nil || got != l.Progress.Next-2 {
			t.Fatalf("load: %d messages at offset %d: %v", got, l.Progress.Next, err)
		}
		newest, _, p, err := s.v.Messages(s.Context(), 0, view.ChatKey{Application: app, Number: 1}, sqlview.Page{Limit: 1, Descending: true})
		if err != nil || len(newest) != 1 || newest[0].Number != p.Next-2 {
			t.Fatalf("list: %v at offset %d: %v", newest, p.Next, err)
		}
		chats, _, p, err := s.v.Chats(s.Context(), 0, app, sqlview.Page{Limit: 1})
		if err != nil || len(chats) != 1 || chats[0].Messages != p.Next-2 {
			t.Fatalf("list of chats: %v at offset %d: %v", chats, p.Next, err)
		}
	}
}

func pages(t *testing.T, s *suite) {
	s.begin()
	for n := int64(3); n <= 25; n++ {
		s.apply(s.batch(create(n, fmt.Sprint(n)), command.Command{Op: command.ChatCreate, Chat: n - 1}))
	}
	for _, descending := range []bool{false, true} {
		var numbers, chats []int64
		for after := int64(0); ; after = numbers[len(numbers)-1] {
			list, found, _, err := s.v.Messages(s.Context(), 0, view.ChatKey{Application: app, Number: 1}, sqlview.Page{After: after, Limit: 7, Descending: descending})
			if err != nil || !found {
				t.Fatal(found, err)
			}
			for _, m := range list {
				numbers = append(numbers, m.Number)
			}
			if len(list) < 7 {
				break
			}
		}
		for after := int64(0); ; after = chats[len(chats)-1] {
			list, found, _, err := s.v.Chats(s.Context(), 0, app, sqlview.Page{After: after, Limit: 6, Descending: descending})
			if err != nil || !found {
				t.Fatal(found, err)
			}
			for _, c := range list {
				chats = append(chats, c.Number)
			}
			if len(list) < 6 {
				break
			}
		}
		for i := range numbers {
			want := int64(i + 1)
			if descending {
				want = int64(25 - i)
			}
			if numbers[i] != want {
				t.Fatalf("descending %v: %v", descending, numbers)
			}
		}
		if len(numbers) != 25 || len(chats) != 24 {
			t.Fatalf("%d messages, %d chats", len(numbers), len(chats))
		}
	}
	if _, found, _, err := s.v.Messages(s.Context(), 0, view.ChatKey{Application: app, Number: 99}, sqlview.Page{Limit: 7}); found || err != nil {
		t.Fatal(found, err)
	}
	if _, found, _, err := s.v.Chats(s.Context(), 0, "none", sqlview.Page{Limit: 7}); found || err != nil {
		t.Fatal(found, err)
	}
}

func invalid(t *testing.T, s *suite) {
	s.begin()
	s.f.Exec("DELETE FROM message; DELETE FROM chat")
	// A message whose chat the view does not have: the count makes the chat's
	// row, so a damaged view is no reason to refuse what counts.
	s.apply(s.batch(create(3, "orphan")))
	if m := s.message(3); m.Text != "orphan" {
		t.Fatal(m)
	}
	s.f.Exec("DROP TABLE keyed_command")
	c := create(4, "x")
	c.Keyed, c.Fingerprint = true, strings.Repeat("ab", 32)
	if err := s.v.Apply(s.Context(), s.batch(c)); !fault.Is(err, fault.Transient) {
		t.Fatalf("a missing table is for an operator, not for dead letters: %v", err)
	}
}

func large(t *testing.T, s *suite) {
	s.begin()
	var list []command.Command
	text := strings.Repeat("x", 1000)
	for n := int64(3); n < 9000; n++ {
		list = append(list, create(n, text))
	}
	s.apply(s.batch(list...))
	if c, _, _, err := s.v.Chat(s.Context(), 0, app, 1); err != nil || c.Messages != 8999 {
		t.Fatal(c, err)
	}
	s.message(8999)
}

func migrations(t *testing.T, s *suite) {
	f := s.f
	f.Exec("DROP TABLE schema_version")
	var group sync.WaitGroup
	errs := make([]error, 4)
	for i := range errs {
		v := f.Open()
		t.Cleanup(func() { v.Close() })
		group.Go(func() { errs[i] = errors.Join(v.Migrate(s.Context()), v.Ready(s.Context())) })
	}
	group.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Fatal(err)
	}
	f.Exec("INSERT INTO schema_version (version) VALUES (999)")
	if err := s.v.Migrate(s.Context()); !fault.Is(err, fault.Terminal) {
		t.Fatalf("a newer schema: %v", err)
	}
}

// What was created in the first microsecond of 1970 was created, and is told so
// wherever it is read: an edit carries it on into the log.
func epoch(t *testing.T, s *suite) {
	first := time.Unix(0, 0).UTC()
	a, c, m := command.Command{Op: command.ApplicationCreate, Username: "u", Time: first}, command.Command{Op: command.ChatCreate, Chat: 1, Time: first}, create(1, "one")
	m.Time = first
	s.apply(s.batch(a, c, m))
	chat, message := view.ChatKey{Application: app, Number: 1}, view.MessageKey{Application: app, Chat: 1, Number: 1}
	l, err := s.v.Load(s.Context(), 0, sqlview.Keys{Applications: []string{app}, Chats: []view.ChatKey{chat}, Messages: []view.MessageKey{message}})
	if err != nil || !l.Applications[app].Created.Equal(first) || !l.Chats[chat].Created.Equal(first) || !l.Messages[message].Created.Equal(first) {
		t.Errorf("loaded: %+v, %v", l, err)
	}
	if got := s.message(1); !got.Created.Equal(first) || !got.Edited.IsZero() {
		t.Errorf("read: %+v", got)
	}
	messages, _, _, err := s.v.Messages(s.Context(), 0, chat, sqlview.Page{Limit: 1})
	if err != nil || len(messages) != 1 || !messages[0].Created.Equal(first) || !messages[0].Edited.IsZero() {
		t.Errorf("listed: %+v, %v", messages, err)
	}
	chats, _, _, err := s.v.Chats(s.Context(), 0, app, sqlview.Page{Limit: 1})
	if err != nil || len(chats) != 1 || !chats[0].Created.Equal(first) {
		t.Errorf("listed: %+v, %v", chats, err)
	}
	scanned, err := s.v.ScanMessages(s.Context(), nil, 1)
	if err != nil || len(scanned) != 1 || !scanned[0].Created.Equal(first) || !scanned[0].Edited.IsZero() {
		t.Errorf("scanned: %+v, %v", scanned, err)
	}
}

package sqlviewtest

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"

	"chatlog/shared/command"
	"chatlog/shared/sqlview"
	"chatlog/shared/view"
)

// scans lists every table by pages of every size.
func scans(t *testing.T, s *suite) {
	s.begin()
	first, second := create(3, "three"), create(4, "four")
	for _, c := range []*command.Command{&first, &second} {
		c.Keyed, c.Fingerprint = true, strings.Repeat("ab", 32)
	}
	s.apply(s.batch(first, command.Command{Op: command.ChatCreate, Chat: 2}, second, command.Command{Op: command.MessageCreate, Chat: 2, Number: 1, Message: "x"},
		command.Command{Op: command.MessageDelete, Chat: 1, Number: 2, Created: start.Add(3 * 1e9)}))
	other := s.batch(command.Command{Op: command.ApplicationCreate, Username: "u"}, command.Command{Op: command.ChatCreate, Chat: 1}, create(1, "x"))
	for i := range other.Entries {
		other.Entries[i].Command.Application = "1" + app[1:]
	}
	s.apply(other)
	s.f.Exec("INSERT INTO application (token, username, chats, created, version) VALUES ('', '', 0, 1, 1)")
	s.f.Exec("UPDATE chat SET messages = 9 WHERE number = 2")
	s.f.Exec("UPDATE application SET chats = 3 WHERE token = '" + app + "'")
	for limit := 1; limit < 9; limit++ {
		if got := listed(t, s.v, limit); !slices.Equal(got, []string{"", app + " bare", other.Entries[0].Command.Application, app, app + " bare",
			other.Entries[0].Command.Application, app, app, app, app, app, other.Entries[0].Command.Application, first.ID + id(4), second.ID + id(6)}) {
			t.Errorf("by %d: %q", limit, got)
		}
	}
}

// listed gives all applications, chats, messages and keyed commands in short.
func listed(t *testing.T, v *sqlview.View, limit int) (got []string) {
	t.Helper()
	mark := map[bool]string{true: " bare"}
	pagesOf(t, limit, v.ScanApplications, func(r sqlview.ApplicationRow) string {
		got = append(got, r.Token+mark[r.Bare])
		return r.Token
	})
	pagesOf(t, limit, v.ScanChats, func(r sqlview.ChatRow) view.ChatKey {
		got = append(got, r.Application+mark[r.Bare])
		return view.ChatKey{Application: r.Application, Number: r.Number}
	})
	last := view.MessageKey{}
	pagesOf(t, limit, v.ScanMessages, func(m view.Message) view.MessageKey {
		key := view.MessageKey{Application: m.Application, Chat: m.Chat, Number: m.Number}
		want, _, _, err := v.Message(t.Context(), 0, key)
		if want.Text = ""; err != nil || m != want || key.Application == last.Application && key.Chat == last.Chat && key.Number <= last.Number {
			t.Errorf("%+v after %+v, must be %+v; %v", m, last, want, err)
		}
		got, last = append(got, m.Application), key
		return key
	})
	pagesOf(t, limit, v.ScanKeyed, func(k view.KeyedCommand) string {
		got = append(got, k.ID)
		return k.ID
	})
	return got
}

func pagesOf[K, R any](t *testing.T, limit int, scan func(context.Context, *K, int) ([]R, error), take func(R) K) {
	t.Helper()
	var after *K
	for {
		page, err := scan(t.Context(), after, limit)
		if err != nil || len(page) > limit {
			t.Fatal(len(page), err)
		}
		for _, r := range page {
			key := take(r)
			after = &key
		}
		if len(page) < limit {
			return
		}
	}
}

// corrections puts right what a replay cannot: rows and counts that say more
// than the log.
func corrections(t *testing.T, s *suite) {
	history := s.history()
	want := s.dump()
	key := view.MessageKey{Application: app, Chat: 1, Number: 2}
	right := func() (a view.Application, c view.Chat, m view.Message) {
		l, err := s.v.LoadWhole(s.Context(), 0, sqlview.Keys{Applications: []string{app}, Chats: []view.ChatKey{{Application: app, Number: 1}}, Messages: []view.MessageKey{key}})
		if err != nil {
			t.Fatal(err)
		}
		return l.Applications[app], l.Chats[view.ChatKey{Application: app, Number: 1}], l.Messages[key]
	}
	a, c, m := right()
	correct := func(list ...sqlview.Correction) {
		t.Helper()
		err := s.v.Correct(s.Context(), 0, func(_ context.Context, p view.Progress) ([]sqlview.Correction, error) {
			if p != history[len(history)-1].To {
				t.Errorf("progress %+v", p)
			}
			return list, nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	s.f.Exec("UPDATE application SET chats = 77, username = 'x', version = version + 1000")
	s.f.Exec("UPDATE chat SET messages = 66, version = version + 1000 WHERE number = 1")
	s.f.Exec("UPDATE message SET message = 'x', deleted = 0, version = version + 1000 WHERE number = 2")
	s.f.Exec("INSERT INTO chat (application, number, messages, created, version) VALUES ('" + app + "', 9, 1, 5, 3)")
	s.f.Exec("INSERT INTO message (application, chat, number, message, created, edited, deleted, version) VALUES ('" + app + "', 9, 1, 'x', 5, 0, 0, 4)")
	s.f.Exec("INSERT INTO keyed_command (id, application, op, chat, number, fingerprint, record_offset) VALUES ('x', '" + app + "', 'chat.create', 9, 0, '', 3)")
	damaged := s.dump()
	chat, message := &view.Chat{Application: app, Number: 9}, &view.Message{Application: app, Chat: 9, Number: 1}
	list := []sqlview.Correction{
		{Application: &a, Version: a.Version + 1000, Count: 77}, {Chat: &c, Version: c.Version + 1000, Count: 66}, {Message: &m, Version: m.Version + 1000},
		{Keyed: &view.KeyedCommand{ID: "x"}, Version: 3, Remove: true}, {Message: message, Version: 4, Remove: true}, {Chat: chat, Version: 3, Remove: true}}
	for _, other := range list { // at another version than the one seen: left alone
		other.Version += 7
		correct(other)
	}
	correct(sqlview.Correction{Application: &a, Version: a.Version + 1000, Count: 78}, sqlview.Correction{Chat: &c, Version: c.Version + 1000, Count: 65})
	correct(list[5], sqlview.Correction{Application: &a, Version: a.Version + 1000, Remove: true}) // others refer to them
	if got := s.dump(); !reflect.DeepEqual(got, damaged) {
		t.Fatalf("what was not as seen was changed:\n%v\nmust be\n%v", got, damaged)
	}
	correct(list...)
	if got := s.dump(); !reflect.DeepEqual(got, want) {
		t.Fatalf("not corrected:\n%v\nmust be\n%v", got, want)
	}
	if left, err := s.v.ScanKeyed(s.Context(), nil, 10); err != nil || len(left) != 0 {
		t.Errorf("%v %v", left, err)
	}
	refused := errors.New("refused")
	if err := s.v.Correct(s.Context(), 0, func(context.Context, view.Progress) ([]sqlview.Correction, error) { return list, refused }); !errors.Is(err, refused) {
		t.Errorf("what decide says is lost: %v", err)
	}
}

// exclusive takes batches while corrections are made: none of them is taken in
// between a correction's progress and its rows.
func exclusive(t *testing.T, s *suite) {
	s.begin()
	done := make(chan error, 1)
	go func() {
		for n := int64(3); n < 60; n++ {
			if err := s.v.Apply(s.Context(), s.batch(create(n, "x"))); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	for {
		err := s.v.Correct(s.Context(), 0, func(ctx context.Context, p view.Progress) ([]sqlview.Correction, error) {
			c, _, now, err := s.v.Chat(ctx, 0, app, 1)
			if now != p {
				t.Errorf("progress %+v, under the lock %+v", now, p)
			}
			seen := c
			return []sqlview.Correction{{Chat: &c, Version: seen.Version, Count: seen.Messages}}, err
		})
		if err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-done:
			if c, _, _, lost := s.v.Chat(s.Context(), 0, app, 1); err != nil || lost != nil || c.Messages != 59 {
				t.Errorf("%+v %v %v", c, err, lost)
			}
			return
		default:
		}
	}
}

package verify

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"chatlog/shared/command"
	"chatlog/shared/position"
	"chatlog/shared/view"
)

// A version of what the log does not have, and of what it has of another item.
var (
	beyond = fmt.Sprint(position.Version(1, 1<<30))
	anew   = fmt.Sprint(position.Version(2, 1))
	taken  = fmt.Sprint(position.Version(1, 3)) // message 1 of chat 1
)

func TestExtras(t *testing.T) {
	message := func(version, application string, chat, number int) string {
		return fmt.Sprintf("INSERT INTO message (application, chat, number, message, created, edited, deleted, version) VALUES (%s, %d, %d, 'x', 1, 0, 0, %s)",
			application, chat, number, version)
	}
	for name, test := range map[string]struct {
		plant func(*world)
		want  []string // without ", mended"
		twice []string // what only a run that mends comes to see
	}{
		"nothing": {plant: func(*world) {}},
		"an application": {plant: func(w *world) {
			w.exec("INSERT INTO application (token, username, chats, created, version) VALUES (NONE, 'x', 0, 1, " + taken + ")")
		}, want: []string{"mysql extra application " + none}},
		"an application with all that belongs to it": {plant: func(w *world) {
			w.exec("INSERT INTO application (token, username, chats, created, version) VALUES (NONE, 'x', 1, 1, "+beyond+")",
				"INSERT INTO chat (application, number, messages, created, version) VALUES (NONE, 1, 1, 1, "+taken+")", message(anew, "NONE", 1, 1))
		}, want: []string{"mysql extra application " + none, "mysql extra chat 1 of " + none, "mysql extra message 1 of chat 1 of " + none}},
		"a chat beyond the count": {plant: func(w *world) {
			w.exec("INSERT INTO chat (application, number, messages, created, version) VALUES (EVEN, 3, 0, 1, " + taken + ")")
		}, want: []string{"mysql extra chat 3 of " + even}},
		"a message beyond the count": {plant: func(w *world) { w.exec(message(taken, "ODD", 1, 4)) }, want: []string{"mysql extra message 4 of chat 1 of " + odd}},
		"a message that is counted": {plant: func(w *world) {
			w.exec(message(taken, "ODD", 1, 4), "UPDATE chat SET messages = 4 WHERE application = ODD AND number = 1")
		}, want: []string{"mysql extra message 4 of chat 1 of " + odd}, twice: []string{"mysql over chat 1 of " + odd}},
		"a message of a chat that is none": {plant: func(w *world) { w.exec(message(beyond, "EVEN", 7, 1)) }, want: []string{"mysql extra message 1 of chat 7 of " + even}},
		"a chat's count":                   {plant: func(w *world) { w.exec("UPDATE chat SET messages = 9 WHERE application = ODD AND number = 2") }, want: []string{"mysql over chat 2 of " + odd}},
		"an application's count":           {plant: func(w *world) { w.exec("UPDATE application SET chats = 3") }, want: []string{"mysql over application " + odd, "mysql over application " + even}},
		"a keyed command": {plant: func(w *world) {
			w.exec("INSERT INTO keyed_command (id, application, op, chat, number, fingerprint, record_offset) VALUES ('x', EVEN, 'message.create', 1, 3, 'f', 6)")
		}, want: []string{"mysql extra keyed command x"}},
		"versions ahead": {plant: func(w *world) {
			w.exec("UPDATE message SET message = 'x', version = "+beyond+" WHERE application = EVEN AND chat = 1 AND number = 1",
				"UPDATE message SET message = 'x', deleted = 0, version = "+anew+" WHERE application = ODD AND chat = 1 AND number = 2",
				"UPDATE chat SET created = 7, version = "+beyond+" WHERE application = EVEN AND number = 1",
				"UPDATE application SET username = 'x', version = "+anew+" WHERE token = ODD")
		}, want: []string{"mysql ahead application " + odd, "mysql ahead chat 1 of " + even, "mysql ahead message 1 of chat 1 of " + even, "mysql ahead message 2 of chat 1 of " + odd}},
		"documents": {plant: func(w *world) {
			w.plant(even, 1, 1<<30, says(1, 1, "ahead"))
			w.plant(odd, 2, 0, says(1, 2, "ahead"))
			w.plant(odd, 1, 3, says(1, 9, "extra"))
			w.plant(none, 1, 3, says(1, 1, "extra"))
			w.plant("a:b", 1, 3, says(1, 1, "stray"))
		}, want: []string{"search ahead message 1 of chat 1 of " + even, "search ahead message 2 of chat 1 of " + odd, `search extra document "a:b:1:1" (routing "")`,
			"search extra message 1 of chat 1 of " + none, "search extra message 9 of chat 1 of " + odd}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			test.plant(w)
			slices.Sort(test.want)
			if got := w.audit(false); !slices.Equal(got, test.want) {
				t.Errorf("says\n%s\nmust say\n%s", strings.Join(got, "\n"), strings.Join(test.want, "\n"))
			}
			mended := append(slices.Clone(test.want), test.twice...)
			for i := range mended {
				mended[i] += ", mended"
			}
			slices.Sort(mended)
			if got := w.audit(true); !slices.Equal(got, mended) {
				t.Errorf("mending says\n%s\nmust say\n%s", strings.Join(got, "\n"), strings.Join(mended, "\n"))
			}
			for _, v := range []View{w.rows, w.index} {
				if got := w.audit(false, v); len(got) > 0 {
					t.Errorf("left: %s", strings.Join(got, "\n"))
				}
			}
			w.alike()
		})
	}
}

// alike compares the views with those of a world that nobody has touched.
func (w *world) alike() {
	w.Helper()
	other := newWorld(w.T)
	for _, views := range [][2]View{{w.rows, other.rows}, {w.index, other.index}} {
		var all [2][]string
		for n, v := range views {
			for _, table := range v.Tables() {
				err := v.Scan(w.Context(), table, func(page []Item) error {
					for _, i := range page {
						var key view.Changes
						i.key(&key)
						found, err := v.Look(w.Context(), 0, key)
						if err != nil {
							return err
						}
						all[n] = append(all[n], fmt.Sprintf("%+v %+v", i, found))
					}
					return nil
				})
				if err != nil {
					w.Fatal(err)
				}
			}
			slices.Sort(all[n])
		}
		if !slices.Equal(all[0], all[1]) {
			w.Errorf("%s:\n%s\nmust be\n%s", views[0].Name(), strings.Join(all[0], "\n"), strings.Join(all[1], "\n"))
		}
	}
}

// Nothing is told of that is merely new, and what is put right while it is
// written to is right after: no write is undone.
func TestExtrasWhileWritesGoOn(t *testing.T) {
	w := newWorld(t)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan int64)
	go func() {
		n := int64(3)
		for ; ctx.Err() == nil; n++ {
			w.write(even, command.Command{Op: command.ChatCreate, Chat: n}, says(n, 1, "new"), says(1, n+1, "more"),
				command.Command{Op: command.MessageUpdate, Chat: 1, Number: 1, Message: fmt.Sprint("edit ", n)})
		}
		done <- n
	}()
	for deadline := time.Now().Add(3 * time.Second); time.Now().Before(deadline); {
		if got := w.audit(false); len(got) > 0 {
			t.Fatalf("falsely: %s", strings.Join(got, "\n"))
		}
		w.exec("UPDATE application SET chats = chats + 1000000, version = "+beyond+" WHERE token = EVEN",
			"UPDATE chat SET messages = messages + 1000000 WHERE application = EVEN AND number = 1",
			"UPDATE message SET message = 'x', version = "+beyond+" WHERE application = EVEN AND chat = 1 AND number = 1")
		want := []string{"mysql ahead application " + even + ", mended", "mysql ahead message 1 of chat 1 of " + even + ", mended", "mysql over chat 1 of " + even + ", mended"}
		if got := w.audit(true); !slices.Equal(got, want) {
			t.Fatalf("mending says\n%s\nmust say\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
		}
	}
	stop()
	n := <-done
	t.Logf("%d rounds of writes", n)
	if got := w.audit(false); len(got) > 0 {
		t.Errorf("left: %s", strings.Join(got, "\n"))
	}
	found, err := w.rows.Look(t.Context(), 0, view.Changes{Applications: []view.Application{{Token: even}}, Chats: []view.Chat{{Application: even, Number: 1}}})
	if a, c := found.Applications[even], found.Chats[view.ChatKey{Application: even, Number: 1}]; err != nil || a.Chats != n-1 || c.Messages != n {
		t.Errorf("%+v %+v %v, must have %d and %d", a, c, err, n-1, n)
	}
}

// Sums only save time: with those of another run, or none, the same is found.
func TestExtrasWithOtherSums(t *testing.T) {
	w := newWorld(t)
	for _, sums := range []Sums{nil, make(Sums, 3), NewSums()} {
		w.sums = map[string]Sums{"mysql": sums}
		if sums != nil {
			sums[0] = 99
		}
		if got := w.audit(false); len(got) > 0 {
			t.Error(got)
		}
	}
}

// A run that goes on where another was broken off has nothing to look up.
func TestExtrasOfAResumedRun(t *testing.T) {
	w := newWorld(t)
	passed := map[int32]int64{}
	run := func(sums map[string]Sums, partitions int32) *Audit {
		a := &Audit{Log: w, Views: []View{w.rows, w.index}, PartitionOf: partitionOf, Patience: 5 * time.Second, Sums: sums,
			Tell: func(d Difference) { t.Error(d) }, Passed: func(p int32, at, _ int64) { passed[p] = at }, Listed: func(string, int) {}}
		for p := range partitions {
			if err := a.Partition(t.Context(), p, passed[p]); err != nil {
				t.Fatal(err)
			}
		}
		return a
	}
	first := run(nil, 1)
	w.write(even, says(2, 2, "later"))
	second := run(first.Sums, partitions)
	for n, v := range second.Views {
		if doubtful, err := second.doubts(t.Context(), n, v); err != nil || doubtful != nil {
			t.Errorf("%s is doubted: %v", v.Name(), err)
		}
	}
}

// Against another log everything would be extra.
func TestAnotherLogIsRefused(t *testing.T) {
	for name, cut := range map[string]func(*world){
		"cut":         func(w *world) { w.log[0] = w.log[0][:5] },
		"made anew":   func(w *world) { w.log[0] = nil },
		"of another":  func(w *world) { w.exec("UPDATE progress SET log = '00000000000000ff'") },
		"grown again": func(w *world) { w.exec("UPDATE progress SET last_id = 'other'") },
	} {
		w := newWorld(t)
		cut(w)
		a := Audit{Log: w, Views: []View{w.rows}, PartitionOf: partitionOf, Repair: true, Tell: func(d Difference) { t.Error(name, d) }}
		if err := a.Partition(t.Context(), 0, 0); !errors.Is(err, view.ErrOtherLog) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

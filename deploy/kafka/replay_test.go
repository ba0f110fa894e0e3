package kafka

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"chatlog/deploy/client"
	"chatlog/deploy/runbook"
	"chatlog/deploy/system"
)

func TestRealReplay(t *testing.T) {
	w := start(t, shared(t))
	r := &replay{w: w, harmed: map[string]bool{}}
	w.play("replay.md", map[string]runbook.Hook{"seed": r.seed, "damage": r.damage, "differs": r.differs})
}

// replay is what a replay has to mend: two quiet applications in two partitions,
// beside clients that go on writing to another one.
type replay struct {
	w        *world
	old, new span // of the first application: before and after SINCE
	other    span // of the second application
	apps     []string
	was      map[string]string // all rows and documents of both, by their names
	harmed   map[string]bool   // what is damaged now, by the same names
}

// span is messages of one chat.
type span struct {
	app       string
	chat      int64
	from, end int64 // numbers
}

const spanLength = 20

// seed writes what is to be damaged later, and remembers how it is in the views.
func (r *replay) seed(ctx context.Context, _ string) error {
	first, err := r.application(ctx, -1)
	if err != nil {
		return err
	}
	second, err := r.application(ctx, r.w.partition(first))
	if err != nil {
		return err
	}
	r.apps = []string{first, second}
	if r.old, err = r.write(ctx, first, 1); err != nil {
		return err
	}
	if r.other, err = r.write(ctx, second, 1); err != nil {
		return err
	}
	since := time.Now().Add(2 * time.Millisecond).Truncate(time.Millisecond)
	if err := system.Eventually(ctx, time.Second, func(context.Context) error { // so that what comes next is later
		if !time.Now().After(since.Add(5 * time.Millisecond)) {
			return errors.New("not later yet")
		}
		return nil
	}); err != nil {
		return err
	}
	r.w.give("SINCE", since.UTC().Format("2006-01-02T15:04:05.000"))
	r.w.give("P", fmt.Sprint(r.w.partition(first)))
	if r.new, err = r.write(ctx, first, 2); err != nil {
		return err
	}
	if err := r.w.wait(ctx, "views"); err != nil {
		return err
	}
	r.was, err = r.state(ctx)
	return err
}

// application makes an application with one chat, in another partition than that.
func (r *replay) application(ctx context.Context, than int32) (string, error) {
	for {
		app, err := r.w.ingest.CreateApplication(ctx, "quiet", nil)
		if err != nil || r.w.partition(app) != than {
			return app, err
		}
	}
}

// write makes a chat with messages, some edited, one deleted.
func (r *replay) write(ctx context.Context, app string, chat int64) (span, error) {
	made, err := r.w.ingest.CreateChat(ctx, app, nil)
	if err != nil || made != chat {
		return span{}, fmt.Errorf("chat %d: %w", made, err)
	}
	for n := range int64(spanLength) {
		_, _, err := r.w.ingest.CreateMessage(ctx, app, chat, fmt.Sprintf("message %d", n), client.Headers{"Idempotency-Key", fmt.Sprintf("%s-%d-%d", app, chat, n)})
		if err != nil {
			return span{}, err
		}
	}
	_, failed := r.w.ingest.Update(ctx, app, chat, 3, "edited", nil)
	_, err = r.w.ingest.Delete(ctx, app, chat, 4, nil)
	return span{app, chat, 1, spanLength}, errors.Join(failed, err)
}

// damage loses and alters rows and documents of spans behind the sinks' back.
func (r *replay) damage(ctx context.Context, names string) error {
	for _, name := range strings.Fields(names) {
		s := r.span(name)
		err := r.w.db(func(db *sql.DB) error {
			return errors.Join(
				one(db.ExecContext(ctx, "DELETE FROM message WHERE application = ? AND chat = ? AND number = 1", s.app, s.chat)),
				one(db.ExecContext(ctx, "UPDATE message SET message = 'altered', deleted = 0 WHERE application = ? AND chat = ? AND number = 4", s.app, s.chat)),
				one(db.ExecContext(ctx, "UPDATE chat SET messages = messages - 2 WHERE application = ? AND number = ?", s.app, s.chat)),
				one(db.ExecContext(ctx, "DELETE FROM keyed_command WHERE application = ? AND chat = ? AND number = 2", s.app, s.chat)))
		})
		id := func(number int64) string { return fmt.Sprintf("%s:%d:%d", s.app, s.chat, number) }
		err = errors.Join(err, r.w.parts.RemoveDocument(ctx, s.app, id(5)), r.alter(ctx, s.app, id(6)))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	now, err := r.state(ctx)
	if err != nil {
		return err
	}
	r.harmed = different(r.was, now)
	return nil
}

func (r *replay) span(name string) span {
	return map[string]span{"old": r.old, "new": r.new, "other": r.other}[name]
}

// one wants one row changed.
func one(result sql.Result, err error) error {
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); n != 1 || err != nil {
		return fmt.Errorf("%d rows, %w", n, err)
	}
	return nil
}

// alter gives a document another text, at its own version.
func (r *replay) alter(ctx context.Context, routing, id string) error {
	var found struct {
		Version int64          `json:"_version"`
		Source  map[string]any `json:"_source"`
	}
	path := "/" + r.w.parts.Alias + "/_doc/" + id + "?routing=" + routing
	if err := r.w.parts.AskElasticsearch(ctx, http.MethodGet, path, nil, &found); err != nil {
		return err
	}
	found.Source["message"] = "altered"
	return r.w.parts.AskElasticsearch(ctx, http.MethodPut, fmt.Sprintf("%s&version_type=external_gte&version=%d", path, found.Version), found.Source, nil)
}

// differs wants the rows and documents of the quiet applications to be as they
// were, but for those of the spans that are named, which must still be damaged.
func (r *replay) differs(ctx context.Context, names string) error {
	now, err := r.state(ctx)
	if err != nil {
		return err
	}
	got, want := different(r.was, now), map[string]bool{}
	for name := range r.harmed {
		for _, s := range strings.Fields(names) {
			if span := r.span(s); strings.Contains(name, fmt.Sprintf("%s:%d:", span.app, span.chat)) {
				want[name] = true
			}
		}
	}
	r.w.t.Logf("of %d rows and documents %d differ, %d of those damaged were to be left", len(r.was), len(got), len(want))
	if !maps.Equal(got, want) || (len(want) == 0) != (names == "") {
		return fmt.Errorf("differ: %v, must differ: %v", slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(want)))
	}
	return nil
}

func different(a, b map[string]string) map[string]bool {
	names := map[string]bool{}
	for name := range a {
		if a[name] != b[name] {
			names[name] = true
		}
	}
	for name := range b {
		if _, there := a[name]; !there {
			names[name] = true
		}
	}
	return names
}

// state is every row and document of the quiet applications, whole.
func (r *replay) state(ctx context.Context) (map[string]string, error) {
	all := map[string]string{}
	err := r.w.db(func(db *sql.DB) error {
		for table, query := range map[string]string{
			"application": "SELECT CONCAT(token, ':0:'), CONCAT_WS('|', username, chats, created, version) FROM application WHERE token IN (?, ?)",
			"chat":        "SELECT CONCAT(application, ':', number, ':'), CONCAT_WS('|', messages, created, version) FROM chat WHERE application IN (?, ?)",
			"message":     "SELECT CONCAT(application, ':', chat, ':', number), CONCAT_WS('|', message, created, edited, deleted, version) FROM message WHERE application IN (?, ?)",
			"keyed":       "SELECT CONCAT(application, ':', chat, ':', id), CONCAT_WS('|', op, number, fingerprint, record_offset) FROM keyed_command WHERE application IN (?, ?)",
		} {
			if err := rowsInto(ctx, db, all, table, query, r.apps[0], r.apps[1]); err != nil {
				return err
			}
		}
		return nil
	})
	return all, errors.Join(err, r.documents(ctx, all))
}

func rowsInto(ctx context.Context, db *sql.DB, all map[string]string, table, query string, args ...any) error {
	rows, err := db.QueryContext(ctx, query, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var key, value string
		if err := rows.Scan(&key, &value); err != nil {
			return err
		}
		all[table+" "+key] = value
	}
	return rows.Err()
}

// documents adds the documents of all spans.
func (r *replay) documents(ctx context.Context, all map[string]string) error {
	type asked struct {
		Index   string `json:"_index,omitempty"`
		ID      string `json:"_id"`
		Routing string `json:"routing"`
	}
	var ask struct {
		Docs []asked `json:"docs"`
	}
	for _, s := range []span{r.old, r.new, r.other} {
		for n := s.from; n <= s.end; n++ {
			ask.Docs = append(ask.Docs, asked{ID: fmt.Sprintf("%s:%d:%d", s.app, s.chat, n), Routing: s.app})
		}
	}
	var got struct {
		Docs []struct {
			ID      string          `json:"_id"`
			Version int64           `json:"_version"`
			Found   bool            `json:"found"`
			Source  json.RawMessage `json:"_source"`
		}
	}
	if err := r.w.parts.AskElasticsearch(ctx, http.MethodPost, "/"+r.w.parts.Alias+"/_mget", ask, &got); err != nil {
		return err
	}
	for _, d := range got.Docs {
		var source map[string]any
		if d.Found {
			if err := json.Unmarshal(d.Source, &source); err != nil {
				return err
			}
		}
		content, err := json.Marshal(source) // in one order of keys
		if err != nil {
			return err
		}
		all["document "+d.ID] = fmt.Sprintf("%v %d %s", d.Found, d.Version, content)
	}
	if len(got.Docs) != len(ask.Docs) {
		return fmt.Errorf("%d documents of %d", len(got.Docs), len(ask.Docs))
	}
	return nil
}

package e2e

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"chatlog/deploy/client"
)

// TestRealReindex makes the search index anew while clients write and search. The
// first run is broken off by kill -9, the second one stops before the swap, the
// third one swaps; then the old index is removed.
func TestRealReindex(t *testing.T) {
	h := real(t, "CHATLOG_QUERY_FRESHNESS_WAIT=5s") // whether it waits is tested, not how fast the machine is
	const messages = 3000
	app := application(t, h.query)
	number := chat(t, h.query, app)
	token := fillChat(t, h, app, number, messages)
	h.views(t)
	if _, err := h.query.Search(t.Context(), app, number, "last", 1, client.Headers{"Consistency-Token", token}); err != nil { // now it can be found
		t.Fatal(err)
	}
	l := h.load(t)
	s := h.seek(t, app, number, messages+1)
	more(t, l, 100)

	old := h.only(t, h.parts.Alias)
	next, had := h.brokenOff(t, messages)
	if now := h.only(t, h.parts.Alias); now != old {
		t.Fatalf("behind the alias is %s, was %s", now, old)
	}
	h.reindexes(t, 0, []string{"--dry-run"}, "going on with "+next+", which has ", next+" could take the place of "+old)
	if now := h.only(t, h.parts.Alias); now != old {
		t.Fatalf("behind the alias is %s, was %s, after a dry run", now, old)
	}
	more(t, l, 100)
	before := s.done.Load()
	h.reindexes(t, 0, nil, "going on with "+next+", which has ", " 0 differ", next+" has taken the place of "+old)
	if now, kept := h.only(t, h.parts.Alias), h.only(t, h.parts.Alias+"-old"); now != next || kept != old {
		t.Fatalf("behind the alias is %s, kept is %s", now, kept)
	}
	t.Logf("%d searches during the run that swapped; the first one was killed at %d records", s.done.Load()-before, had)
	more(t, l, 200)
	h.views(t)
	h.verify(t, 0, " 0 differences, 0 left") // the load goes on: what is merely new is no difference
	h.reindexes(t, 1, nil, old+" is still kept")
	h.reindexes(t, 0, []string{"--drop-old"}, old+" is removed")
	h.reindexes(t, 0, []string{"--drop-old"}, "no index is kept")
	h.gone(t, old)
	more(t, l, 200)
	s.end(t)
	l.Stop()
	for _, w := range append(l.Wrong(), l.Unknown()...) {
		t.Error(w)
	}
	h.verify(t, 0, " 0 differences, 0 left")
	truth := h.audit(t)
	truth.History(l.Acked())
	report(t, truth)
	sinks := "http://" + h.Program("sinks").Listen
	t.Logf("%d searches and %d acked writes beside it; the sinks went back %v times", s.done.Load(), l.Acks.Load(), h.metric(t, sinks, "chatlog_sink_set_back_total"))
}

// reindexing is the program that operators have.
func (h *house) reindexing(ctx context.Context, args ...string) (*exec.Cmd, *bytes.Buffer) {
	sinks := h.Program("sinks")
	c := exec.CommandContext(ctx, sinks.Path, append([]string{"reindex"}, args...)...)
	c.Dir, c.Env = sinks.Dir, slices.Clone(sinks.Env)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	return c, &out
}

// reindexes runs it to its end.
func (h *house) reindexes(t *testing.T, code int, args []string, says ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	c, out := h.reindexing(ctx, args...)
	began := time.Now()
	err := c.Run()
	var exited *exec.ExitError
	if err != nil && !errors.As(err, &exited) || c.ProcessState.ExitCode() != code {
		t.Fatalf("exit code %d (%v), must be %d\n%s", c.ProcessState.ExitCode(), err, code, out)
	}
	for _, want := range says {
		if !strings.Contains(out.String(), want) {
			t.Errorf("does not say %q:\n%s", want, out)
		}
	}
	t.Logf("sinks reindex %s, in %s:\n%s", strings.Join(args, " "), time.Since(began).Round(time.Millisecond), out)
}

// brokenOff kills a run while it fills the new index, and gives its name and how
// many records it had.
func (h *house) brokenOff(t *testing.T, all int64) (name string, had int64) {
	t.Helper()
	c, out := h.reindexing(t.Context())
	c.Env = append(c.Env, "CHATLOG_SINKS_SEARCH_BATCH_RECORDS=10") // it takes long enough to be killed
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, time.Minute, "a part of the log in the new index", func() (err error) {
		if had, err = h.progressOf(t, h.parts.Alias+"-next"); err == nil && had < 100 {
			err = fmt.Errorf("%d records", had)
		}
		return err
	})
	if err := c.Process.Kill(); err != nil {
		t.Fatal(err, out)
	}
	if err := c.Wait(); err == nil {
		t.Errorf("it had ended before it was killed\n%s", out)
	}
	name = h.only(t, h.parts.Alias+"-next")
	var err error
	if had, err = h.progressOf(t, h.parts.Alias+"-next"); err != nil {
		t.Fatal(err)
	}
	if had < 100 || had >= all {
		t.Errorf("it was killed at %d of %d records: that it goes on is not proved\n%s", had, all, out)
	}
	return name, had
}

// progressOf sums how far an index is in all partitions.
func (h *house) progressOf(t *testing.T, alias string) (sum int64, err error) {
	t.Helper()
	p := h.parts
	p.Alias = alias
	for partition := range int32(12) {
		next, err := p.IndexProgress(t.Context(), partition)
		if err != nil { // 503 as long as an index is being made
			return 0, err
		}
		sum += next
	}
	return sum, nil
}

// only gives the one index behind an alias.
func (h *house) only(t *testing.T, alias string) string {
	t.Helper()
	behind, err := h.parts.Behind(t.Context(), alias)
	if err != nil || len(behind) != 1 {
		t.Fatalf("behind %s are %v, %v", alias, behind, err)
	}
	return behind[0]
}

// gone wants an index removed.
func (h *house) gone(t *testing.T, index string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodHead, h.parts.Elasticsearch+"/"+index, nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusNotFound {
		t.Errorf("%s is there: %s", index, answer.Status)
	}
}

// seekers search all the time, for what has long been there and for what they have
// just written: every search must find it.
type seekers struct {
	done   atomic.Int64
	cancel context.CancelFunc
	group  sync.WaitGroup
	mutex  sync.Mutex
	failed []string
}

// seek starts searches in a chat that fillChat has filled; last is its last message.
func (h *house) seek(t *testing.T, app string, filled, last int64) *seekers {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	s := &seekers{cancel: cancel}
	t.Cleanup(cancel)
	own := chat(t, h.query, app)
	for i := range 2 {
		s.group.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				found, err := h.query.Search(ctx, app, filled, `"the last"`, 5, nil)
				s.note(ctx, "what was there", found, err, last)
				text := fmt.Sprintf("sought by %d the %dth time", i, n)
				wrote, token, err := h.ingest.CreateMessage(ctx, app, own, text, nil)
				if err != nil {
					s.note(ctx, "the write before a search", nil, err, 0)
					continue
				}
				found, err = h.query.Search(ctx, app, own, `"`+text+`"`, 5, client.Headers{"Consistency-Token", token})
				s.note(ctx, "one's own write", found, err, wrote)
			}
		})
	}
	return s
}

// note takes the outcome of a search; the first of what is found must be number.
func (s *seekers) note(ctx context.Context, what string, found []client.Listed, err error, number int64) {
	if ctx.Err() != nil {
		return
	}
	s.done.Add(1)
	if err == nil && len(found) > 0 && found[0].Number == number {
		return
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.failed = append(s.failed, fmt.Sprintf("%s: found %v, %v, must be message %d", what, found, err, number))
}

func (s *seekers) end(t *testing.T) {
	t.Helper()
	s.cancel()
	s.group.Wait()
	for _, f := range s.failed[:min(len(s.failed), 20)] {
		t.Error(f)
	}
	if len(s.failed) > 0 || s.done.Load() < 100 {
		t.Errorf("%d of %d searches failed", len(s.failed), s.done.Load())
	}
}
